"""Address ranges split into classes: addresses that no route, rule or machine tells apart are judged as one."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import assert_never

from msgspec import Struct

from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network, Place
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
from netwright.verify.values.nftables import Match, NumberField, NumberMatch, Rule
from netwright.verify.values.packets import ICMP, PORTED, PROTOCOLS, TCP, UDP
from netwright.verify.values.wiring import Traffic

_ALL_PORTS = (0, 65535)
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
        if not self.ports or self.ports == (_ALL_PORTS,):
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
        self._ports = _Partition(numbers["port"], 65535)
        self._protocols = _Partition({*numbers["protocol"], *(((n, n),) for n in (ICMP, TCP, UDP))}, 255)
        self._selective: _Selective | None = None
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
            self._selective = _Selective(self._network, self._led_on)
        ports = self._selective.ports_between(one, other)
        if ports is None:
            return self.traffic(wanted)
        return tuple(dict.fromkeys(found for traffic in wanted for found in self._classes_of(traffic, ports)))

    def choice(self, wanted: Sequence[Traffic]) -> TrafficOf | None:
        """Return what tells the classes of traffic that matter for a pair of ends, None if too few to ask."""
        if len(self.traffic(wanted)) <= _FEW_CLASSES:
            return None
        return lambda source, destination: self.traffic_between(source.first, destination.first, wanted)

    def _classes_of(self, traffic: Traffic, cuts: "_Partition | None" = None) -> Iterator[TrafficClass]:
        if traffic.protocol == "any":
            for protocols in self._protocols.alike((0, 255)):
                yield from self._ported(protocols[0][0], _ALL_PORTS, cuts)
        else:
            yield from self._ported(PROTOCOLS[traffic.protocol], traffic.ports or _ALL_PORTS, cuts)

    def _ported(self, protocol: int, ports: Range, cuts: "_Partition | None") -> Iterator[TrafficClass]:
        if protocol in PORTED:
            yield from (TrafficClass(protocol=protocol, ports=alike) for alike in (cuts or self._ports).alike(ports))
        else:
            yield TrafficClass(protocol=protocol, ports=())


class _Partition:
    """The numbers from 0 to a largest one in pieces, of which those are alike that the same matches hold."""

    def __init__(self, matches: Iterable[Ranges], largest: int) -> None:
        """Sweeps over the edges of all matches once."""
        changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, match in enumerate(sorted(matches)):
            for first, last in match:
                changes[first].append((number, 1))
                changes[last + 1].append((number, -1))
        holding: Counter[int] = Counter()
        kinds: dict[frozenset[int], int] = {}
        self._largest = largest
        self._starts: list[int] = []
        self._kinds: list[int] = []
        for start in sorted({0, *changes}):
            for number, change in changes.get(start, ()):
                holding[number] += change
                if not holding[number]:
                    del holding[number]
            self._starts.append(start)
            self._kinds.append(kinds.setdefault(frozenset(holding), len(kinds)))

    def alike(self, whole: Range) -> list[Ranges]:
        """The numbers of a range in groups that the same matches hold."""
        groups: dict[int, list[Range]] = defaultdict(list)
        first, end = bisect_right(self._starts, whole[0]) - 1, bisect_right(self._starts, whole[1])
        for number in range(first, end):
            following = self._starts[number + 1] if number + 1 < len(self._starts) else self._largest + 1
            piece = max(self._starts[number], whole[0]), min(following - 1, whole[1])
            groups[self._kinds[number]].append(piece)
        return [merge(group) for group in groups.values()]


_PORTS = (NumberField.SPORT, NumberField.DPORT)
_FEW = 32
"""With so many addresses it is not asked which rules speak of them."""
_Ends = tuple[Ranges | None, Ranges | None]
"""The first range of sources and the first of destinations that a rule matches, None for all."""


class _Selective:
    """The ports that rules speak of, by the addresses that they speak of."""

    def __init__(self, network: Network, led_on: frozenset[Ranges]) -> None:
        """Gathers, for all rules with the same ends, their matches of ports and the addresses that they give; ports
        that are led on are told apart between all addresses."""
        self._ports: dict[_Ends, set[Ranges]] = defaultdict(set, {(None, None): {*led_on}})
        self._given: dict[_Ends, set[int]] = defaultdict(set)
        self._by_source: dict[Ranges | None, set[_Ends]] = defaultdict(set, {None: {(None, None)}})
        for machine in network.machines.values():
            for chain in machine.firewall.chains:
                for accepting, rules in groupby(chain.rules, _only_accepts):
                    ports: dict[tuple[Match, ...], list[Range]] = defaultdict(list)
                    for rule in rules:
                        self._add(rule, machine, ports if accepting else None)
                    for matches, ranges in ports.items():
                        ends = _range_of(matches, NumberField.SADDR), _range_of(matches, NumberField.DADDR)
                        self._ports[ends].add(merge(ranges))
        self._matches = {match for ends in self._ports for match in ends if match is not None}
        self._holding: dict[int, frozenset[Ranges]] = {}
        self._partitions: dict[frozenset[Ranges], _Partition] = {}

    def _add(self, rule: Rule, machine: Machine, alike: dict[tuple[Match, ...], list[Range]] | None) -> None:
        """Notes a rule; the ports of one that only accepts among such go to `alike`, as their order does not matter."""
        ends = _range_of(rule.matches, NumberField.SADDR), _range_of(rule.matches, NumberField.DADDR)
        self._by_source[ends[0]].add(ends)
        found = self._ports[ends]
        ports = [match for match in rule.matches if isinstance(match, NumberMatch) and match.of in _PORTS]
        if alike is not None and len(ports) == 1:
            rest = (NumberMatch(of=ports[0].of, ranges=()), *(match for match in rule.matches if match is not ports[0]))
            alike[rest] += ports[0].ranges
        else:
            found.update(match.ranges for match in ports)
        for statement in rule.statements:
            if statement.kind == "masquerade":
                self._given[ends].update(one.ip for addresses in machine.addresses.values() for one in addresses)
            elif statement.ip is not None:
                self._given[ends].add(statement.ip)
            self._given[ends].update(ip for _, (first, last) in statement.pairs for ip in range(first, last + 1)[:_FEW])

    def ports_between(self, one: int, other: int) -> _Partition | None:
        """The pieces into which rules cut the ports of packets between two addresses; None where they may get many
        others."""
        ips, met = {one, other}, [*self._met({one, other})]
        while more := {ip for ends in met for ip in self._given.get(ends, ())} - ips:
            ips |= more
            if len(ips) >= _FEW:
                return None
            met = [*self._met(ips)]
        ports = frozenset(match for ends in met for match in self._ports[ends])
        if ports not in self._partitions:
            self._partitions[ports] = _Partition(ports, _ALL_PORTS[1])
        return self._partitions[ports]

    def _met(self, ips: Iterable[int]) -> Iterator[_Ends]:
        """Yield the ends of the rules that may match a packet between two of the IPs."""
        held = frozenset[Ranges]().union(*map(self._holds, ips))
        for source in (None, *held):
            yield from (ends for ends in self._by_source.get(source, ()) if ends[1] is None or ends[1] in held)

    def _holds(self, ip: int) -> frozenset[Ranges]:
        """The ranges of rules that hold the IP."""
        if ip not in self._holding:
            self._holding[ip] = frozenset(match for match in self._matches if contains(match, ip))
        return self._holding[ip]


def _only_accepts(rule: Rule) -> bool:
    return rule.unread is None and [statement.kind for statement in rule.statements] == ["accept"]


def _range_of(matches: Iterable[Match], of: NumberField) -> Ranges | None:
    return next((match.ranges for match in matches if isinstance(match, NumberMatch) and match.of is of), None)


def _known_networks(network: Network) -> Iterator[Prefix]:
    yield from (pod.network for pod in network.pod_networks)
    yield from (prefix for prefix in (network.wiring.pods, network.wiring.services) if prefix is not None)


def _cut_by_rules(rules: Iterable[Rule], ips: set[int], numbers: dict[str, set[Ranges]]) -> None:
    for rule in rules:
        for one in rule.matches:
            if not isinstance(one, NumberMatch):
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
