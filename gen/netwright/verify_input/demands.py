"""Packets that flows ask for: those of one flow, cut into what other flows ask for too and the rest."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify import Flow, Ranges, Traffic
from netwright.verify.proof.classes import AddressClass, TrafficClass
from netwright.verify.values.addresses import complement, merge
from netwright.verify.values.packets import PROTOCOLS

_LAST_PORT = 65535
_ALL_PORTS = ((0, _LAST_PORT),)


class Packets(Struct, frozen=True, kw_only=True):
    """Every packet from one of the sources to one of the destinations with one of the kinds of traffic."""

    sources: tuple[AddressClass, ...]
    destinations: tuple[AddressClass, ...]
    traffic: tuple[TrafficClass, ...]

    def __bool__(self) -> bool:
        return bool(self.sources and self.destinations and self.traffic)


def is_same_demand(one: Flow, other: Flow) -> bool:
    """Return whether two flows ask for the same, whatever their names are."""
    return replace(one, name="") == replace(other, name="")


def covers(flow: Flow, other: Flow) -> bool:
    """Return whether a flow asks no less of a packet than another flow."""
    if flow.must_arrive != other.must_arrive:
        return False
    return not flow.must_arrive or other.nat_allowed or not flow.nat_allowed


def divide(packets: Packets, flow: Flow, outside: Ranges) -> tuple[Packets, tuple[Packets, ...]]:
    """The packets that a flow names, and the rest in pieces that do not overlap. `outside` is the internet."""
    near, far = _cut(packets.sources, _ends(flow.sources, outside if flow.from_internet else ()))
    here, there = _cut(packets.destinations, _ends(flow.destinations, outside if flow.to_internet else ()))
    named, other = _cut_traffic(packets.traffic, flow.traffic)
    rest = (
        replace(packets, sources=far),
        replace(packets, sources=near, destinations=there),
        Packets(sources=near, destinations=here, traffic=other),
    )
    return Packets(sources=near, destinations=here, traffic=named), tuple(part for part in rest if part)


def divide_by_all(
    packets: Packets, flows: Iterable[Flow], outside: Ranges
) -> tuple[tuple[tuple[Flow, Packets], ...], tuple[Packets, ...]]:
    """The packets that each flow names and no earlier one does, and those that none names."""
    named: list[tuple[Flow, Packets]] = []
    rest: tuple[Packets, ...] = (packets,) if packets else ()
    for flow in flows:
        parts = [divide(part, flow, outside) for part in rest]
        named += ((flow, inside) for inside, _ in parts if inside)
        rest = tuple(part for _, others in parts for part in others)
    return tuple(named), rest


def _ends(own: Ranges, outside: Ranges) -> Ranges:
    return merge((*own, *outside))


def _cut(classes: Sequence[AddressClass], ranges: Ranges) -> tuple[tuple[AddressClass, ...], tuple[AddressClass, ...]]:
    """The classes inside and outside some ranges; one that reaches over an edge is cut there."""
    others = complement(ranges)
    return tuple(_within(classes, ranges)), tuple(_within(classes, others))


def _within(classes: Iterable[AddressClass], ranges: Ranges) -> Iterator[AddressClass]:
    for one in classes:
        shared = _intersect(one.ranges, ranges)
        if shared:
            yield one if shared == one.ranges else replace(one, ranges=shared)


def _cut_traffic(
    classes: Iterable[TrafficClass], wanted: Sequence[Traffic]
) -> tuple[tuple[TrafficClass, ...], tuple[TrafficClass, ...]]:
    inside: list[TrafficClass] = []
    outside: list[TrafficClass] = []
    for one in classes:
        ports = merge(part for traffic in wanted for part in _ports(traffic, one.protocol))
        if not one.ports:
            (inside if ports else outside).append(one)
            continue
        for side, part in ((inside, ports), (outside, complement(ports, _LAST_PORT))):
            shared = _intersect(one.ports, part)
            if shared:
                side.append(replace(one, ports=shared))
    return tuple(inside), tuple(outside)


def _ports(traffic: Traffic, protocol: int) -> Ranges:
    """The ports of a protocol that the traffic holds; all where the protocol has none."""
    if traffic.protocol != "any" and PROTOCOLS[traffic.protocol] != protocol:
        return ()
    return (traffic.ports,) if traffic.ports is not None else _ALL_PORTS


def _intersect(ours: Ranges, theirs: Ranges) -> Ranges:
    """The numbers in both."""
    found = []
    one = other = 0
    while one < len(ours) and other < len(theirs):
        first = max(ours[one][0], theirs[other][0])
        last = min(ours[one][1], theirs[other][1])
        if first <= last:
            found.append((first, last))
        if ours[one][1] < theirs[other][1]:
            one += 1
        else:
            other += 1
    return tuple(found)
