"""cloud-init's NoCloud seed: the node's files with owner and mode, and how they take effect on first boot."""

from gen.artifact import Artifact, NodeFile
from gen.butane import dump_butane as dump_yaml
from gen.plan.types import NodePlan
from gen.report import Report
from gen.targets.cloud_config import CloudConfig, merge_cloud_config
from gen.targets.common import RULESET_UNIT
from gen.targets.snippets import read_snippets
from gen.targets.workshop import Workshop


def cloud_init_artifacts(
    plan: NodePlan, files: tuple[NodeFile, ...], workshop: Workshop
) -> tuple[tuple[Artifact, ...], Report]:
    """user-data, meta-data and network-config, and what is wrong with the snippets.

    The instance id stays the same when the configuration changes: cloud-init provisions a machine once.
    """
    snippets, reading = read_snippets(plan.cloud_init_snippets, workshop)
    config, merging = merge_cloud_config(_cloud_config(plan, files), snippets)
    meta = {"instance-id": f"{plan.cluster}-{plan.name}", "local-hostname": plan.hostname}
    seed = (
        Artifact(path="cloud-init/meta-data", content=dump_yaml(meta).encode()),
        Artifact(path="cloud-init/network-config", content=dump_yaml({"network": {"config": "disabled"}}).encode()),
        Artifact(path="cloud-init/user-data", content=("#cloud-config\n" + dump_yaml(config)).encode()),
    )
    return seed, reading + merging


def _cloud_config(plan: NodePlan, files: tuple[NodeFile, ...]) -> CloudConfig:
    """What cloud-init does on first boot. The Red Hat family would make a known FQDN the host name; ours is said."""
    return {
        "hostname": plan.hostname,
        "prefer_fqdn_over_hostname": False,
        "write_files": [
            {
                "path": file.path,
                "owner": file.owner,
                "permissions": f"{file.mode:04o}",
                "content": file.content.decode(),
            }
            for file in files
        ],
        "runcmd": _commands(plan),
    }


def _commands(plan: NodePlan) -> list[str]:
    """What makes the files take effect without a reboot: parameters first, ip_forward resets those of interfaces."""
    commands = ["systemctl daemon-reload"]
    if plan.sysctls:
        commands.append("systemctl restart systemd-sysctl.service")
    if plan.firewalld_masked:
        commands.append("systemctl mask --now firewalld.service")
    if plan.ruleset:
        commands.append(f"systemctl enable --now {RULESET_UNIT}")
    if plan.links:
        commands.append("nmcli connection reload")
        commands += [f"nmcli connection up {link.name}" for link in plan.links]
    return commands
