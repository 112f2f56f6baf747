"""The wire between machines: who answers ARP on a segment, and a bridge whose host lets its ip rules see packets."""

from msgspec import Struct

from netwright.verify.forwarding.endings import stop_at_fault, stop_at_unknown
from netwright.verify.forwarding.frame import Frame, Port
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.rpf_and_arp import responders, sender_of
from netwright.verify.network_model.fib import Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import Crossing, End, Stopped, Way
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import Packet


class Wire(Struct, frozen=True, kw_only=True):
    """Segments of a network; `memory` has who answers ARP there."""

    network: Network
    memory: Memory

    def transmit(self, machine: Machine, hop: Hop, packet: Packet, way: Way) -> Frame:
        """The packet before the next hop, or before the bridge between. Raises Stopped."""
        interface, target = hop.interface or "", hop.gateway or packet.destination
        receiver, port = self.next_port(machine, interface, target, packet, way)
        here = (machine, interface)
        way.crossings.append(Crossing(machine, hop, packet, receiver, port))
        bridge = self.network.segments[machine.name, interface].bridge
        if bridge is not None and bridge[0].bridge_nf and bridge[0] not in (machine, receiver):
            host, inside = bridge
            return Frame(packet=packet, machine=host, interface=inside, sent_by=here, bound_for=(receiver, port))
        return Frame(packet=packet, machine=receiver, interface=port, sent_by=here)

    def next_port(self, machine: Machine, interface: str, target: int, packet: Packet, way: Way) -> Port:
        """The next hop's machine and interface, found by ARP on the interface's segment. Raises Stopped."""
        segment = self.network.segments.get((machine.name, interface))
        if segment is None:
            is_known = self.network.describes(machine, interface)
            cause = f"{interface} is on no segment" if is_known else f"{interface} is not in the topology"
            outcome = Outcome.ARP_UNANSWERED if is_known else Outcome.UNKNOWN
            way.note(machine, lambda: cause)
            raise Stopped(End(outcome=outcome, machine=machine, packet=packet, cause=cause))
        sender = sender_of(machine, interface, packet.source, target)
        key = (machine.name, interface, target, sender or 0)
        found = self.memory.answers.get(key)
        if found is None:
            found = self.memory.answers[key] = responders(segment, machine, interface, target, sender or 0)
        if not found:
            for other, _ in (*segment.owners(target), *segment.proxies):
                # It may be silent only for a route that is not there.
                stop_at_fault(other, packet, other.faults, way)
            if segment.unread:
                other = segment.unread[0]
                way.note(
                    machine, lambda: f"asks on segment {segment.name} for {format_ip(target)}, maybe {other.name}'s"
                )
                stop_at_unknown(other, packet)
            asked = format_ip(target)
            cause = f"no machine on segment {segment.name} answers ARP for {asked}"
            way.note(machine, lambda: cause)
            unanswered = Outcome.ARP_UNANSWERED
            raise Stopped(End(outcome=unanswered, machine=machine, packet=packet, cause=cause, target=asked))
        if len(found) > 1:
            names = " and ".join(f"{other.name} ({port})" for other, port in found)
            cause = f"{names} answer ARP for {format_ip(target)}: either may get the packet"
            way.note(machine, lambda: cause)
            raise Stopped(End(outcome=Outcome.UNKNOWN, machine=machine, packet=packet, cause=cause))
        return found[0]

    def filters_bridge(self, machine: Machine, interface: str) -> bool:
        """Return whether the interface is a segment's bridge whose packets pass the machine's ip rules."""
        segment = self.network.segments.get((machine.name, interface))
        return machine.bridge_nf and segment is not None and segment.bridge == (machine, interface)
