"""Next hops of one route, for formats that have one entry for all of them; a plan has a route for each."""

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from netwright.plan.types import Link, PlannedHop, PlannedRoute

_Key = tuple[object, ...]


def gather_next_hops(links: Sequence[Link]) -> tuple[Link, ...]:
    """Return the links with the next hops of each route at its first one, and no longer as routes of their own."""
    hops: dict[_Key, list[PlannedHop]] = defaultdict(list)
    for link in links:
        for route in link.routes:
            if route.weight is not None and route.gateway is not None:
                hop = PlannedHop(gateway=route.gateway, interface=link.name, weight=route.weight)
                hops[_key(route)].append(hop)
    if not hops:
        return tuple(links)
    return tuple(replace(link, routes=tuple(_gathered(link.routes, hops))) for link in links)


def _key(route: PlannedRoute) -> _Key:
    return route.destination, route.table, route.metric


def _gathered(routes: Sequence[PlannedRoute], hops: dict[_Key, list[PlannedHop]]) -> list[PlannedRoute]:
    """Return the routes of a link; takes the next hops that it uses."""
    gathered = []
    for route in routes:
        if route.weight is None:
            gathered.append(route)
        elif _key(route) in hops:
            gathered.append(replace(route, next_hops=tuple(hops.pop(_key(route)))))
    return gathered
