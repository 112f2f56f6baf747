"""cloud-init's NoCloud seed: the node's files with owner and mode, and how they take effect on first boot.

All of it happens before NetworkManager starts, on the first boot as on later ones. `dsmode: local` has cloud-init apply
the seed in its first stage, which comes before the network; without it the Red Hat family writes the files when the
network is up already, by some profile of the image's (cloud-init, main_init, and its unit templates). Within the stage
`bootcmd` comes before `write_files`: the seed's first command has the files written at once.

firewalld may have to be installed first, which needs the network: its rules are loaded at the end of the first boot,
and the parameters, forwarding among them, are applied after that. On later boots it starts before the network.
"""

from collections.abc import Iterator

from msgspec import Struct

from netwright.butane import dump_butane as dump_yaml
from netwright.files.artifact import Artifact, NodeFile
from netwright.plan.types import NodePlan
from netwright.targets.cloud_config import CloudConfig, merge_cloud_config
from netwright.targets.common import HOSTS_SCRIPT, KEYS_SCRIPT, KEYS_UNIT, RULESET_PATH, RULESET_UNIT
from netwright.targets.context import TargetContext
from netwright.targets.secrets import check_secrets
from netwright.targets.snippets import read_snippets
from netwright.text.report import Report

APPLY_PARAMETERS = "systemctl restart systemd-sysctl.service"


class Seed(Struct, frozen=True, kw_only=True):
    """The files of a seed, the names of the secrets in them, and everything that was found."""

    artifacts: tuple[Artifact, ...]
    secrets: tuple[str, ...]
    report: Report


def cloud_init_artifacts(plan: NodePlan, files: tuple[NodeFile, ...], context: TargetContext) -> Seed:
    """user-data, meta-data and network-config, and what is wrong with the snippets.

    The instance id stays the same when the configuration changes: cloud-init provisions a machine once.
    """
    read = read_snippets(plan.name, plan.cloud_init_snippets, context)
    config, merging = merge_cloud_config(_cloud_config(plan, files), read.sources)
    meta = {"instance-id": f"{plan.cluster}-{plan.name}", "local-hostname": plan.hostname, "dsmode": "local"}
    seed = (
        Artifact(path="cloud-init/meta-data", content=dump_yaml(meta).encode()),
        Artifact(path="cloud-init/network-config", content=dump_yaml({"network": {"config": "disabled"}}).encode()),
        Artifact(path="cloud-init/user-data", content=("#cloud-config\n" + dump_yaml(config)).encode()),
    )
    report = Report.of([read.report, merging, check_secrets(plan, read.secrets, seed[-1:], context)])
    return Seed(artifacts=seed, secrets=read.secrets, report=report)


def _cloud_config(plan: NodePlan, files: tuple[NodeFile, ...]) -> CloudConfig:
    """Return cloud-init's task at first boot. The Red Hat family would make a known FQDN the host name; ours is set."""
    early, packages = _early_commands(plan), _packages(plan)
    return {
        "hostname": plan.hostname,
        "prefer_fqdn_over_hostname": False,
        # Else what a cloud brings may have cloud-init write the whole file again on every boot.
        **({"manage_etc_hosts": False} if plan.hosts else {}),
        "write_files": [
            {
                "path": file.path,
                "owner": file.owner,
                "permissions": f"{file.mode:04o}",
                "content": file.content.decode(),
            }
            for file in files
        ],
        **({"bootcmd": early} if early else {}),
        **({"packages": packages} if packages else {}),
        "runcmd": _late_commands(plan),
    }


def _early_commands(plan: NodePlan) -> list[str]:
    """Commands before the network: the files, the names of cards, then the rules, and only then the parameters, which
    turn on forwarding.

    On later boots the files are there, systemd-sysctl.service and the ruleset's unit are quicker, and these change
    nothing.
    """
    commands = []
    if any(link.is_renamed for link in plan.links):
        commands.append("udevadm trigger --action=add --subsystem-match=net --settle")
    if any(link.tunnel for link in plan.links):
        commands.append(f"sh {KEYS_SCRIPT}")
    if plan.hosts:
        commands.append(f"sh {HOSTS_SCRIPT}")
    if plan.ruleset and not plan.firewalld_managed:
        commands.append(f"nft -f {RULESET_PATH}")
    if plan.sysctls and not plan.firewalld_managed:
        commands.append(APPLY_PARAMETERS)
    return ["cloud-init single --name write_files", *commands] if commands else []


def _late_commands(plan: NodePlan) -> list[str]:
    """Commands that no packet waits for: what later boots start, or do not."""
    commands = ["systemctl daemon-reload"]
    if plan.firewalld_masked:
        commands.append("systemctl mask --now firewalld.service")
    if plan.firewalld_managed:
        commands += _firewalld_commands(plan)
    elif plan.ruleset:
        commands.append(f"systemctl enable --now {RULESET_UNIT}")
    if any(link.tunnel for link in plan.links):
        commands.append(f"systemctl enable {KEYS_UNIT}")
    if plan.time_servers:
        # The images run it, since before our file was there.
        commands += ["systemctl enable chronyd.service", "systemctl restart chronyd.service"]
    if packages := _balancing_packages(plan):
        # SELinux lets them reach a few ports only (haproxy_selinux(8), keepalived_selinux(8)).
        commands.append(f"setsebool -P {' '.join(f'{package}_connect_any=1' for package in packages)}")
        commands += (f"systemctl enable --now {package}.service" for package in packages)
    return commands


def _firewalld_commands(plan: NodePlan) -> Iterator[str]:
    """Commands that start firewalld with the node's rules, and only then turn on forwarding."""
    yield "systemctl unmask firewalld.service"
    yield "systemctl enable --now firewalld.service"
    # Where the image had it running already, it has not read the node's files.
    yield "firewall-cmd --reload"
    if plan.sysctls:
        yield APPLY_PARAMETERS


def _packages(plan: NodePlan) -> list[str]:
    """Packages with the programs for which files are written."""
    return [*(("firewalld",) if plan.firewalld_managed else ()), *_balancing_packages(plan)]


def _balancing_packages(plan: NodePlan) -> list[str]:
    """Packages of the programs that balance, each also the name of its unit."""
    wanted = {"haproxy": plan.balanced_addresses, "keepalived": plan.moved_addresses}
    return [package for package, addresses in wanted.items() if addresses]
