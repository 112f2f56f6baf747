"""A machine's routes and policy rules, as its kernel has them now -> the FIB."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from netwright.verify.network_model.assumed import FLANNEL_WIREGUARD, OVERLAY
from netwright.verify.network_model.fib import LOCAL_TABLE, Fib, Hop, HopKind, default_rules
from netwright.verify.values.addresses import AddressNumber, Prefix, network_of
from netwright.verify.values.facts import Origin, PolicyRule, Unknown
from netwright.verify.values.live import LiveAddress, LiveNextHop, LiveRoute, LiveState
from netwright.verify.values.wiring import PodNetwork

_LOOPBACK = network_of(0x7F000000, 8)
_IGNORES_LINKDOWN = "net/ipv4/conf/{}/ignore_routes_with_linkdown"
_WITHOUT_TARGET = frozenset({"multicast", "anycast"})
"""Types of routes of no packet that has one receiver (rtnetlink(7)); the kernel makes some for IPv4 in no table."""


class LiveRoutes:
    """The routes of one record, whose facts stand at `place`; `unknown` are those that are not known."""

    def __init__(self, state: LiveState, place: str, pods: tuple[PodNetwork, ...]) -> None:
        """Takes the networks of pods, of which flannel's routes lead to other nodes."""
        self._state = state
        self._pods = {pod.network: pod.node for pod in pods if pod.node != state.node}
        self._owners: dict[int | None, str] = {network.first: node for network, node in self._pods.items()}
        self._at = Origin(file=f"{place}: ip route", line=0)
        self._rules_at = Origin(file=f"{place}: ip rule", line=0)
        self.unknown: list[Unknown] = []

    def fib(self, extra: Mapping[int, Hop]) -> Fib:
        """The FIB; `extra` are addresses that programs answer for and that the kernel does not know."""
        local: dict[int, Hop] = {}
        tables: dict[int, list[Hop]] = defaultdict(list)
        for route in self._state.routes or ():
            for hop in self._hops(route):
                if route.table == LOCAL_TABLE and hop.prefix.length == 32:
                    local.setdefault(hop.prefix.first, hop)
                else:
                    tables[route.table].append(hop)
        rules = self._rules()
        is_usual = _said(rules) == _said(default_rules())
        return Fib(
            node=self._state.node,
            local={**extra, **local},
            tables={number: tuple(hops) for number, hops in tables.items()},
            rules=() if is_usual else rules,
            built_in=default_rules() if is_usual else (),
        )

    def _rules(self) -> tuple[PolicyRule, ...]:
        for text in self._state.unknown_rules:
            self._note(self._rules_at, text, "a policy rule that is not known")
        return tuple(replace(rule, origin=self._rules_at) for rule in self._state.rules or ())

    def _note(self, origin: Origin, text: str, reason: str) -> None:
        self.unknown.append(Unknown(origin=origin, text=text, reason=reason))

    def _hops(self, route: LiveRoute) -> Iterator[Hop]:
        if route.word in _WITHOUT_TARGET or _is_inside(route.to, _LOOPBACK):
            return
        kind: HopKind | None = "broadcast" if route.word == "broadcast" else route.kind
        if kind is None:
            self._note(self._at, f"{route.word} {route.to}", "a route of a type that is not known")
            return
        plain = Hop(
            kind=kind,
            interface=None,
            gateway=None,
            prefix=route.to,
            metric=route.metric,
            origin=self._at,
            mtu=route.mtu,
        )
        if kind not in ("unicast", "local", "broadcast"):
            yield plain
            return
        ways = [self._way(plain, one, route) for one in route.next_hops if self._is_used(one)]
        if len(ways) > 1:
            yield replace(plain, ways=tuple(replace(way, among=len(ways)) for way in ways))
        elif ways and ways[0].interface == FLANNEL_WIREGUARD:
            yield ways[0]
            yield from self._peers(ways[0])
        else:
            yield from ways

    def _is_used(self, way: LiveNextHop) -> bool:
        ignores = (self._state.parameters or {}).get(_IGNORES_LINKDOWN.format(way.interface))
        everywhere = (self._state.parameters or {}).get(_IGNORES_LINKDOWN.format("all"))
        return not (way.dead or (way.linkdown and "1" in (ignores, everywhere)))

    def _way(self, plain: Hop, way: LiveNextHop, route: LiveRoute) -> Hop:
        hop = replace(plain, interface=way.interface, gateway=way.gateway)
        owner = self._owners.get(way.gateway) if way.interface == OVERLAY else None
        return replace(hop, owner=owner, source=self._source(route, way))

    def _source(self, route: LiveRoute, way: LiveNextHop) -> AddressNumber | None:
        """The address that the route has for the machine's own packets, None where it is the one of the interface."""
        if route.source is None or route.table == LOCAL_TABLE:
            return None
        own = (self._state.addresses or {}).get(way.interface or "", ())
        target = way.gateway if way.gateway is not None else route.to.first
        near = next((one.ip for one in own if target in _network(one)), own[0].ip if own else None)
        return None if near == route.source else route.source

    def _peers(self, hop: Hop) -> Iterator[Hop]:
        """flannel's WireGuard has one route for all pods, and a peer for those of each node."""
        for network, node in self._pods.items():
            if _is_inside(network, hop.prefix):
                yield replace(hop, prefix=network, owner=node)


def _said(rules: tuple[PolicyRule, ...]) -> list[PolicyRule]:
    """The rules by what they say alone, in the order of their priorities."""
    nowhere = Origin(file="", line=0)
    return sorted((replace(rule, origin=nowhere) for rule in rules), key=lambda rule: (rule.priority, rule.table))


def _is_inside(network: Prefix, other: Prefix) -> bool:
    return network.length >= other.length and network.first in other


def _network(address: LiveAddress) -> Prefix:
    return network_of(address.ip, address.length)
