"""Result of the legacy network scripts with the Rocky nodes' ifcfg and route files: as in their plans."""

from netwright.model import Family
from netwright.plan.types import Link, NodePlan, PlannedRoute
from tests.judges import expected
from tests.judges.cases import Case, cases_with
from tests.rigs.network_scripts import FOLDER, apply_network_scripts, source_ifcfg
from tests.rigs.wires import Node


def ifcfg_plans(case: Case) -> dict[str, NodePlan]:
    return {name: plan for name, plan in case.plans(Family.ROCKY).items() if plan.network_config == "ifcfg"}


def metric(route: PlannedRoute) -> int:
    """That of a GATEWAY= is the kernel's own; in a route file it is spelled out as NetworkManager would choose it."""
    return 0 if route.is_plain_default else 100


def variables(link: Link) -> dict[str, str]:
    """Return what a shell has to know after it has sourced the link's ifcfg."""
    values = {"DEVICE": link.name, "NAME": link.name, "UUID": str(link.uuid), "TYPE": "Ethernet"}
    values |= {"ONBOOT": "yes", "AUTOCONNECT_PRIORITY": "200", "BOOTPROTO": "none", "IPV6INIT": "no"}
    values["IPV4_ROUTE_METRIC"] = "100"
    if link.zone:
        values["ZONE"] = link.zone
    if link.mac:
        values["HWADDR"] = link.mac.upper()
    if link.mtu:
        values["MTU"] = str(link.mtu)
    if link.domain:
        values["DOMAIN"] = link.domain
    for number, address in enumerate(link.addresses):
        values |= {f"IPADDR{number or ''}": str(address.ip), f"PREFIX{number or ''}": str(address.prefix)}
    for route in link.routes:
        if route.is_plain_default:
            values["GATEWAY"] = str(route.gateway)
    values |= {f"DNS{number}": str(server) for number, server in enumerate(link.dns, 1)}
    for number, rule in enumerate(link.policy_rules):
        to = f" to {rule.destination}" if rule.destination else ""
        iif = f" iif {rule.ingress}" if rule.ingress else ""
        mark = f" fwmark {rule.shown_mark}" if rule.mark else ""
        source = rule.source or expected.EVERYTHING
        values[f"ROUTING_RULE_{number}"] = f"priority {rule.priority} from {source}{to}{iif}{mark} table {rule.table}"
    return values


@cases_with(Family.ROCKY, lambda plan: plan.network_config == "ifcfg")
def test_network_scripts_apply_the_plan(case: Case) -> None:
    plans = ifcfg_plans(case)
    nodes = {name: Node(nics=expected.nics(plan), files=case.files(name)) for name, plan in plans.items()}

    applied = apply_network_scripts(nodes)

    assert applied == {name: expected.kernel(plan, metric) for name, plan in plans.items()}


@cases_with(Family.ROCKY, lambda plan: plan.network_config == "ifcfg")
def test_sourcing_an_ifcfg_yields_the_planned_values_and_nothing_else(case: Case) -> None:
    for name, plan in ifcfg_plans(case).items():
        contents = {file.path: file.content for file in case.files(name)}
        for link in plan.links:
            assert source_ifcfg(contents[f"{FOLDER}/ifcfg-{link.name}"]) == variables(link)


@cases_with(Family.ROCKY)
def test_a_node_has_files_of_one_network_service_only(case: Case) -> None:
    for name, plan in case.plans(Family.ROCKY).items():
        folders = {file.path.rpartition("/")[0] for file in case.files(name)}
        keyfiles = "/etc/NetworkManager/system-connections" in folders

        assert (keyfiles, FOLDER in folders) == (
            bool(plan.links) and plan.network_config == "keyfile",
            bool(plan.links) and plan.network_config == "ifcfg",
        )
