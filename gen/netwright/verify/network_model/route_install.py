"""Links with their addresses and routes -> the hops that the kernel takes, and the routes that it refuses."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.network_model.fib import Hop, HopKind
from netwright.verify.values.addresses import NO_ADDRESS, AddressNumber, Prefix, format_ip, network_of
from netwright.verify.values.facts import MAIN_TABLE, Address, Link, Manager, Route
from netwright.verify.values.next_hops import join_next_hops


class RefusedRoute(Struct, frozen=True, kw_only=True):
    """A route that the kernel does not take, or takes and cannot use, and why."""

    route: Route
    interface: str
    reason: str


class Hops(Struct, frozen=True, kw_only=True):
    """One machine's hops by table, its own IPs, and what was refused."""

    tables: dict[int, Sequence[Hop]]
    local: dict[int, Hop]
    refusals: tuple[RefusedRoute, ...]


def build_hops(links: Sequence[tuple[str, Link]]) -> Hops:
    """The hops of named links, in the order in which the links come up."""
    tables: dict[int, list[Hop]] = defaultdict(list)
    local: dict[int, Hop] = {}
    refusals: list[RefusedRoute] = []
    for name, link in links:
        for address in link.addresses:
            local.update(_own(name, address, local))
    refusals += _sourceless(links)
    refused = {id(refusal.route) for refusal in refusals}
    taken_on = [
        ((name, link.manager), route) for name, link in links for route in link.routes if id(route) not in refused
    ]
    wanted = [(route, *at) for at, route in join_next_hops(taken_on, lambda at: at[0])]
    direct = [(route, name) for route, name, _ in wanted if _is_direct(route)]
    for name, link in links:
        tables[link.table] += _connected(name, link)
    for route, name in direct:
        tables[route.table].append(_hop(route, name, None))
    on_link = {number: tuple(hop for hop in hops if hop.kind == "unicast") for number, hops in tables.items()}
    managers = {name: link.manager for name, link in links}
    for one in refusals:
        # What NetworkManager adds to reach the gateway stays there.
        added, _ = _hops_by_gateway(one.route, one.interface, managers[one.interface], on_link=on_link, local=local)
        tables[one.route.table] += added[:-1]
    for route, name, manager in wanted:
        taken, refusal = _hops_by_gateway(route, name, manager, on_link=on_link, local=local)
        tables[route.table] += taken
        refusals += refusal
    hand = frozenset(name for name, link in links if link.manager == "hand")
    return Hops(
        tables={number: _settle(hops, hand) for number, hops in tables.items()},
        local=local,
        refusals=tuple(refusals),
    )


def _sourceless(links: Sequence[tuple[str, Link]]) -> Iterator[RefusedRoute]:
    """The routes whose source is no address that the node's own files give it; a program's may come too late."""
    own = {address.ip for _, link in links if link.manager in _OF_FILES for address in link.addresses}
    for name, link in links:
        for route in link.routes:
            if route.source is not None and route.source not in own:
                reason = f"the source {format_ip(route.source)} is no address of the node; the kernel refuses the route"
                yield RefusedRoute(route=route, interface=name, reason=reason)


_OF_FILES: frozenset[Manager] = frozenset({"networkd", "NetworkManager", "libvirt", "hand", "command"})


def _is_direct(route: Route) -> bool:
    return (route.gateway is None and not route.next_hops) or route.kind != "unicast"


def _own(name: str, address: Address, known: dict[int, Hop]) -> Iterator[tuple[int, Hop]]:
    network = network_of(address.ip, address.length)
    if address.length < 31:
        for ip in (network.first, network.last):
            if ip not in known:
                # Linux 5.14 made the first address of a network one like others.
                yield ip, _local_hop("broadcast", name, ip, address, ambiguous=ip == network.first)
    yield address.ip, _local_hop("local", name, address.ip, address)


def _local_hop(kind: HopKind, name: str, ip: int, address: Address, *, ambiguous: bool = False) -> Hop:
    prefix = Prefix(first=ip, length=32)
    return Hop(
        kind=kind, interface=name, gateway=None, prefix=prefix, metric=0, origin=address.origin, ambiguous=ambiguous
    )


def _connected(name: str, link: Link) -> Iterator[Hop]:
    """The routes that the addresses bring for their networks."""
    seen: set[Prefix] = set()
    for address in link.addresses:
        network = network_of(address.ip, address.length)
        if address.length < 32 and network not in seen:
            seen.add(network)
            yield Hop(
                kind="unicast",
                interface=name,
                gateway=None,
                prefix=network,
                metric=link.default_metric if address.metric is None else address.metric,
                origin=address.origin,
            )


def _hop(route: Route, name: str, gateway: AddressNumber | None) -> Hop:
    interface = name if route.kind in ("unicast", "local") else None
    return Hop(
        kind=route.kind,
        interface=interface,
        gateway=gateway,
        prefix=route.to,
        metric=route.metric,
        origin=route.origin,
        mtu=route.mtu,
        source=route.source,
    )


def _hops_by_gateway(
    route: Route, name: str, manager: Manager, *, on_link: dict[int, tuple[Hop, ...]], local: dict[int, Hop]
) -> tuple[tuple[Hop, ...], tuple[RefusedRoute, ...]]:
    """What the kernel takes of a route, and what it refuses; nothing of one without a gateway, which comes before."""
    if _is_direct(route):
        return (), ()
    install = _whole_hops if route.next_hops else _gateway_hops
    return install(route, name, manager, on_link=on_link, local=local)


def _gateway_hops(
    route: Route, name: str, manager: Manager, *, on_link: dict[int, tuple[Hop, ...]], local: dict[int, Hop]
) -> tuple[tuple[Hop, ...], tuple[RefusedRoute, ...]]:
    """The route by its gateway if the kernel takes it, with what NetworkManager adds to make it; else the refusal."""
    gateway = route.gateway or NO_ADDRESS
    own = local.get(gateway)
    if own is not None and (route.onlink or own.kind == "broadcast"):
        what = "an address of the node itself" if own.kind == "local" else "the broadcast address of its network"
        reason = f"the next hop {format_ip(gateway)} is {what}; the kernel refuses the route"
        return (), (RefusedRoute(route=route, interface=name, reason=reason),)
    if route.onlink:
        return (_hop(route, name, gateway),), ()
    if own is not None and own.kind == "local" and own.interface == name:
        reason = f"the next hop {format_ip(gateway)} is an address of the node itself"
        # Taken, with a scope in which the gateway counts for nothing: the target itself is asked for.
        return (_hop(route, name, None),), (RefusedRoute(route=route, interface=name, reason=reason),)
    near = (*on_link.get(route.table, ()), *on_link.get(MAIN_TABLE, ()))
    if any(gateway in hop.prefix and hop.interface == name for hop in near):
        return (_hop(route, name, gateway),), ()
    if manager == "NetworkManager":
        made_up = Route(to=Prefix(first=gateway, length=32), gateway=None, metric=route.metric, origin=route.origin)
        return (_hop(made_up, name, None), _hop(route, name, gateway)), ()
    others = [hop.interface for hop in near if gateway in hop.prefix]
    where = f"is on {others[0]}'s network" if others else f"is on no network of {name}"
    reason = f"the next hop {format_ip(gateway)} {where}; the kernel refuses the route unless it is onlink"
    return (), (RefusedRoute(route=route, interface=name, reason=reason),)


def _whole_hops(
    route: Route, name: str, manager: Manager, *, on_link: dict[int, tuple[Hop, ...]], local: dict[int, Hop]
) -> tuple[tuple[Hop, ...], tuple[RefusedRoute, ...]]:
    """A route of several next hops, which the kernel takes or refuses as a whole, with what NetworkManager adds.

    NetworkManager 1.42 leaves the route by the first interface in the kernel when another one adds its next hop, and
    that one counts; 1.52 does not (both ran).
    """
    ways: list[Hop] = []
    added: list[Hop] = []
    useless: list[RefusedRoute] = []
    for hop in route.next_hops:
        leg = replace(route, gateway=hop.gateway, next_hops=())
        taken, refused = _gateway_hops(leg, hop.interface or name, manager, on_link=on_link, local=local)
        useless += (replace(one, route=route) for one in refused)
        if not taken:
            return (), tuple(useless)
        added += taken[:-1]
        ways += taken[-1:]
    is_partial = manager == "NetworkManager" and len({way.interface for way in ways}) > 1
    return (*added, _several(ways, partial=is_partial)), tuple(useless)


def _several(ways: Sequence[Hop], *, partial: bool) -> Hop:
    """The route of which these are the next hops."""
    different = {(way.interface, way.gateway): way for way in ways}
    if len(different) == 1:
        return ways[0]
    marked = tuple(replace(way, among=len(different), partial=partial) for way in different.values())
    return replace(ways[0], interface=None, gateway=None, ways=marked, partial=partial)


def _settle(hops: Sequence[Hop], hand: frozenset[str]) -> tuple[Hop, ...]:
    """The hops, with those of equal prefix and metric that lead to different places marked; of `ip route replace`
    the last holds."""
    groups: dict[tuple[int, int, int], list[Hop]] = defaultdict(list)
    for hop in hops:
        groups[hop.prefix.first, hop.prefix.length, hop.metric].append(hop)
    if len(groups) == len(hops):
        return tuple(hops)
    settled: list[Hop] = []
    for group in groups.values():
        ways = {(hop.kind, hop.interface, hop.gateway, hop.ways) for hop in group}
        if len(ways) == 1:
            settled.append(group[0])
        elif all(way.interface in hand or way.interface is None for hop in group for way in hop.every):
            settled.append(group[-1])
        else:
            settled.append(replace(group[0], ambiguous=True))
    return tuple(settled)
