"""The sections of a cloud-config and of an Ignition config: which of them cannot touch the network, and why."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from netwright.verify.reading.running.judge import Judge
from netwright.verify.reading.running.rules_of_packages import refuse_package

READ_ELSEWHERE = frozenset({"write_files", "runcmd", "bootcmd"})

_GROUPS = {
    "accounts and keys": """
        users user groups password chpasswd ssh_pwauth ssh_authorized_keys ssh_keys ssh_import_id ssh
        ssh_deletekeys ssh_genkeytypes ssh_quiet_keygen ssh_publish_hostkeys no_ssh_fingerprints disable_root
        disable_root_opts allow_public_ssh_keys authkey_hash ca_certs ca-certs
    """,
    "names, time and language": """
        hostname fqdn prefer_fqdn_over_hostname preserve_hostname create_hostname_file manage_etc_hosts timezone
        ntp locale keyboard byobu_by_default
    """,
    "disks": "growpart resize_rootfs device_aliases mount_default_fields",
    "what is printed and reported": "final_message reporting phone_home merge_how merge_type debug log_cfgs",
    "where packages come from": """
        yum_repos zypper apt rh_subscription package_update package_upgrade
        package_reboot_if_required
    """,
    "name servers, which no proof depends on": "manage_resolv_conf resolv_conf",
}
_HARMLESS = {key: reason for reason, keys in _GROUPS.items() for key in keys.split()}
_NOT_KNOWN = "a section of cloud-init's that is not known to leave the network alone"


def judge_section(judge: Judge, key: str, value: str) -> None:
    """One section of a cloud-config, its value as JSON."""
    for reason in _refuse_section(judge, key, json.loads(value)):
        judge.note(1, f"{key}: {value}", reason)


def _refuse_section(judge: Judge, key: str, value: Any) -> Iterator[str]:
    if key == "packages":
        yield from _packages(judge, value)
    elif key == "power_state":
        if not isinstance(value, dict) or value.get("mode") != "reboot":
            yield "the machine is switched off"
        elif value.get("condition") not in (None, True, False):
            judge.shell(
                value["condition"] if isinstance(value["condition"], str) else " ".join(map(str, value["condition"]))
            )
    elif key == "mounts":
        for entry in value if isinstance(value, list) else ():
            where = entry[1] if isinstance(entry, list) and len(entry) > 1 else None
            if where not in (None, "none", "swap", "/"):
                yield from judge.write(str(where), wholly=True)
    elif key in _SECTIONS:
        yield from _SECTIONS[key](judge, value)
    elif key not in _HARMLESS:
        yield _NOT_KNOWN


def _path(judge: Judge, value: Any) -> Iterator[str]:
    """A setting that is the path of a file that is written."""
    if value not in (None, ""):
        yield from judge.write(str(value))


def _swap(judge: Judge, value: Any) -> Iterator[str]:
    yield from _path(judge, value.get("filename") if isinstance(value, dict) else None)


def _seed(judge: Judge, value: Any) -> Iterator[str]:
    """A file that is written, /dev/urandom by itself, and a command."""
    if not isinstance(value, dict):
        return
    if value.get("file") not in (None, "/dev/urandom"):
        yield from _path(judge, value["file"])
    command = value.get("command")
    if command:
        yield from judge.run([str(word) for word in command] if isinstance(command, list) else str(command).split())


def _output(judge: Judge, value: Any) -> Iterator[str]:
    """What the stages print goes to a file, or through a pipe: "> FILE", "| COMMAND"."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _output(judge, inner)
    elif isinstance(value, str) and value.startswith("|"):
        with judge.aside():
            judge.shell(value[1:])
    elif isinstance(value, str) and value.startswith(">"):
        yield from _path(judge, value.lstrip("> "))


def _disks(_judge: Judge, value: Any) -> Iterator[str]:
    """Tables and file systems that are made where there are others, the system's maybe."""
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if any(isinstance(one, dict) and one.get("overwrite") not in (None, False) for one in entries):
        yield "overwrites what is on a disk, which may be the system's"


def _rsyslog(_judge: Judge, value: Any) -> Iterator[str]:
    """Lines that send elsewhere; with a path in them they write or run something."""
    said = value if isinstance(value, dict) else {"configs": value}
    lines = said.get("configs") or []
    plain = isinstance(lines, list) and all(
        isinstance(one, str) and not {"/", "^"} & {*one} and one != "..." for one in lines
    )
    if not plain or said.keys() - {"remotes", "configs"}:
        yield _NOT_KNOWN


_SECTIONS: Mapping[str, Callable[[Judge, Any], Iterator[str]]] = {
    **dict.fromkeys(("locale_configfile", "yum_repo_dir"), _path),
    "swap": _swap,
    "random_seed": _seed,
    "output": _output,
    **dict.fromkeys(("disk_setup", "fs_setup"), _disks),
    "rsyslog": _rsyslog,
}
"""Sections by which modules write files, run commands or make file systems."""


def _packages(judge: Judge, value: Any) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        name = entry[0] if isinstance(entry, list) and entry else entry
        reason = refuse_package(str(name), expected=judge.expected) if not isinstance(name, dict) else _NOT_KNOWN
        if reason is not None:
            yield reason


_ARGUMENT = re.compile(
    r"(?:console|quiet|splash|mitigations|loglevel|panic|rd\.\w+(?:\.\w+)*|root|rootflags|ro|rw|flatcar\.(?:autologin|oem\.id|first_boot)\S*|"
    r"coreos\.\S+|net\.ifnames|biosdevname|ipv6\.disable|transparent_hugepage|hugepages\w*|default_hugepagesz|isolcpus|nohz\w*|rcu_\w+|"
    r"intel_iommu|amd_iommu|iommu|kvm\S*|systemd\.unified_cgroup_hierarchy|cgroup\w*|audit\w*|selinux|enforcing|crashkernel|"
    r"nomodeset|vga|swapaccount|processor\.max_cstate|intel_idle\.\S+|intel_pstate|cpuidle\.\S+|idle|nmi_watchdog|nosmt|apparmor)(?:=\S*)?"
)


def refuse_kernel_argument(argument: str) -> str | None:
    """Return why a kernel argument may change the network, None if it cannot."""
    if all(_ARGUMENT.fullmatch(word) for word in argument.split()):
        return None
    return "an argument of the kernel's that is not known to leave the network alone"
