"""Files that the real cloud-init writes on a Rocky node's first boot are the node's tree, with modes and owners."""

import shlex

from netwright.files.artifact import NodeFile
from netwright.model import Family
from netwright.plan.types import NodePlan
from tests.judges.cases import Case, cases_with
from tests.rigs.cloudinit import HOSTS, Applied, apply_cloudinit, schema_complaints

# What cloud-init writes by itself to name the host, and what the users' snippets bring.
OWN = {"/etc/sysconfig/network"}
SNIPPETS = {
    "snippets-cloud-init": {"/etc/sysctl.d/90-keepalived.conf"},
    "snippets-templates": {"/etc/motd.d/node"},
}


def apply(case: Case, node: str) -> Applied:
    seed = case.out / node / "cloud-init"
    return apply_cloudinit(*((seed / name).read_bytes() for name in ("user-data", "meta-data", "network-config")))


def needed(plan: NodePlan) -> set[str]:
    """Return what has to run late on the first boot for the files to take effect on later ones."""
    commands = set()
    if plan.firewalld_masked:
        commands.add("systemctl mask --now firewalld.service")
    if plan.firewalld_managed:
        commands |= {"systemctl enable --now firewalld.service", "firewall-cmd --reload"}
        commands |= {"systemctl restart systemd-sysctl.service"} if plan.sysctls else set()
    elif plan.ruleset:
        commands.add("systemctl enable --now netwright-nftables.service")
    return commands


def needed_early(plan: NodePlan) -> tuple[str, ...]:
    """Return what has to run before the network is up, on the first boot too: cards get their names, and the rules come
    before forwarding."""
    names = ("udevadm trigger --action=add --subsystem-match=net --settle",)
    renamed = names if any(link.is_renamed for link in plan.links) else ()
    # Those of firewalld may have to wait for its package, and the parameters wait for them.
    by_nft = not plan.firewalld_managed
    rules = ("nft -f /etc/nftables/netwright.nft",) if plan.ruleset and by_nft else ()
    parameters = ("systemctl restart systemd-sysctl.service",) if plan.sysctls and by_nft else ()
    return renamed + rules + parameters


def hosts_file(plan: NodePlan) -> list[bytes]:
    """Return /etc/hosts with the plan's names behind what stood there, if it changes."""
    lines = "".join(f"{record.line} # netwright\n" for record in plan.hosts)
    header = "# Written by netwright; edit the topology instead. # netwright\n"
    return [HOSTS + f"\n{header}{lines}".encode()] if plan.hosts else []


def path(file: NodeFile) -> str:
    return file.path


@cases_with(Family.ROCKY)
def test_cloudinit_finds_nothing_to_say(case: Case) -> None:
    files = [case.out / name / "cloud-init" / "user-data" for name in case.plans(Family.ROCKY)]

    assert {str(file): schema_complaints(str(file)) for file in files} == {str(file): "" for file in files}


@cases_with(Family.ROCKY)
def test_cloudinit_writes_the_tree_before_the_network_and_configures_none_itself(case: Case) -> None:
    for name, plan in case.plans(Family.ROCKY).items():
        applied = apply(case, name)

        foreign = OWN | SNIPPETS.get(case.name, set()) | ({"/etc/hosts"} if plan.hosts else set())
        ours = tuple(sorted(case.files(name), key=path))
        assert applied.complaints == ()
        assert applied.hostname == plan.hostname
        assert tuple(file for file in applied.files if file.path not in foreign) == ours
        assert set(ours) <= set(applied.early)
        assert [file.content for file in applied.early if file.path == "/etc/hosts"] == hosts_file(plan)
        assert applied.calls == needed_early(plan)
        assert needed(plan) <= {shlex.join(shlex.split(line)) for line in (applied.commands or "").splitlines()}
