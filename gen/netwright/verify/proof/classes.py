"""Address ranges split into classes: addresses that no route, rule or machine tells apart are judged as one."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import assert_never

from msgspec import Struct

from netwright.verify.network_model.network import Network, Place
from netwright.verify.proof.partition import ALL_PORTS, Partition
from netwright.verify.proof.selective import Selective
from netwright.verify.values.addresses import (
    AddressNumber,
    Prefix,
    Range,
    Ranges,
    contains,
    format_range,
    merge,
    network_of,
)
from netwright.verify.values.nftables import NumberField, NumberMatch, OpenedMatch, Rule
from netwright.verify.values.packets import ICMP, PORTED, PROTOCOLS, TCP, UDP
from netwright.verify.values.wiring import Traffic

_RANGES_SHOWN = 3


class AddressClass(Struct, frozen=True, kw_only=True):
    """Addresses that every machine treats alike, and where they live, None if they are unassigned."""

    ranges: Ranges
    place: Place | None

    @property
    def first(self) -> AddressNumber:
        """One address of the class: what becomes of it becomes of all."""
        return AddressNumber(self.ranges[0][0])

    @property
    def size(self) -> int:
        """Number of addresses the class stands for."""
        return sum(last - first + 1 for first, last in self.ranges)

    def __str__(self) -> str:
        shown = ", ".join(format_range(first, last) for first, last in self.ranges[:_RANGES_SHOWN])
        more = len(self.ranges) - _RANGES_SHOWN
        return f"{shown} and {more} more ranges" if more > 0 else shown


class TrafficClass(Struct, frozen=True, kw_only=True):
    """A protocol and those of its ports that every rule treats alike; only TCP, UDP and SCTP have ports."""

    protocol: int
    ports: Ranges

    @property
    def port(self) -> int:
        """One port of the class."""
        return self.ports[0][0] if self.ports else 0

    def __str__(self) -> str:
        names = {number: name for name, number in PROTOCOLS.items()}
        name = names.get(self.protocol, f"protocol {self.protocol}" if self.protocol else "any other protocol")
        if not self.ports or self.ports == (ALL_PORTS,):
            return name
        return f"{name}/" + ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ports)


TrafficOf = Callable[[AddressClass, AddressClass], Sequence[TrafficClass]]
"""The classes of traffic that matter for a pair of ends."""
_FEW_CLASSES = 100
"""Most classes of traffic that are tried with every pair: that takes no longer than to ask which of them matter."""


class Cuts:
    """Every number at which some machine begins to treat addresses (or ports, or protocols) differently."""

    def __init__(self, network: Network, *, denied: bool = True) -> None:
        """Gathers the cuts of all machines; `denied`: some packets must not arrive."""
        ips: set[int] = set()
        numbers: dict[str, set[Ranges]] = {"port": set(), "protocol": set(), "address": set()}
        self._networks: set[tuple[int, int]] = set()
        rules: dict[int, Rule] = {}  # machines share many
        for machine in network.machines.values():
            for ip in machine.fib.local:
                ips.update((ip, ip + 1))
            for table in machine.fib.tables.values():
                ips.update(table.starts)
                self._networks.update((hop.prefix.first, hop.prefix.length) for hop in table.hops if hop is not None)
            for rule in machine.fib.rules:
                for prefix in (rule.source, rule.destination):
                    ips.update((prefix.first, prefix.last + 1))
                    self._networks.add((prefix.first, prefix.length))
            for tunnel in machine.tunnels.values():
                for prefix in (one.value for peer in tunnel.peers for one in peer.allowed):
                    ips.update((prefix.first, prefix.last + 1))
                    self._networks.add((prefix.first, prefix.length))
            rules.update((id(rule), rule) for rule in machine.firewall.rules)
        _cut_by_rules(rules.values(), ips, numbers)
        for forward in network.wiring.forwards:
            numbers["port"].add((forward.to_ports,))
            ips.update(edge for ranges in (((forward.target,) * 2,), forward.sources) for first, last in ranges
                       for edge in (first, last + 1))  # fmt: skip
        self._led_on = frozenset(network.node_ports.values() if denied else ())
        numbers["port"] |= self._led_on
        ips.update(edge for pod in network.pod_networks for edge in (pod.network.first + 2, pod.network.last))
        ips.update(edge for ip in network.assignment.missing for edge in (ip, ip + 1))
        for prefix in _known_networks(network):
            ips.update((prefix.first, prefix.last + 1))
        for first, last in network.inside:
            ips.update((first, last + 1))
        _cut_before_translation(rules.values(), ips)
        self._ips = sorted(ips)
        self._lengths = sorted({length for _, length in self._networks})
        self._address_matches = tuple(sorted(numbers["address"]))
        self._ports = Partition(numbers["port"], 65535)
        self._protocols = Partition({*numbers["protocol"], *(((n, n),) for n in (ICMP, TCP, UDP))}, 255)
        self._selective: Selective | None = None
        self._known_traffic: dict[Traffic, tuple[TrafficClass, ...]] = {}
        self._network = network

    def addresses(self, ranges: Ranges) -> tuple[AddressClass, ...]:
        """The classes of the ranges in order. Those of the internet that differ in no route and no rule are one."""
        found: list[AddressClass] = []
        outside: dict[tuple[object, ...], list[Range]] = defaultdict(list)
        place_outside = None
        for first, last in _split(merge(ranges), self._ips):
            place = self._network.place_of(first)
            if place is not None and place.kind == "outside":
                place_outside = place
                outside[self._signature(first)].append((first, last))
            else:
                found.append(AddressClass(ranges=((first, last),), place=place))
        found += (AddressClass(ranges=merge(alike), place=place_outside) for alike in outside.values())
        return tuple(sorted(found, key=lambda one: one.first))

    def _signature(self, ip: int) -> tuple[object, ...]:
        """All networks of routes and all ranges of rules that hold the IP."""
        networks = (network_of(ip, length) for length in self._lengths)
        return (
            tuple(network for network in networks if (network.first, network.length) in self._networks),
            tuple(contains(match, ip) for match in self._address_matches),
        )

    def ports(self, ranges: Ranges) -> list[int]:
        """One port of each class in the ranges."""
        return sorted({alike[0][0] for whole in ranges for alike in self._ports.alike(whole)})

    def traffic(self, wanted: Iterable[Traffic]) -> tuple[TrafficClass, ...]:
        """The classes of the traffic; `any` is every protocol with every port."""
        found: list[TrafficClass] = []
        for traffic in wanted:
            if traffic not in self._known_traffic:
                self._known_traffic[traffic] = tuple(self._classes_of(traffic))
            found += self._known_traffic[traffic]
        return tuple(dict.fromkeys(found))

    def traffic_between(self, one: int, other: int, wanted: Sequence[Traffic]) -> tuple[TrafficClass, ...]:
        """The classes that rules tell apart of which one may match a packet between the two addresses, either way.

        Rules may give such a packet any of a few other addresses; if they may be many, the classes are those between
        all addresses.
        """
        if self._selective is None:
            self._selective = Selective(self._network, self._led_on)
        ports = self._selective.ports_between(one, other)
        if ports is None:
            return self.traffic(wanted)
        return tuple(dict.fromkeys(found for traffic in wanted for found in self._classes_of(traffic, ports)))

    def choice(self, wanted: Sequence[Traffic]) -> TrafficOf | None:
        """Return what tells the classes of traffic that matter for a pair of ends, None if too few to ask."""
        if len(self.traffic(wanted)) <= _FEW_CLASSES:
            return None
        return lambda source, destination: self.traffic_between(source.first, destination.first, wanted)

    def _classes_of(self, traffic: Traffic, cuts: "Partition | None" = None) -> Iterator[TrafficClass]:
        if traffic.protocol == "any":
            for protocols in self._protocols.alike((0, 255)):
                yield from self._ported(protocols[0][0], ALL_PORTS, cuts)
        else:
            yield from self._ported(PROTOCOLS[traffic.protocol], traffic.ports or ALL_PORTS, cuts)

    def _ported(self, protocol: int, ports: Range, cuts: "Partition | None") -> Iterator[TrafficClass]:
        if protocol in PORTED:
            yield from (TrafficClass(protocol=protocol, ports=alike) for alike in (cuts or self._ports).alike(ports))
        else:
            yield TrafficClass(protocol=protocol, ports=())


def _known_networks(network: Network) -> Iterator[Prefix]:
    yield from (pod.network for pod in network.pod_networks)
    yield from (prefix for prefix in (network.wiring.pods, network.wiring.services) if prefix is not None)


def _cut_by_rules(rules: Iterable[Rule], ips: set[int], numbers: dict[str, set[Ranges]]) -> None:
    for rule in rules:
        for one in rule.matches:
            if not isinstance(one, NumberMatch | OpenedMatch):
                continue
            match one.of:
                case NumberField.SADDR | NumberField.DADDR:
                    numbers["address"].add(one.ranges)
                    ips.update(edge for first, last in one.ranges for edge in (first, last + 1))
                case NumberField.PROTOCOL:
                    numbers["protocol"].add(one.ranges)
                case NumberField.SPORT | NumberField.DPORT:
                    numbers["port"].add(one.ranges)
                case NumberField.ICMP:
                    pass  # every packet of ICMP that is tried is an echo
                case _:
                    assert_never(one.of)
        for statement in rule.statements:
            if statement.port is not None:
                numbers["port"].add(((statement.port, statement.port),))
            numbers["address"].update(((before,) for before, _ in statement.pairs))
            ips.update(edge for (first, last), _ in statement.pairs for edge in (first, last + 1))


def _cut_before_translation(rules: Iterable[Rule], ips: set[int]) -> None:
    """Adds the cuts of addresses that translation by prefix gives, as they lie in what is translated to them."""
    pairs = {pair for rule in rules for one in rule.statements for pair in one.pairs if pair[0] != pair[1]}
    for _ in pairs:  # each may lead into another
        for (before, _last), (first, last) in pairs:
            ips.update([before + ip - first for ip in ips if first < ip <= last])


def _split(ranges: Ranges, cuts: list[int]) -> Iterator[Range]:
    for first, last in ranges:
        start = first
        for cut in cuts[bisect_right(cuts, first) : bisect_left(cuts, last + 1)]:
            yield start, cut - 1
            start = cut
        yield start, last


def judged(classes: tuple[AddressClass, ...], ranges: Ranges) -> tuple[AddressClass, ...]:
    """The classes that count: those that are assigned; where none of a range is, all of that range.

    A network of 254 addresses with three machines on it stands for the three; a single unassigned one is a fault.
    """
    counted: list[AddressClass] = []
    for first, last in ranges:
        inside = [one for one in classes if contains(((first, last),), one.first)]
        counted += [one for one in inside if one.place is not None] or inside
    return tuple(dict.fromkeys(counted))
