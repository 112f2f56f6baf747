"""The routes of a node, each assigned to the interface it leaves by."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace
from netaddr import IPNetwork

from netwright.flows import NodeNeeds
from netwright.model import Node
from netwright.plan.from_flows import needed_routes
from netwright.plan.types import PlannedRoute
from netwright.text.natural import natural_key
from netwright.topology.resolved import ANYWHERE, ResolvedTopology
from netwright.topology.settings import default_route_offers, is_main_default, resolve_route, stated_routes

_Leg = tuple[str, PlannedRoute]
"""A route, and the interface it leaves by."""


def plan_routes(resolved: ResolvedTopology, node: Node, needs: NodeNeeds) -> dict[str, tuple[PlannedRoute, ...]]:
    """The node's routes by interface name, sorted by destination, table and metric.

    A stated route stands in for one to the same destination that flows need, in minimal style also for one to a part of
    its destination that leads the same way. A route whose next hop or destination
    cannot be resolved is left out: the checks have refused it.
    """
    by_interface: dict[str, list[PlannedRoute]] = {}
    for interface, route in _with_needed(resolved, node, list(_routes(resolved, node)), needs):
        by_interface.setdefault(interface, []).append(route)
    return {interface: tuple(sorted(routes, key=_order)) for interface, routes in by_interface.items()}


def _order(route: PlannedRoute) -> tuple[int, int, int, int, int]:
    gateway = route.gateway.value or 0 if route.gateway is not None else 0
    network = route.destination
    return network.first, network.prefixlen, route.table or 0, route.metric or 0, gateway


def _routes(resolved: ResolvedTopology, node: Node) -> Iterator[_Leg]:
    if node.default_route is None and not any(is_main_default(resolved, route) for route in node.routes):
        for offer in default_route_offers(resolved, node)[:1]:
            yield offer.interface.name, PlannedRoute(destination=ANYWHERE, gateway=offer.gateway, cause=offer.cause)
    for route in stated_routes(node):
        gateway, interface = resolve_route(resolved, node, route)
        if interface is None or (route.via and gateway is None):
            continue
        for destination in resolved.resolve_end(route.to) or ():
            yield (
                interface.name,
                PlannedRoute(
                    destination=destination,
                    gateway=gateway,
                    weight=route.weight,
                    cause=route.cause,
                    **route.attributes(),
                ),
            )


def _with_needed(resolved: ResolvedTopology, node: Node, stated: list[_Leg], needs: NodeNeeds) -> Iterator[_Leg]:
    """The stated routes, marked with the flows they serve, and the needed ones that they don't stand in for."""
    wanted_routes = [*needed_routes(needs)]
    apart = [(interface, route) for interface, route in wanted_routes if route.table is not None]
    needed = {route.destination: (interface, route) for interface, route in wanted_routes if route.table is None}
    if not needed:
        yield from (*stated, *apart)
        return
    main = {route.destination: (interface, route) for interface, route in stated if route.table in {None, 254}}
    served = {destination: set(route.flows) for destination, (_, route) in needed.items()}
    wanted = {destination: entry for destination, entry in needed.items() if destination not in main}
    if resolved.topology.routing.style == "minimal":
        for destination, catcher in _needless(stated, wanted, _connected(resolved, node)).items():
            served.setdefault(catcher, set()).update(wanted.pop(destination)[1].flows)
    for interface, route in (*stated, *wanted.values()):
        flows = served.get(route.destination, set()) if route.table in {None, 254} else set()
        yield interface, replace(route, flows=tuple(sorted(flows, key=natural_key)))
    yield from apart


def _connected(resolved: ResolvedTopology, node: Node) -> Iterator[IPNetwork]:
    """Yield the networks that the node's interfaces are on, to which the kernel has routes of its own."""
    for interface in node.interfaces:
        for attachment in interface.attachments:
            network = resolved.network_of(attachment)
            if network is not None:
                yield network.cidr


def _needless(
    stated: list[_Leg], wanted: dict[IPNetwork, _Leg], connected: Iterable[IPNetwork]
) -> dict[IPNetwork, IPNetwork]:
    """Return the destinations of wanted routes that a stated route, or the default route, serves anyhow, each with that
    route's destination: no other route would catch them, and it leads the same way."""
    around: dict[IPNetwork, list[_Leg]] = {network: [] for network in connected}
    for leg in stated:
        if leg[1].table in {None, 254}:
            around.setdefault(leg[1].destination, []).append(leg)
    needless: dict[IPNetwork, IPNetwork] = {}
    for destination, entry in sorted(wanted.items(), key=lambda item: item[0].prefixlen):
        wider = [other for other in around if other != destination and destination in other]
        catcher = max(wider, key=lambda network: network.prefixlen, default=None)
        legs = around[catcher] if catcher is not None else ()
        if catcher is not None and legs and _serve_as_well(legs, entry):
            needless[destination] = catcher
        else:
            around.setdefault(destination, [entry] if entry[1].is_default else [])
    return needless


def _serve_as_well(wide: list[_Leg], wanted: _Leg) -> bool:
    """Return whether wider routes to one destination lead where a wanted one does; of several next hops of one route it
    is enough that one does."""
    apart = [leg for leg in wide if leg[1].weight is None]
    several = [leg for leg in wide if leg[1].weight is not None]
    return all(_serves_as_well(leg, wanted) for leg in apart) and (
        not several or any(_serves_as_well(leg, wanted) for leg in several)
    )


def _serves_as_well(wide: _Leg, wanted: _Leg) -> bool:
    """Return whether a wider route leads where a wanted one does, and its source, if any, is the default's."""
    ways = {(name, route.gateway, route.onlink, route.type) for name, route in (wide, wanted)}
    return len(ways) == 1 and (wide[1].is_default or wide[1].source is None)
