"""The routes of a node, each assigned to the interface it leaves by."""

from collections.abc import Iterator
from dataclasses import dataclass

from netaddr import IPAddress

from gen.fabric import ANYWHERE, Fabric
from gen.model import DefaultRoute, Interface, Node, Route, Setting
from gen.plan.types import PlannedRoute
from gen.source import TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteOffer:
    """A default route that a network's router offers to an interface."""

    interface: Interface
    gateway: IPAddress
    cause: TopologyPath


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
    yield from _default_route(fabric, node)
    for route in node.routes:
        gateway = fabric.resolve_next_hop(node, route.via, onlink=route.onlink) if route.via else None
        interface = egress(fabric, node, gateway, dev=route.dev)
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


def _default_route(fabric: Fabric, node: Node) -> Iterator[tuple[str, PlannedRoute]]:
    if node.default_route is not None:
        yield from _said_default_route(fabric, node, node.default_route)
    elif not any(is_main_default(fabric, route) for route in node.routes):
        for offer in default_route_offers(fabric, node)[:1]:
            yield offer.interface.name, _default(offer.gateway, metric=None, onlink=False, cause=offer.cause)


def _said_default_route(fabric: Fabric, node: Node, said: Setting[DefaultRoute]) -> Iterator[tuple[str, PlannedRoute]]:
    route = said.value
    if route.via is None:
        return
    gateway = fabric.resolve_next_hop(node, route.via, onlink=route.onlink)
    interface = egress(fabric, node, gateway, dev=route.dev)
    if gateway is not None and interface is not None:
        yield interface.name, _default(gateway, metric=route.metric, onlink=route.onlink, cause=said.cause)


def _default(gateway: IPAddress, *, metric: int | None, onlink: bool, cause: TopologyPath) -> PlannedRoute:
    return PlannedRoute(
        destination=ANYWHERE,
        gateway=gateway,
        metric=metric,
        onlink=onlink,
        table=None,
        source=None,
        mtu=None,
        type="unicast",
        cause=cause,
    )


def default_route_offers(fabric: Fabric, node: Node) -> tuple[RouteOffer, ...]:
    """The default routes that the routers of the node's networks offer, one for each gateway."""
    offers: dict[IPAddress, RouteOffer] = {}
    for interface in node.interfaces:
        for attachment in interface.attachments:
            network = fabric.network_of(attachment)
            if network is None or network.router is None or network.router.value == node.name:
                continue
            router = fabric.nodes.get(network.router.value)
            gateway = fabric.address_on(router, network.name) if router else None
            if gateway is not None:
                offer = RouteOffer(interface=interface, gateway=gateway, cause=network.router.cause)
                offers.setdefault(gateway, offer)
    return tuple(offers.values())


def is_main_default(fabric: Fabric, route: Route) -> bool:
    """Whether a route's destination is everything, in the main table."""
    return route.table in {None, 254} and fabric.resolve_end(route.to) == (ANYWHERE,)


def egress(fabric: Fabric, node: Node, gateway: IPAddress | None, *, dev: str | None) -> Interface | None:
    """The interface by which a route leaves; None if that is not clear.

    The one that is said; else the one whose connected network contains the gateway; else the only one there is.
    """
    if dev is not None:
        return next((interface for interface in node.interfaces if interface.name == dev), None)
    connected = fabric.connected_interface(node, gateway) if gateway is not None else None
    if connected is not None:
        return connected
    return node.interfaces[0] if len(node.interfaces) == 1 else None
