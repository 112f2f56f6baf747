"""The routes of a node, each assigned to the interface it leaves by."""

from collections.abc import Iterator

from netaddr import IPAddress

from gen.fabric import ANYWHERE, Fabric
from gen.model import Node
from gen.plan.types import PlannedRoute
from gen.resolve import default_route_offers, is_main_default, route_egress, stated_routes
from gen.source import TopologyPath


def plan_routes(fabric: Fabric, node: Node) -> dict[str, tuple[PlannedRoute, ...]]:
    """The node's routes by interface name, sorted by destination, table and metric.

    A route whose next hop or destination cannot be resolved is left out: the checks have refused it.
    """
    by_interface: dict[str, list[PlannedRoute]] = {}
    for interface, route in _routes(fabric, node):
        by_interface.setdefault(interface, []).append(route)
    return {interface: tuple(sorted(routes, key=_order)) for interface, routes in by_interface.items()}


def _order(route: PlannedRoute) -> tuple[int, int, int, int, int]:
    gateway = route.gateway.value or 0 if route.gateway is not None else 0
    network = route.destination
    return network.first, network.prefixlen, route.table or 0, route.metric or 0, gateway


def _routes(fabric: Fabric, node: Node) -> Iterator[tuple[str, PlannedRoute]]:
    if node.default_route is None and not any(is_main_default(fabric, route) for route in node.routes):
        for offer in default_route_offers(fabric, node)[:1]:
            yield offer.interface.name, _offered(offer.gateway, offer.cause)
    for route in stated_routes(node):
        gateway = fabric.resolve_next_hop(node, route.via, onlink=route.onlink) if route.via else None
        interface = route_egress(fabric, node, route, gateway)
        if interface is None or (route.via and gateway is None):
            continue
        for destination in fabric.resolve_end(route.to) or ():
            planned = PlannedRoute(
                destination=destination,
                gateway=gateway,
                metric=route.metric,
                onlink=route.onlink,
                table=route.table,
                source=route.source,
                mtu=route.mtu,
                type=route.type,
                cause=route.cause,
            )
            yield interface.name, planned


def _offered(gateway: IPAddress, cause: TopologyPath) -> PlannedRoute:
    return PlannedRoute(
        destination=ANYWHERE,
        gateway=gateway,
        metric=None,
        onlink=False,
        table=None,
        source=None,
        mtu=None,
        type="unicast",
        cause=cause,
    )
