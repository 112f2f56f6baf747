"""Packets for other addresses and ports that rules translate to a receiver: what is denied must come by none."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import End
from netwright.verify.proof.cases import Case
from netwright.verify.proof.classes import Cuts
from netwright.verify.proof.forwards import direct_packet
from netwright.verify.values.addresses import AddressNumber, Ranges, contains
from netwright.verify.values.nftables import NumberField, NumberMatch, OwnMatch, Rule, Statement
from netwright.verify.values.packets import Packet

MOST_TRIED = 2000
"""Most addresses and ports that are tried with a case."""
_TRANSLATIONS = ("dnat", "redirect")
_UNICAST: Ranges = ((0x01000000, 0x7EFFFFFF), (0x80000000, 0xDFFFFFFF))
"""Addresses that are sent to over a wire: loopback's are not (RFC 1122, section 3.2.1.3)."""
_ALL_PORTS: Ranges = ((0, 65535),)


class _Translation(Struct, frozen=True, kw_only=True):
    """A machine's rule that translates destinations; without a statement it is not known to which."""

    machine: Machine
    rule: Rule
    statement: Statement | None

    def gives(self, ip: int) -> bool:
        """Return whether packets may have this destination then."""
        if self.statement is None:
            return True
        return self.machine.owns(ip) if self.statement.kind == "redirect" else self.statement.ip == ip

    def ranges(self, of: NumberField) -> Ranges | None:
        """The numbers that the rule matches, None for all."""
        found = (one.ranges for one in self.rule.matches if isinstance(one, NumberMatch) and one.of is of)
        return next(found, None)


def openings(network: Network, memory: Memory, case: Case) -> tuple[Packet, ...] | None:
    """Return packets for other addresses and ports that come to the case's receiver if nothing stops them: one of those
    that no rule and no route tells apart. None if they are too many."""
    if memory.openings is None:
        memory.openings = _Openings(network)
    found: tuple[Packet, ...] | None = memory.openings.of(direct_packet(case))
    return found


def is_broadcast(packet: Packet, end: End) -> bool:
    """Return whether a packet has ended as it was sent, for an address that stands for all of a segment: whatever comes
    of it there, nothing has translated it."""
    hop = end.machine.fib.local.get(packet.destination)
    return end.packet.destination == packet.destination and hop is not None and hop.kind == "broadcast"


class _Openings:
    """The translations of a network, and what was found of receivers before."""

    def __init__(self, network: Network) -> None:
        self._translations = [*_translations(network)]
        self._cuts = Cuts(network) if self._translations else None
        self._given = {one.statement.ip for one in self._translations if one.statement is not None} - {None}
        self._known: dict[tuple[int, int, int], tuple[tuple[int, int], ...] | None] = {}
        self._addresses: dict[int, tuple[int, ...]] = {}

    def of(self, packet: Packet) -> tuple[Packet, ...] | None:
        """The packets that become this one, by any number of translations; None if they are too many."""
        key = packet.protocol, packet.destination, packet.dport
        if key not in self._known:
            self._known[key] = self._find(*key)
        found = self._known[key]
        if found is None:
            return None
        return tuple(packet._replace(destination=AddressNumber(ip), dport=port) for ip, port in found)

    def _find(self, protocol: int, ip: int, port: int) -> tuple[tuple[int, int], ...] | None:
        found, waiting = {(ip, port): None}, [(ip, port)]
        while waiting:
            for before in self._before(protocol, *waiting.pop()):
                if before not in found:
                    found[before] = None
                    waiting.append(before)
                if len(found) > MOST_TRIED:
                    return None
        return tuple(found)[1:]

    def _before(self, protocol: int, ip: int, port: int) -> Iterator[tuple[int, int]]:
        """Yield the addresses and ports that one translation makes these."""
        for one in self._translations:
            protocols = one.ranges(NumberField.PROTOCOL)
            if one.gives(ip) and (protocols is None or contains(protocols, protocol)):
                for before in self._ports(one, port):
                    yield from ((address, before) for address in self._destinations(one))

    def _ports(self, translation: _Translation, port: int) -> Sequence[int]:
        ranges = translation.ranges(NumberField.DPORT)
        given = translation.statement.port if translation.statement is not None else None
        if translation.statement is not None and given is None:
            return [port] if ranges is None or contains(ranges, port) else []
        if given not in (None, port) or self._cuts is None:
            return []
        return self._cuts.ports(_ALL_PORTS if ranges is None else ranges)

    def _destinations(self, translation: _Translation) -> tuple[int, ...]:
        key = id(translation)
        if key not in self._addresses:
            self._addresses[key] = tuple(dict.fromkeys(self._find_destinations(translation)))
        return self._addresses[key]

    def _find_destinations(self, translation: _Translation) -> Iterator[int]:
        """Yield the addresses of packets that a rule translates: each of the machine's own, those that another
        translation gives, and one of each class."""
        matched = translation.ranges(NumberField.DADDR)
        ranges = _UNICAST if matched is None else matched
        own = sorted(address.ip for several in translation.machine.addresses.values() for address in several)
        yield from (ip for ip in own if contains(ranges, ip))
        if any(isinstance(one, OwnMatch) and not one.negated for one in translation.rule.matches):
            return
        yield from (ip for ip in self._given if ip is not None and contains(ranges, ip))
        if self._cuts is not None:
            yield from (one.first for one in self._cuts.addresses(ranges))


def _translations(network: Network) -> Iterator[_Translation]:
    for machine in network.machines.values():
        for rule in machine.firewall.rules:
            if rule.unread is not None and any(word in rule.text.split() for word in _TRANSLATIONS):
                yield _Translation(machine=machine, rule=rule, statement=None)
            for statement in rule.statements:
                if statement.kind in _TRANSLATIONS:
                    yield _Translation(machine=machine, rule=rule, statement=statement)
