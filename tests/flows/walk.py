"""A packet's way through a set of plans: a second, simpler reading of what routes mean, for tests."""

from collections.abc import Mapping

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.plan.types import NodePlan, PlannedRoute
from netwright.topology.resolved import ResolvedTopology

Route = tuple[str, PlannedRoute]


class Walk(Struct, frozen=True, kw_only=True):
    """The nodes that a packet visits, and why it ended."""

    nodes: tuple[str, ...]
    end: str


def walk(
    resolved: ResolvedTopology,
    plans: Mapping[str, NodePlan],
    start: str,
    destination: IPAddress,
    source: IPAddress | None = None,
) -> Walk:
    """Follow a packet hop by hop; `source` is the start's own, None before it has chosen one.

    `end` is "arrived", "no route", "unanswered", "not forwarded" or "loop".
    """
    visited = [start]
    node = start
    while True:
        if _is_own(resolved, node, destination):
            return Walk(nodes=tuple(visited), end="arrived")
        if len(visited) > 1 and not plans[node].forwards:
            return Walk(nodes=tuple(visited), end="not forwarded")
        best = _look_up(plans[node], destination, source)
        if best is None or best[1] is None:
            return Walk(nodes=tuple(visited), end="no route")
        interface, hop = best
        following = _answers(resolved, node, interface, destination if hop == ANY else hop or destination)
        if following is None:
            return Walk(nodes=tuple(visited), end="unanswered")
        if following in visited:
            return Walk(nodes=(*visited, following), end="loop")
        visited.append(following)
        node = following


ANY = IPAddress("0.0.0.0")


def _is_own(resolved: ResolvedTopology, node: str, ip: IPAddress) -> bool:
    owner = resolved.nodes[node]
    addresses = {attachment.ip for interface in owner.interfaces for attachment in interface.attachments}
    return ip in addresses or any(ip in network.value for network in owner.pod_networks)


def leave(
    resolved: ResolvedTopology, plans: Mapping[str, NodePlan], node: str, destination: IPAddress
) -> IPAddress | None:
    """The address that a node takes for what it sends to a destination: the first of the interface."""
    best = _look_up(plans[node], destination, None)
    if best is None:
        return None
    return next(one.attachments[0].ip for one in resolved.nodes[node].interfaces if one.name == best[0])


def _look_up(plan: NodePlan, ip: IPAddress, source: IPAddress | None) -> tuple[str, IPAddress | None] | None:
    """The interface and next hop (ANY: the destination itself) of the longest match; no next hop: discarded.

    The tables of policy rules for the source are asked first.
    """
    rules = sorted((rule for link in plan.links for rule in link.policy_rules), key=lambda rule: rule.priority)
    for rule in rules:
        if source is not None and rule.source is not None and source in rule.source:
            found = [
                (route.destination.prefixlen, link.name, route.gateway or ANY)
                for link in plan.links
                for route in link.routes
                if route.table == rule.table and ip in route.destination
            ]
            if found:
                return max(found, key=lambda one: one[0])[1:]
    candidates: list[tuple[int, str, IPAddress | None]] = []
    links = [(link.name, link.addresses, link.routes) for link in plan.links]
    links += [(network.bridge, network.addresses, network.routes) for network in plan.libvirt_networks]
    for name, addresses, routes in links:
        for address in addresses:
            if ip in IPNetwork(f"{address.ip}/{address.prefix}"):
                candidates.append((address.prefix, name, ANY))  # noqa: PERF401
        for route in routes:
            if route.table is None and ip in route.destination:
                hop = None if route.type != "unicast" else route.gateway or ANY
                candidates.append((route.destination.prefixlen, name, hop))
    if not candidates:
        return None
    _, name, hop = max(candidates, key=lambda candidate: candidate[0])
    return name, hop


def _answers(resolved: ResolvedTopology, node: str, interface: str, ip: IPAddress) -> str | None:
    """Return who on the interface's segment has the address."""
    own = next(one for one in resolved.nodes[node].interfaces if one.name == interface)
    segment = resolved.segment_of(own)
    for other in resolved.topology.nodes:
        for one in other.interfaces:
            if resolved.segment_of(one) == segment and any(attachment.ip == ip for attachment in one.attachments):
                return other.name
    return None
