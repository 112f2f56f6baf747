"""Address ranges split into classes: addresses that no route, rule or machine tells apart are judged as one."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gen.verify.addresses import Prefix, Range, Ranges, contains, format_range, merge
from gen.verify.firewall import Firewall
from gen.verify.network import Network, Place
from gen.verify.nftables import NumberMatch
from gen.verify.packets import ICMP, TCP, UDP
from gen.verify.wiring import Traffic

PROTOCOLS = {"icmp": ICMP, "tcp": TCP, "udp": UDP}
_LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressClass:
    """Consecutive addresses that every machine treats alike, and where they live, None if nobody has them."""

    first: int
    last: int
    place: Place | None

    @property
    def size(self) -> int:
        """How many addresses the class stands for."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return format_range(self.first, self.last)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrafficClass:
    """Consecutive ports of a protocol that every rule treats alike; other protocols than TCP and UDP have none."""

    protocol: int
    first: int
    last: int

    @property
    def name(self) -> str:
        """The class as people write it, by its ports."""
        names = {number: name for name, number in PROTOCOLS.items()}
        name = names.get(self.protocol, f"protocol {self.protocol}")
        if self.protocol not in (TCP, UDP) or (self.first, self.last) == (0, _LAST_PORT):
            return name
        return f"{name}/{self.first}" + (f"-{self.last}" if self.last != self.first else "")


class Cuts:
    """Every number at which some machine begins to treat addresses (or ports, or protocols) differently."""

    def __init__(self, network: Network) -> None:
        """Gathers the cuts of all machines."""
        ips: set[int] = set()
        ports: set[int] = set()
        protocols: set[int] = set()
        for machine in network.machines.values():
            for ip in machine.fib.local:
                ips.update((ip, ip + 1))
            for table in machine.fib.tables.values():
                ips.update(table.starts)
            for rule in machine.fib.rules:
                for prefix in (rule.source, rule.destination):
                    ips.update((prefix.first, prefix.last + 1))
            _cut_by_rules(machine.firewall, ips, ports, protocols)
        for prefix in _known_networks(network):
            ips.update((prefix.first, prefix.last + 1))
        for first, last in network.inside:
            ips.update((first, last + 1))
        self._ips = sorted(ips)
        self._ports = sorted(ports)
        self._protocols = sorted(protocols)
        self._network = network

    def addresses(self, ranges: Ranges) -> tuple[AddressClass, ...]:
        """The classes of the ranges, in order."""
        return tuple(
            AddressClass(first=first, last=last, place=self._network.place_of(first))
            for first, last in _split(merge(ranges), self._ips)
        )

    def traffic(self, wanted: Iterable[Traffic]) -> tuple[TrafficClass, ...]:
        """The classes of the traffic; `any` is every protocol with every port."""
        found: list[TrafficClass] = []
        for traffic in wanted:
            if traffic.protocol == "any":
                rest = [first for first, _ in _split(((0, 255),), self._protocols)]
                others = [number for number in rest if number not in PROTOCOLS.values()][:1]
                others += [number for number in self._protocols if number not in (*PROTOCOLS.values(), *others)]
                for number in (*PROTOCOLS.values(), *(number for number in others if number <= 255)):
                    found += self._ported(number, None)
            else:
                found += self._ported(PROTOCOLS[traffic.protocol], traffic.ports)
        return tuple(dict.fromkeys(found))

    def _ported(self, protocol: int, ports: Range | None) -> Iterator[TrafficClass]:
        whole = (0, _LAST_PORT)
        pieces = _split((ports or whole,), self._ports) if protocol in (TCP, UDP) else iter((whole,))
        for first, last in pieces:
            yield TrafficClass(protocol=protocol, first=first, last=last)


def _known_networks(network: Network) -> Iterator[Prefix]:
    yield from (pod.network for pod in network.pod_networks)
    yield from (prefix for prefix in (network.wiring.pods, network.wiring.services) if prefix is not None)


def _cut_by_rules(firewall: Firewall, ips: set[int], ports: set[int], protocols: set[int]) -> None:
    for rule in firewall.rules:
        for match in rule.matches:
            if isinstance(match, NumberMatch):
                into = {"saddr": ips, "daddr": ips, "dport": ports, "sport": ports, "protocol": protocols}.get(match.of)
                if into is not None:
                    into.update(edge for first, last in match.ranges for edge in (first, last + 1))
        for statement in rule.statements:
            ips.update(edge for (first, last), _ in statement.pairs for edge in (first, last + 1))


def _split(ranges: Ranges, cuts: list[int]) -> Iterator[Range]:
    for first, last in ranges:
        start = first
        for cut in cuts[bisect_right(cuts, first) : bisect_left(cuts, last + 1)]:
            yield start, cut - 1
            start = cut
        yield start, last


def judged(classes: tuple[AddressClass, ...], ranges: Ranges) -> tuple[AddressClass, ...]:
    """The classes that count: those somebody has; where nobody has any of a range, all of that range.

    A network of 254 addresses with three machines on it stands for the three; one address that nobody has is a fault.
    """
    counted: list[AddressClass] = []
    for first, last in ranges:
        inside = [one for one in classes if contains(((first, last),), one.first)]
        counted += [one for one in inside if one.place is not None] or inside
    return tuple(dict.fromkeys(counted))
