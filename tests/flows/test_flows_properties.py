"""Random networks and flows: what is planned is complete, monotone, and does not depend on the order of flows."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from netaddr import IPAddress, IPNetwork

from netwright.flows import NO_NEEDS, Derivation, derive
from netwright.flows.types import RouteNeed
from netwright.parse import parse
from netwright.plan import plan_node
from netwright.plan.types import NodePlan
from netwright.topology.resolved import ResolvedTopology, resolve_topology
from tests.flows.walk import leave, walk

Document = dict[str, Any]


@st.composite
def networks_of_routers(draw: st.DrawFn) -> Document:
    """A tree of networks joined by routers, some with a shortcut, some sharing segments; hosts and pods on them."""
    count = draw(st.integers(2, 10))
    networks: Document = {
        f"n{number}": {"cidr": f"10.{number}.0.0/24"} | ({"segment": "shared"} if draw(st.integers(0, 4)) == 0 else {})
        for number in range(count)
    }
    nodes: Document = {}
    for number in range(1, count):
        _join(nodes, networks, number, draw(st.integers(0, number - 1)))
    for number in range(draw(st.integers(0, 4))):  # shortcuts make a mesh of the tree
        one, other = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
        if one != other:
            _join(nodes, networks, 90 + number, one, other)
    for number in range(draw(st.integers(1, 40))):
        network = draw(st.integers(0, count - 1))
        nodes[f"host{number}"] = {"os": "rocky10", "interfaces": _interface(network, 110 + number)}
    for number in range(draw(st.integers(0, 6))):
        network = draw(st.integers(0, count - 1))
        nodes[f"kube{number}"] = {
            "os": "flatcar",
            "kubernetes": "agent",
            "pod_cidr": f"10.200.{number}.0/24",
            "interfaces": _interface(network, 200 + number),
        }
    return {
        "version": 1,
        "name": "random",
        "networks": networks,
        "kubernetes": {"pods": {"cidr": "10.200.0.0/16"}},
        "nodes": nodes,
        "flows": draw(flows(sorted(nodes), sorted(networks))),
        "routing": {"summarize": draw(st.booleans())},
    }


def _interface(network: int, last: int) -> Document:
    return {"eth0": {"network": f"n{network}", "address": f"10.{network}.0.{last}"}}


def _join(nodes: Document, networks: Document, number: int, one: int, other: int | None = None) -> None:
    other = number if other is None else other
    if networks[f"n{one}"].get("segment") == networks[f"n{other}"].get("segment", "") != "":
        return
    name = f"router{number}"
    nodes[name] = {
        "os": "rocky10",
        "forward": True,
        "firewalld": "masked",
        "interfaces": {
            "eth0": {"network": f"n{one}", "address": f"10.{one}.0.{number + 1}"},
            "eth1": {"network": f"n{other}", "address": f"10.{other}.0.{number + 1}"},
        },
    }


def flows(nodes: list[str], networks: list[str]) -> st.SearchStrategy[Document]:
    """Up to five flows between nodes, networks and pods."""
    ends = st.lists(st.sampled_from([*nodes, *networks, "pods"]), min_size=1, max_size=3, unique=True)
    traffic = st.sampled_from([["any"], ["icmp"], ["tcp/80", "icmp"]])
    flow = st.builds(lambda start, end, allow: {"from": start, "to": end, "allow": allow}, ends, ends, traffic)
    return st.lists(flow, min_size=1, max_size=5).map(lambda some: {f"f{n}": one for n, one in enumerate(some)})


def plan_all(document: Document) -> tuple[ResolvedTopology, Derivation, dict[str, NodePlan]]:
    topology, _ = parse(document)
    resolved = resolve_topology(topology)
    derivation = derive(resolved)
    plans = {node.name: plan_node(resolved, node, derivation.needs.get(node.name, NO_NEEDS)) for node in topology.nodes}
    return resolved, derivation, plans


def members(resolved: ResolvedTopology, ends: list[str]) -> list[tuple[str, IPNetwork | None]]:
    """The nodes that ends stand for, each with its pod network where pods are meant."""
    found: list[tuple[str, IPNetwork | None]] = []
    for node in resolved.topology.nodes:
        attached = {attachment.network for interface in node.interfaces for attachment in interface.attachments}
        if node.name in ends or attached & set(ends):
            found.append((node.name, None))
        if "pods" in ends:
            found += [(node.name, network.value) for network in node.pod_networks]
    return found


relaxed = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@relaxed
@given(networks_of_routers())
def test_every_planned_flow_arrives_and_is_answered(document: Document) -> None:
    resolved, derivation, plans = plan_all(document)
    refused = {diagnostic.path[1] for diagnostic in derivation.diagnostics if diagnostic.severity == "error"}

    for name, flow in document["flows"].items():
        if name in refused:
            continue
        for start, _ in members(resolved, flow["from"]):
            for end, pods in members(resolved, flow["to"]):
                source = resolved.nodes[start]
                if start == end or (pods is not None and source.role is not None):
                    continue
                targets = [pods[9]] if pods is not None else _addresses(resolved, start, end, flow)
                for target in targets:
                    origin = _origin(resolved, plans, start, target, flow["from"])
                    there = walk(resolved, plans, start, target, origin)
                    assert (there.end, there.nodes[-1]) == ("arrived", end), (name, start, end, there)
                    back = walk(resolved, plans, end, origin, target)
                    assert (back.end, back.nodes[-1]) == ("arrived", start), (name, end, start, back)


def _attachments(resolved: ResolvedTopology, node: str) -> dict[str, IPAddress]:
    return {at.network: at.ip for interface in resolved.nodes[node].interfaces for at in interface.attachments}


def _origin(
    resolved: ResolvedTopology, plans: dict[str, NodePlan], node: str, target: IPAddress, ends: list[str]
) -> IPAddress:
    """The address from which a node sends: that of the network that is meant, else the one that it takes itself."""
    own = _attachments(resolved, node)
    named = [ip for network, ip in own.items() if network in ends and node not in ends]
    if named:
        return named[0]
    return leave(resolved, plans, node, target) or next(iter(own.values()))


def _addresses(resolved: ResolvedTopology, start: str, end: str, flow: Document) -> list[IPAddress]:
    """The addresses of a node that a flow means: those on the networks that it names, else those on the way."""
    own = _attachments(resolved, end)
    if end not in flow["to"]:
        return [ip for network, ip in own.items() if network in flow["to"]]
    near = {network for network in _attachments(resolved, start) if start in flow["from"] or network in flow["from"]}
    return [own[network] for network in _first_met(resolved, near, {*own})]


def _first_met(resolved: ResolvedTopology, near: set[str], wanted: set[str]) -> set[str]:
    """Those of the wanted networks that are met first on the way from some others, router by router."""
    if near & wanted:
        return near & wanted
    networks = resolved.networks
    segments = {networks[name].segment for name in near}
    while True:
        met = {name for name in wanted if networks[name].segment in segments}
        if met:
            return met
        routers = [
            [resolved.segment_of(one) for one in node.interfaces] for node in resolved.topology.nodes if node.forward
        ]
        wider = segments | {one for joined in routers if segments & {*joined} for one in joined if one is not None}
        if wider == segments:
            return set()
        segments = wider


@relaxed
@given(networks_of_routers())
def test_the_order_of_flows_leaves_no_trace(document: Document) -> None:
    _, first, plans = plan_all(document)
    turned = {**document, "flows": dict(reversed(document["flows"].items()))}

    _, second, others = plan_all(turned)

    assert first.needs == second.needs
    assert list(first.needs) == list(second.needs)
    assert plans == others


@relaxed
@given(networks_of_routers())
def test_one_more_flow_takes_no_route_away(document: Document) -> None:
    document["routing"] = {"summarize": False}
    fewer = {**document, "flows": dict(list(document["flows"].items())[:-1])}
    _, without, _ = plan_all(fewer)

    _, with_it, _ = plan_all(document)

    for node, needs in without.needs.items():
        routes = {need for need in needs.needs if isinstance(need, RouteNeed)}
        kept = {replace(need, table=None) for need in with_it.needs[node].needs if isinstance(need, RouteNeed)}
        assert {replace(need, table=None) for need in routes} <= kept
        assert set(needs.forwarding) <= set(with_it.needs[node].forwarding)


@relaxed
@given(networks_of_routers())
def test_a_plan_needs_no_default_route_that_it_does_not_write(document: Document) -> None:
    _, _, plans = plan_all(document)

    for plan in plans.values():
        for link in plan.links:
            assert not any(route.is_default for route in link.routes), "nothing here leads to the internet"
