"""Next hops of which NetworkManager makes one route: in a keyfile each is a route with a weight (nm-settings)."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from netwright.verify.values.facts import NextHop, Route

_Link = TypeVar("_Link")


def join_next_hops(
    routes: Iterable[tuple[_Link, Route]], interface: Callable[[_Link], str]
) -> list[tuple[_Link, Route]]:
    """Return routes, each with its link, in which those with weights that differ in nothing but the next hop are one,
    with the first one's link."""
    several: dict[Hashable, list[tuple[_Link, Route]]] = defaultdict(list)
    for link, route in routes:
        key = (route.to, route.table, route.metric, route.source, route.mtu) if route.weight is not None else id(route)
        several[key].append((link, route))
    return [(group[0][0], _with_next_hops(group, interface)) for group in several.values()]


def _with_next_hops(routes: list[tuple[_Link, Route]], interface: Callable[[_Link], str]) -> Route:
    if len(routes) == 1:
        return routes[0][1]
    hops = (
        NextHop(gateway=route.gateway, weight=route.weight, interface=interface(link))
        for link, route in routes
        if route.gateway is not None and route.weight is not None
    )
    return replace(routes[0][1], gateway=None, weight=None, next_hops=tuple(hops))
