"""WireGuard handshakes: whether the UDP packets that carry a tunnel arrive, and their answers.

A peer sends to the endpoint that it is told, or to where the other's packets come from. Which end begins does not
matter to one that is told an endpoint; one that is not has to wait until the other has something to send, or sends to
keep the way open (PersistentKeepalive). What a router lets through is all the same to both: UDP, between two ports.
"""

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from netwright.verify.network_model.fib import LOOPBACK
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import Crossing, End, PlaceKind, Stopped, Way
from netwright.verify.values.addresses import NO_ADDRESS, AddressNumber, parse_ip
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import EPHEMERAL, UDP, Packet


class Sender(Protocol):
    """A walker, as far as it is needed here."""

    def send(self, packet: Packet, kind: PlaceKind, machine: Machine, way: Way) -> End:
        """Return where a packet ends."""


class Handshake(Struct, frozen=True, kw_only=True):
    """The handshake that a machine begins: its fault, None if there is none, and what its packets cross, there and
    back."""

    fault: End | None
    there: tuple[Crossing, ...] = ()
    back: tuple[Crossing, ...] = ()
    told: bool = True
    """Whether the machine knows where the other is."""


class TunnelEnds(Struct, frozen=True, kw_only=True):
    """The machine that begins and the other, each with the interface of the tunnel."""

    machine: Machine
    interface: str
    other: Machine
    port: str


class TunnelProbe(Struct, frozen=True, kw_only=True):
    """Tries tunnels between machines; `memory` keeps the results, `walker` makes one for what carries a tunnel."""

    network: Network
    memory: Any
    walker: Callable[[TunnelEnds], Sender]

    def carry(
        self, ends: TunnelEnds, packet: Packet, way: Way, *, opened: bool, unwanted: bool
    ) -> tuple[Crossing, ...]:
        """Return what carries a packet from a machine to another; `opened` if the other has sent before. Raises
        Stopped."""
        machine, interface, other, port = ends.machine, ends.interface, ends.other, ends.port
        own = self._handshake(ends, packet, unwanted=unwanted)
        if own.fault is None:
            return own.there
        turned = TunnelEnds(machine=other, interface=port, other=machine, port=interface)
        theirs = self._handshake(turned, packet, unwanted=unwanted)
        peer = other.tunnels[port].peer_with(machine.tunnels[interface].key) if port in other.tunnels else None
        if theirs.fault is None and peer is not None and (peer.keepalive is not None or opened):
            return theirs.back
        fault = theirs.fault if theirs.fault is not None and theirs.told and not own.told else own.fault
        if theirs.fault is not None and theirs.fault.outcome is Outcome.UNKNOWN:
            fault = theirs.fault
        cause, origin = fault.cause, fault.origin
        if theirs.fault is None and not own.told:
            cause = f"{cause}, and {other.name} does not keep the way open (PersistentKeepalive)"
            origin = peer.origin if peer is not None else origin
        way.note(machine, lambda: cause, origin)
        raise Stopped(End(outcome=fault.outcome, machine=fault.machine, packet=packet, cause=cause, origin=origin))

    def _handshake(self, ends: TunnelEnds, packet: Packet, *, unwanted: bool) -> Handshake:
        key = (ends.machine.name, ends.interface, ends.other.name, unwanted)
        found: Handshake = self.memory.keep(self.memory.handshakes, key, lambda: self._try(ends, packet))
        return found

    def _try(self, ends: TunnelEnds, packet: Packet) -> Handshake:
        machine, other = ends.machine, ends.other
        own, theirs = machine.tunnels.get(ends.interface), other.tunnels.get(ends.port)
        if own is None or theirs is None:
            at = machine if own is None else other
            return _failed(at, packet, f"no file makes the tunnel of {at.name}", None)
        peer, known = own.peer_with(theirs.key), theirs.peer_with(own.key)
        if peer is None or known is None:
            at, tunnel, name = (machine, own, other.name) if peer is None else (other, theirs, machine.name)
            return _failed(at, packet, f"has no peer with the key of {name}", tunnel.origin)
        if peer.endpoint is None:
            return _failed(machine, packet, f"is not told where {other.name} is (Endpoint)", peer.origin, told=False)
        host, _, number = peer.endpoint.value.rpartition(":")
        ip, origin = parse_ip(host), peer.endpoint.origin
        if ip is None or ip not in self.network.owners:
            if peer.endpoint.value != theirs.endpoint:
                cause = f"the endpoint {peer.endpoint.value} of {other.name} is not in the topology"
                return _failed(machine, packet, cause, origin)
            return self._try_outside(ends, packet, ip, int(number), origin)
        return self._try_known(ends, packet, ip, int(number), origin)

    def _try_known(self, ends: TunnelEnds, packet: Packet, ip: AddressNumber, number: int, origin: Origin) -> Handshake:
        machine, other = ends.machine, ends.other
        walker, there, back = self.walker(ends), Way(), Way()
        listens = other.tunnels[ends.port].port
        outer = self._outer(ends, ip, number)
        end = self._send(walker, outer, machine, there)
        if end.outcome is not Outcome.ACCEPTED:
            cause = f"the WireGuard packets to {other.name} do not get there: {end.cause}"
            return Handshake(fault=_end(end.outcome, end.machine, packet, cause, end.origin or origin))
        if end.machine is not other or end.place != "machine":
            cause = f"the endpoint of {other.name} leads to {end.machine.name}"
            return _failed(machine, packet, cause, origin)
        if end.packet.dport != listens:
            cause = f"{other.name} listens on UDP port {listens or 'any'}, and packets come to {end.packet.dport}"
            return _failed(other, packet, cause, origin)
        answer = Packet(UDP, end.packet.destination, end.packet.dport, end.packet.source, end.packet.sport)
        end = self._send(walker, answer, other, back)
        if end.outcome is not Outcome.ACCEPTED or end.machine is not machine:
            cause = f"WireGuard's answers to {machine.name} do not get there: {end.cause or end.machine.name}"
            outcome = end.outcome if end.outcome is not Outcome.ACCEPTED else Outcome.NO_HANDSHAKE
            return Handshake(fault=_end(outcome, end.machine, packet, cause, end.origin))
        return Handshake(fault=None, there=tuple(there.crossings), back=tuple(back.crossings))

    def _send(self, walker: Sender, packet: Packet, machine: Machine, way: Way) -> End:
        """Return where a packet ends; what leaves for the internet comes in again where its address is."""
        end = walker.send(packet, "machine", machine, way)
        owner = self.network.owners.get(end.packet.destination)
        if not end.leaves or owner is None or owner.exit is None or not owner.is_known_outside(end.packet.destination):
            return end
        return walker.send(end.packet, "outside", owner, way)

    def _try_outside(
        self, ends: TunnelEnds, packet: Packet, ip: AddressNumber | None, number: int, origin: Origin
    ) -> Handshake:
        """An endpoint that only the topology knows: packets have to leave for the internet, and to be let in by the
        other where that leads there; what is between is taken for granted."""
        machine, other = ends.machine, ends.other
        walker, there = self.walker(ends), Way()
        outside = self.network.outside()
        foreign = ip if ip is not None else AddressNumber(outside[0][0]) if outside else NO_ADDRESS
        outer = self._outer(ends, foreign, number)
        end = walker.send(outer, "machine", machine, there)
        if end.outcome is not Outcome.ACCEPTED and not end.leaves:
            cause = f"the WireGuard packets to {other.name} do not leave: {end.cause}"
            return Handshake(fault=_end(end.outcome, end.machine, packet, cause, end.origin or origin))
        if other.exit is not None:
            inner = other.address_for(other.exit.interface or "", NO_ADDRESS) or NO_ADDRESS
            listens = other.tunnels[ends.port].port or 0
            arriving = Packet(UDP, AddressNumber(outside[-1][1]), EPHEMERAL, inner, listens)
            end = walker.send(arriving, "outside", other, Way())
            if end.outcome is not Outcome.ACCEPTED:
                cause = f"{other.name} does not take WireGuard's packets from outside: {end.cause}"
                return Handshake(fault=_end(end.outcome, end.machine, packet, cause, end.origin))
        return Handshake(fault=None, there=tuple(there.crossings))

    def _outer(self, ends: TunnelEnds, ip: AddressNumber, dport: int) -> Packet:
        """The packet that carries a tunnel's, from the address that the kernel takes towards its destination."""
        machine, source = ends.machine, None
        hop = machine.fib.find(ip, NO_ADDRESS, LOOPBACK)
        if hop is not None:
            key = (machine.name, hop.origin, hop.prefix, NO_ADDRESS, ip)
            way = hop.ways[self.memory.choices.make(key, len(hop.ways))] if hop.ways else hop
            source = way.source or machine.address_for(way.interface or "", way.gateway or ip)
        sport = machine.tunnels[ends.interface].port or EPHEMERAL
        return Packet(UDP, AddressNumber(source or NO_ADDRESS), sport, ip, dport)


def _failed(machine: Machine, packet: Packet, cause: str, origin: Origin | None, *, told: bool = True) -> Handshake:
    return Handshake(fault=_end(Outcome.NO_HANDSHAKE, machine, packet, cause, origin), told=told)


def _end(outcome: Outcome, machine: Machine, packet: Packet, cause: str, origin: Origin | None) -> End:
    return End(outcome=outcome, machine=machine, packet=packet, cause=cause, origin=origin)
