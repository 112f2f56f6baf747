"""Ports that rules speak of, by the addresses that they speak of."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.proof.partition import ALL_PORTS, Partition
from netwright.verify.values.addresses import Range, Ranges, contains, merge
from netwright.verify.values.nftables import Match, NumberField, NumberMatch, OpenedMatch, Rule

_FEW = 32
"""With so many addresses it is not asked which rules speak of them."""
_PORTS = (NumberField.SPORT, NumberField.DPORT)
_Ends = tuple[Ranges | None, Ranges | None]
"""The first range of sources and the first of destinations that a rule matches, None for all."""


class Selective:
    """The ports that rules speak of, by the addresses that they speak of."""

    def __init__(self, network: Network, led_on: frozenset[Ranges]) -> None:
        """Gathers, for all rules with the same ends, their matches of ports and the addresses that they give; ports
        that are led on are told apart between all addresses."""
        self._ports: dict[_Ends, set[Ranges]] = defaultdict(set, {(None, None): {*led_on}})
        self._given: dict[_Ends, set[int]] = defaultdict(set)
        self._by_source: dict[Ranges | None, set[_Ends]] = defaultdict(set, {None: {(None, None)}})
        for forward in network.wiring.forwards:
            self._ports[None, None].add((forward.to_ports,))
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
        self._partitions: dict[frozenset[Ranges], Partition] = {}

    def _add(self, rule: Rule, machine: Machine, alike: dict[tuple[Match, ...], list[Range]] | None) -> None:
        """Notes a rule; the ports of one that only accepts among such go to `alike`, as their order does not matter."""
        ends = _range_of(rule.matches, NumberField.SADDR), _range_of(rule.matches, NumberField.DADDR)
        self._by_source[ends[0]].add(ends)
        found = self._ports[ends]
        ports = [match for match in rule.matches if isinstance(match, NumberMatch) and match.of in _PORTS]
        found.update(match.ranges for match in rule.matches if isinstance(match, OpenedMatch) and match.of in _PORTS)
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

    def ports_between(self, one: int, other: int) -> Partition | None:
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
            self._partitions[ports] = Partition(ports, ALL_PORTS[1])
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
