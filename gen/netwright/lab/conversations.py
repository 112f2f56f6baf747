"""Flows -> conversations between the addresses that the topology gives, and verify's verdict on each."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.lab.building import namespace_of
from netwright.lab.probes import PROBES_PER_FLOW, Trial, probes_of
from netwright.verify.forwarding.flannel_tunnel import VXLAN_PORT
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.network import Network, Place
from netwright.verify.network_model.trace import PlaceKind
from netwright.verify.proof.cases import Case
from netwright.verify.proof.classes import AddressClass, TrafficClass
from netwright.verify.proof.on_the_way import Asked, Nearness
from netwright.verify.values.addresses import AddressNumber, Ranges, contains, parse_ip
from netwright.verify.values.packets import ICMP, PORTED, PROTOCOLS, TCP, UDP
from netwright.verify.values.wiring import Flow, Traffic

_OUTSIDE = ("198.51.100.10", "192.0.2.10")
"""Addresses of documentation (RFC 5737), which stand for the internet's."""
_SPARE_PORT = 47808
"""A port that no flow names, where any will do."""
_PROTOCOLS = {**{name: (number,) for name, number in PROTOCOLS.items()}, "any": (ICMP, TCP, UDP)}
_Owned = tuple[int, PlaceKind, str]
"""An address, with the kind of its place and its node; the internet's has none."""


class _Addresses(Struct, frozen=True, kw_only=True):
    """Owners of addresses by the topology: nodes and pods; what else there is, is the internet's."""

    nodes: Mapping[int, str]
    pods: Mapping[int, str]
    outside: tuple[int, ...]

    def within(self, ranges: Ranges, *, internet: bool) -> Iterator[_Owned]:
        """The addresses in some ranges."""
        yield from ((ip, "machine", node) for ip, node in self.nodes.items() if contains(ranges, ip))
        yield from ((ip, "pod", node) for ip, node in self.pods.items() if contains(ranges, ip))
        yield from ((ip, "outside", "") for ip in self.outside if internet or contains(ranges, ip))


def _place_addresses(network: Network, flows: Sequence[Flow]) -> _Addresses:
    """The addresses that flows may name: those that the topology gives to nodes, a virtual one at the node whose turn
    it is, the first and the last of each node's pods, unless a network plugin leads their packets, and some of the
    internet's, which are not inside."""
    wiring, inside = network.wiring, network.inside
    outside = [ip for text in _OUTSIDE if (ip := parse_ip(text)) is not None]
    outside += (AddressNumber(first) for flow in flows for first, _ in (*flow.sources, *flow.destinations))
    return _Addresses(
        nodes={int(one.ip): one.node for one in wiring.addresses} | {int(one.ip): one.node for one in wiring.held},
        pods={ip: one.node for one in network.judged_pods for ip in (one.network.first + 2, one.network.last - 1)},
        outside=tuple(dict.fromkeys(ip for ip in outside if _is_public(ip, inside))) if wiring.exits else (),
    )


def _is_public(ip: int, inside: Ranges) -> bool:
    return not contains(inside, ip) and ip >> 24 not in (0, 127)


def plan_conversations(network: Network, flows: Sequence[Flow], limit: int = PROBES_PER_FLOW) -> tuple[Trial, ...]:
    """A trial for each flow, with at most `limit` conversations, spread evenly over all that there are.

    Their ends are the topology's, so that an address that verify overlooks is tried as well.
    """
    memory, nearness = Memory(), Nearness(network)
    addresses = _place_addresses(network, flows)
    named = sorted({_named(traffic) for flow in flows for traffic in flow.traffic if traffic.ports is not None})
    return tuple(
        _plan_trial(network, memory, flow, [*_cases(network, flow, addresses, named, nearness.asked(flow))], limit)
        for flow in flows
    )


def tried_addresses(trials: Sequence[Trial]) -> dict[str, tuple[int, ...]]:
    """The addresses of pods and of the internet that conversations need, by namespace."""
    tried: dict[str, set[int]] = {}
    for probe in (probe for trial in trials for probe in trial.probes):
        for ip, place in ((probe.source, probe.sender), (probe.destination, probe.home)):
            if place is not None and place.kind != "machine":
                tried.setdefault(namespace_of(place), set()).add(ip)
    return {name: tuple(sorted(ips)) for name, ips in tried.items()}


def _plan_trial(network: Network, memory: Memory, flow: Flow, cases: Sequence[Case], limit: int) -> Trial:
    chosen = cases if len(cases) <= limit else [cases[number * len(cases) // limit] for number in range(limit)]
    unsent = sum(traffic.protocol not in _PROTOCOLS for traffic in flow.traffic)
    probes = tuple(probe for case in chosen for probe in probes_of(network, memory, flow, case))
    return Trial(
        flow=flow,
        probes=probes,
        classes=len(cases) - len(chosen) + len(probes),
        unsent=unsent,
    )


def _cases(
    network: Network, flow: Flow, addresses: _Addresses, named: Sequence[tuple[str, int]], asked: Asked | None
) -> Iterator[Case]:
    sources = [*addresses.within(flow.sources, internet=flow.from_internet)]
    destinations = [*addresses.within(flow.destinations, internet=flow.to_internet)]
    kinds = list(dict.fromkeys(kind for traffic in flow.traffic for kind in _kinds(traffic, named)))
    for source in sources:
        for destination in destinations:
            # What stays on one machine, or beyond the last one, is no conversation.
            if source[1:] != destination[1:]:
                cases = (_case(network, source, destination, *kind) for kind in kinds)
                yield from (case for case in cases if asked is None or asked(case.source, case.destination))


def _case(
    network: Network,
    source: _Owned,
    destination: _Owned,
    protocol: int,
    port: int,
) -> Case:
    start = _place(network, source)
    return Case(
        source=AddressClass(ranges=((source[0], source[0]),), place=start),
        destination=AddressClass(ranges=((destination[0], destination[0]),), place=_place(network, destination)),
        traffic=TrafficClass(protocol=protocol, ports=((port, port),) if port else ()),
        start=start,
        pairs=1,
    )


def _place(network: Network, address: _Owned) -> Place:
    _, kind, node = address
    return Place(kind=kind, machine=network.machines[node or network.wiring.exits[0].node])


def _kinds(traffic: Traffic, named: Sequence[tuple[str, int]]) -> Iterator[tuple[int, int]]:
    """Protocols and ports to try: the first and the last that are stated; where none is, those that any flow names."""
    for protocol in _PROTOCOLS.get(traffic.protocol, ()):
        if protocol not in PORTED:
            yield protocol, 0
        elif traffic.ports is not None:
            yield from ((protocol, port) for port in traffic.ports if _is_sendable(protocol, port))
        else:
            own = {port for name, port in named if _PROTOCOLS.get(name) == (protocol,)} | {_SPARE_PORT}
            yield from ((protocol, port) for port in sorted(own) if _is_sendable(protocol, port))


def _is_sendable(protocol: int, port: int) -> bool:
    return port > 0 and not (protocol == UDP and port == VXLAN_PORT)


def _named(traffic: Traffic) -> tuple[str, int]:
    return traffic.protocol, traffic.ports[0] if traffic.ports is not None else 0
