"""The kernel's routing decision for a packet that comes in, or that the machine sends itself."""

from msgspec import Struct

from netwright.verify.forwarding.choices import MOST_COMBINATIONS, TooManyWays
from netwright.verify.forwarding.endings import source_refused, stop_at_fault, stop_at_partial_way_back, usable
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.rpf_and_arp import passes_reverse_path
from netwright.verify.network_model.fib import LOOPBACK, Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.trace import End, Stopped, Way
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import Packet


class Decisions(Struct, frozen=True, kw_only=True):
    """Decisions of machines; `memory` has whose turn it is of several next hops. With `assume_forwarding` a machine
    forwards on which a program may have turned that on."""

    memory: Memory
    assume_forwarding: bool

    def route(self, machine: Machine, incoming: str, packet: Packet, way: Way) -> Hop:
        """The routing decision for a packet from outside. Raises Stopped."""
        found = machine.fib.find(packet.destination, packet.source, incoming)
        forwards = machine.parameters.value(incoming, "forwarding")
        if (found is None or found.kind != "local") and not forwards:
            origin = machine.parameters.origin(incoming, "forwarding")
            cause = f"does not forward what comes in by {incoming}"
            if not self.assume_forwarding or machine.forwarder is None:
                way.note(machine, lambda: cause, origin)
                raise Stopped(
                    End(outcome=Outcome.FORWARDING_OFF, machine=machine, packet=packet, cause=cause, origin=origin)
                )
            way.note(machine, lambda: f"{cause}, until {machine.forwarder} turns that on", origin)
        hop = self._choose(usable(found, machine, packet, way), machine, packet, way)
        if machine.faults:
            self.stop_at_faults(machine, incoming, hop, packet, way)
        outgoing = None if hop.kind == "local" else hop.interface
        stop_at_partial_way_back(machine, incoming, packet, outgoing, way)
        if not passes_reverse_path(machine, incoming, packet.source, packet.destination, outgoing):
            raise Stopped(source_refused(machine, incoming, packet, way))
        return hop

    def stop_at_faults(self, machine: Machine, incoming: str | None, hop: Hop, packet: Packet, way: Way) -> None:
        """Goes on only where neither the hop, nor the address that it is for, nor the way back to the source is on a
        device that is not as it should be: its routes and addresses are not there either. Raises Stopped."""
        back = machine.fib.find(packet.source, packet.destination, LOOPBACK)
        back_by = [one.interface for one in back.every] if back is not None else []
        stop_at_fault(machine, packet, (incoming, hop.interface, *back_by), way)

    def find_own(self, machine: Machine, packet: Packet, way: Way) -> Hop:
        """The hop of a packet that the machine itself sends. Raises Stopped."""
        found = machine.fib.find(packet.destination, packet.source, LOOPBACK)
        return self._choose(usable(found, machine, packet, way), machine, packet, way)

    def _choose(self, hop: Hop, machine: Machine, packet: Packet, way: Way) -> Hop:
        """The next hop that the kernel takes of several: the one whose turn it is to be tried. Raises Stopped."""
        if not hop.ways:
            return hop
        try:
            key = (machine.name, hop.origin, hop.prefix, packet.source, packet.destination)
            return hop.ways[self.memory.choices.make(key, len(hop.ways))]
        except TooManyWays:
            cause = f"its packets have more than {MOST_COMBINATIONS} ways by the next hops of routes"
            way.note(machine, lambda: cause, hop.origin)
            unknown = Outcome.UNKNOWN
            raise Stopped(
                End(outcome=unknown, machine=machine, packet=packet, cause=cause, origin=hop.origin)
            ) from None
