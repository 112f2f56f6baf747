"""The real cloud-init, booting a machine from a NoCloud seed: which files it writes below /etc."""

import re
from pathlib import Path

from msgspec import Struct

from netwright.files.artifact import NodeFile
from netwright.lab.machine import LabMachine, boot
from netwright.lab.namespaces import ENVIRONMENT
from tests.rigs.tree import read_tree
from tests.rigs.wires import Nic, boot_wired

HOSTS = b"127.0.0.1   localhost localhost.localdomain\n192.0.2.7 of.mine"
"""What an image has in /etc/hosts, and what its owner added without an end of the line."""
_SEED = "/var/lib/cloud/seed/nocloud"
_CHECKED = "/run/user-data"

# The modules of Rocky's cloud.cfg that write files of the network; the others would install packages, make users ...
# Left to itself, cloud-init takes the first renderer whose programs the host has: netplan's, where that is installed.
_CONFIG = b"""\
datasource_list: [NoCloud]
system_info: {distro: rocky, network: {renderers: [networkd], activators: [networkd]}}
cloud_init_modules: [bootcmd, write-files, set_hostname, update_hostname]
cloud_config_modules: [runcmd]
cloud_final_modules: []
"""

_STAGES = (("init",), ("modules", "--mode=config"))
_CALLS, _PROGRAMS = "/run/calls", "/etc/recorded"
# systemctl and udevadm have nobody to ask here; of nft only the machine's own namespace hears.
_RECORDER = f"""\
#!/bin/sh
echo "${{0##*/}} $*" >> {_CALLS}
[ "${{0##*/}}" != nft ] || exec /usr/sbin/nft "$@"
"""
_COMPLAINT = re.compile(r"\[(WARNING|ERROR|CRITICAL)\]|Traceback")


class Applied(Struct, frozen=True, kw_only=True):
    """The files below /etc that were not there before or differ, the host name, and the log's warnings and errors.

    `early` are the files among them that are there before the network, and `calls` what was called of systemctl,
    udevadm and nft until then. `commands` is the shell script that runcmd becomes, None without one; it was not run.
    """

    files: tuple[NodeFile, ...]
    early: tuple[NodeFile, ...]
    calls: tuple[str, ...]
    hostname: str
    commands: str | None
    complaints: tuple[str, ...]


def apply_cloudinit(user_data: bytes, meta_data: bytes, network_config: bytes) -> Applied:
    """Return what the first boot of a Rocky machine with the three files on its seed volume writes."""
    # Without a card, cloud-init would not find anything to configure where nobody told it not to.
    with boot_wired({"localhost": [Nic(name="eth0")]}) as machines:
        machine = machines["localhost"]
        machine.install(
            NodeFile(path=path, content=content)
            for path, content in {
                "/etc/os-release": b'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n',
                "/etc/cloud/cloud.cfg": _CONFIG,
                "/etc/hosts": HOSTS,
                f"{_SEED}/user-data": user_data,
                f"{_SEED}/meta-data": meta_data,
                f"{_SEED}/network-config": network_config,
            }.items()
        )
        machine.install(
            NodeFile(path=f"{_PROGRAMS}/{name}", content=_RECORDER.encode(), mode=0o755)
            for name in ("systemctl", "udevadm", "nft")
        )
        before = frozenset(read_tree(machine.path(""), "/etc"))
        # Without a logging configuration of its own, cloud-init logs everything to stderr.
        logs = [_run(machine, "init", "--local")]
        early = tuple(file for file in read_tree(machine.path(""), "/etc") if file not in before)
        calls = (machine.read(_CALLS) or b"").decode().splitlines()
        logs += [_run(machine, *stage) for stage in _STAGES]
        commands = machine.run("cat", "/var/lib/cloud/instance/scripts/runcmd", check=False)
        return Applied(
            files=tuple(file for file in read_tree(machine.path(""), "/etc") if file not in before),
            early=early,
            calls=tuple(calls),
            hostname=machine.run("hostname").stdout.strip(),
            commands=commands.stdout if commands.returncode == 0 else None,
            complaints=tuple(line for log in logs for line in log.splitlines() if _COMPLAINT.search(line)),
        )


def _run(machine: LabMachine, *stage: str) -> str:
    return machine.run("env", f"PATH={_PROGRAMS}:{ENVIRONMENT['PATH']}", "cloud-init", *stage).stderr


def schema_complaints(user_data: str) -> str:
    """Return the complaints of `cloud-init schema` about the file; "" if it is valid and without deprecations."""
    # Not on the host: its own /etc/cloud would take part.
    with boot("node") as (machine,):
        machine.install([NodeFile(path=_CHECKED, content=Path(user_data).read_bytes())])
        done = machine.run("cloud-init", "schema", "--config-file", _CHECKED, check=False)
    said = "\n".join(
        line for line in (done.stdout + done.stderr).splitlines() if line != f"Valid cloud-config: {_CHECKED}"
    )
    return said or ("" if done.returncode == 0 else f"exit code {done.returncode}")
