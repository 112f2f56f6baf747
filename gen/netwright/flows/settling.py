"""Machines that must answer from several of their addresses, each by its own card.

What leaves by another card than the main table has it gets a table of its own, which is asked by source.
"""

from collections.abc import Iterator

from msgspec.structs import replace
from netaddr import IPAddress, IPNetwork

from netwright.flows.ledger import Ledger
from netwright.flows.types import RouteNeed, RuleNeed
from netwright.model import Node, Route
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import leading_network, libvirt_bridges, resolve_route, stated_routes

_FIRST_TABLE, _FIRST_PRIORITY = 1001, 20001
"""The first interface's; each further one has the next. 253 to 255 are the kernel's, and rules before
32766 are asked before the main table."""


def settle_sources(resolved: ResolvedTopology, ledger: Ledger) -> None:
    """Give routes that packets take by their source a table of their own, where the main table leads another way."""
    for name in ledger.nodes():
        node = resolved.nodes[name]
        if len(node.interfaces) > 1:
            _settle(resolved, ledger, node)


def _settle(resolved: ResolvedTopology, ledger: Ledger, node: Node) -> None:
    by_destination: dict[IPNetwork, list[RouteNeed]] = {}
    for need in ledger.routes(node.name):
        by_destination.setdefault(need.destination, []).append(need)
    bridges = libvirt_bridges(resolved, node)
    stated = _main_routes(resolved, node)
    for destination, needs in by_destination.items():
        if destination in stated:
            leader = _egress(resolved, node, stated[destination])
        else:
            leader = _main_interface(resolved, ledger, node, destination, needs)
        for need in needs:
            senders = ledger.senders(node.name, need)
            if need.interface == leader or need.blackhole or senders is None:
                continue
            left = [ip for ip in senders if not _is_stated(resolved, node, ip, need)]
            if not left or need.interface not in bridges:  # libvirt gives its bridges routes of the main table alone
                _set_apart(ledger, node, need, left)


def _set_apart(ledger: Ledger, node: Node, need: RouteNeed, senders: list[IPAddress]) -> None:
    number = [interface.name for interface in node.interfaces].index(need.interface)
    taken = {route.table for route in node.routes} | {rule.table for rule in node.policy_rules}
    free = (table for table in range(_FIRST_TABLE, _FIRST_TABLE + 1000) if table not in taken)
    table = next(table for index, table in enumerate(free) if index == number)
    flows = ledger.drop_route(node.name, need)
    for flow in flows:
        if senders:
            ledger.need(node.name, replace(need, table=table), flow)
        for ip in senders:
            rule = RuleNeed(source=ip, table=table, priority=_FIRST_PRIORITY + number, interface=need.interface)
            ledger.need(node.name, rule, flow)


def _main_routes(resolved: ResolvedTopology, node: Node) -> dict[IPNetwork, Route]:
    """The first route that the topology states for each destination of the main table."""
    routes: dict[IPNetwork, Route] = {}
    for route in stated_routes(node):
        if route.table in {None, 254}:
            for destination in resolved.resolve_end(route.to) or ():
                routes.setdefault(destination, route)
    return routes


def _egress(resolved: ResolvedTopology, node: Node, route: Route) -> str | None:
    _, interface = resolve_route(resolved, node, route)
    return interface.name if interface is not None else None


def _main_interface(
    resolved: ResolvedTopology, ledger: Ledger, node: Node, destination: IPNetwork, needs: list[RouteNeed]
) -> str | None:
    """The interface by which the main table leads to a destination that no route states: connected, or that of what
    others pass on; else the default route's or the first of those that lead there."""
    connected = [*_connected(resolved, node, destination)]
    if connected:
        return connected[0]
    if len({need.interface for need in needs}) < 2:
        return needs[0].interface
    passed_on = [need.interface for need in needs if ledger.senders(node.name, need) is None]
    leading = leading_network(resolved, node)
    leads = [one.name for one in node.interfaces if any(at.network == leading for at in one.attachments)]
    order = [interface.name for interface in node.interfaces]
    usual = sorted({need.interface for need in needs}, key=lambda name: (name not in leads, order.index(name)))
    return (passed_on or usual)[0]


def _connected(resolved: ResolvedTopology, node: Node, destination: IPNetwork) -> Iterator[str]:
    for interface in node.interfaces:
        for attachment in interface.attachments:
            network = resolved.network_of(attachment)
            if network is not None and destination in network.cidr:
                yield interface.name


def _is_stated(resolved: ResolvedTopology, node: Node, source: IPAddress, need: RouteNeed) -> bool:
    """Return whether stated policy rules and routes lead what has this source the way that is needed."""
    for rule in sorted(node.policy_rules, key=lambda rule: rule.priority):
        if rule.ingress is not None or rule.mark is not None or (rule.source is not None and source not in rule.source):
            continue
        if rule.destination is not None and need.destination not in rule.destination:
            continue
        for route in node.routes:
            if route.table != rule.table:
                continue
            gateway, interface = resolve_route(resolved, node, route)
            reaches = any(need.destination in network for network in resolved.resolve_end(route.to) or ())
            if reaches and gateway == need.gateway and interface is not None and interface.name == need.interface:
                return True
    return False


def describe_contradiction(ledger: Ledger, node: str, routes: tuple[RouteNeed, ...]) -> str:
    """The ways between which a node's main table cannot choose, the flows that need each, and what to write."""
    flows = ledger.routes(node)
    ways = " and ".join(
        f"{f'via {route.gateway}' if route.gateway else 'on-link'} on {route.interface} for {', '.join(flows[route])}"
        for route in routes
    )
    cure = "let them take one way, by the same router in via"
    if len({route.interface for route in routes}) > 1:
        cure = f"{cure}, or name the address that is meant by node@network"
    return f"{node} would reach {routes[0].destination} {ways}; {cure}"
