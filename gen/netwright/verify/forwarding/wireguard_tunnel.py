"""WireGuard's tunnels: cryptokey routing at both ends, and the packets between them."""

from collections.abc import Callable

from msgspec import Struct

from netwright.verify.forwarding.endings import stop_at_fault, stop_at_unknown
from netwright.verify.forwarding.frame import Frame
from netwright.verify.forwarding.handshakes import Sender, TunnelEnds, TunnelProbe
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.fib import Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import Crossing, End, Stopped, Way
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import Packet


class WireguardTunnel(Struct, frozen=True, kw_only=True):
    """Carries packets through tunnels; `walker` makes one for the outer packets.

    `opened` are the directions in which something has gone through, `inside` the ends whose outer packets these are.
    """

    network: Network
    memory: Memory
    unwanted: bool
    walker: Callable[[TunnelEnds], Sender]
    opened: set[tuple[str, str]]
    inside: frozenset[tuple[str, str]]

    def carry(self, machine: Machine, interface: str, hop: Hop, packet: Packet, way: Way) -> Frame:
        """WireGuard: the packet in the tunnel to the peer that has its destination, whatever the next hop is. It is
        taken out there if its source belongs to the machine. Raises Stopped."""
        tunnel = machine.tunnels[interface]
        if (machine.name, interface) in self.inside:
            cause = f"what {interface} sends to its peers would go by {interface} itself"
            raise Stopped(End(outcome=Outcome.LOOP, machine=machine, packet=packet, cause=cause, origin=hop.origin))
        peer = tunnel.peer_for(packet.destination)
        end = self.network.ends.get(peer.key.value) if peer is not None and peer.key is not None else None
        if peer is None or end is None:
            cause = f"no peer on {interface} has {format_ip(packet.destination)} among its addresses (AllowedIPs)"
            way.note(machine, lambda: cause, tunnel.origin)
            no_peer = Outcome.NO_PEER
            raise Stopped(End(outcome=no_peer, machine=machine, packet=packet, cause=cause, origin=tunnel.origin))
        other = self.network.machines[end[0]]
        stop_at_unknown(other, packet)
        stop_at_fault(other, packet, (end[1],), way)
        probe = TunnelProbe(network=self.network, memory=self.memory, walker=self.walker)
        opened = (other.name, machine.name) in self.opened
        ends = TunnelEnds(machine=machine, interface=interface, other=other, port=end[1])
        outer = probe.carry(ends, packet, way, opened=opened, unwanted=self.unwanted)
        back = other.tunnels[end[1]].peer_for(packet.source)
        if back is None or back.key is None or back.key.value != tunnel.key:
            known = other.tunnels[end[1]].peer_with(tunnel.key)
            origin = known.origin if known is not None else other.tunnels[end[1]].origin
            cause = f"its peer on {end[1]} does not have {format_ip(packet.source)} among its addresses (AllowedIPs)"
            way.note(other, lambda: cause, origin)
            refused = Outcome.SOURCE_NOT_ALLOWED
            raise Stopped(End(outcome=refused, machine=other, packet=packet, cause=cause, origin=origin))
        self.opened.add((machine.name, other.name))
        way.note(machine, lambda: f"hands it to {other.name} by WireGuard", peer.origin)
        way.crossings.append(Crossing(machine, hop, packet, other, end[1], outer))
        return Frame(packet=packet, machine=other, interface=end[1])
