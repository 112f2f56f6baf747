"""flannel's tunnels, by VXLAN or WireGuard: a packet of a pod inside one from node to node."""

from collections.abc import Callable

from msgspec import Struct

from netwright.verify.forwarding.endings import stop_at_unknown
from netwright.verify.forwarding.frame import Frame
from netwright.verify.forwarding.handshakes import Sender
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.assumed import FLANNEL_WIREGUARD
from netwright.verify.network_model.fib import Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import Crossing, End, Stopped, Way
from netwright.verify.values.addresses import NO_ADDRESS, format_ip
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import EPHEMERAL, UDP, Packet

VXLAN_PORT, FLANNEL_WIREGUARD_PORT = 8472, 51820


class FlannelTunnel(Struct, frozen=True, kw_only=True):
    """Carries packets through tunnels; `memory` keeps whether they work, `walker` makes one for the outer packets."""

    network: Network
    memory: Memory
    unwanted: bool
    walker: Callable[[], Sender]

    def carry(self, machine: Machine, hop: Hop, packet: Packet, way: Way) -> Frame:
        """flannel's tunnel: the packet inside a UDP packet from node to node. Raises Stopped."""
        encrypted, owner = hop.interface == FLANNEL_WIREGUARD, hop.owner
        if owner is None:
            cause = f"no peer on {hop.interface} has {format_ip(packet.destination)} among its addresses"
            way.note(machine, lambda: cause, hop.origin)
            no_peer = Outcome.NO_PEER
            raise Stopped(End(outcome=no_peer, machine=machine, packet=packet, cause=cause, origin=hop.origin))
        tunnel = f"the {'WireGuard' if encrypted else 'VXLAN'} tunnel to {owner}"
        key = (machine.name, owner, self.unwanted)
        there = self.network.machines[owner]
        outer, end, crossings = self.memory.keep(
            self.memory.tunnels, key, lambda: self._probe(machine, there, packet, encrypted=encrypted)
        )
        if end.outcome is not Outcome.ACCEPTED:
            cause = f"{tunnel} does not get there: {end.cause}"
            way.note(machine, lambda: cause, end.origin)
            raise Stopped(End(outcome=end.outcome, machine=end.machine, packet=packet, cause=cause, origin=end.origin))
        if end.machine.name != owner:
            cause = f"{tunnel} ends at another node that has its address too"
            raise Stopped(End(outcome=Outcome.UNKNOWN, machine=end.machine, packet=packet, cause=cause))
        if end.packet != outer:
            # NAT takes a checksum that is left to a card for the outer packet's; it is the inner one's. Such tunnels
            # lose UDP, but not pings, as seen with Linux 6.18; others tell of TCP as well (flannel issue 1279).
            spoilt = "and where its answers go is not known" if encrypted else "which spoils checksums"
            cause = f"{tunnel} is translated on its way, {spoilt}"
            raise Stopped(End(outcome=Outcome.UNKNOWN, machine=end.machine, packet=packet, cause=cause))
        if encrypted and not any(packet.source in pods for pods in machine.pods):
            cause = f"its peer on {hop.interface} takes what comes from {machine.name}'s pods only"
            way.note(end.machine, lambda: cause)
            refused = Outcome.SOURCE_NOT_ALLOWED
            raise Stopped(End(outcome=refused, machine=end.machine, packet=packet, cause=cause))
        by = "WireGuard" if encrypted else "VXLAN"
        way.note(machine, lambda: f"hands it to {owner}, which owns the pod network, by {by}")
        device = hop.interface or ""
        way.crossings.append(Crossing(machine, hop, packet, end.machine, device, crossings))
        return Frame(packet=packet, machine=self.network.machines[owner], interface=device)

    def _probe(
        self, machine: Machine, owner: Machine, packet: Packet, *, encrypted: bool
    ) -> tuple[Packet, End, tuple[Crossing, ...]]:
        """The outer packet, where it ends, and what it crosses."""
        ends = []
        for node in (machine, owner):
            interface = next(pod.interface for pod in self.network.pod_networks if pod.node == node.name)
            addresses = node.addresses.get(interface, ())
            if not addresses:
                stop_at_unknown(node, packet)
            ends.append(addresses[0].ip if addresses else NO_ADDRESS)
        ports = (FLANNEL_WIREGUARD_PORT, FLANNEL_WIREGUARD_PORT) if encrypted else (EPHEMERAL, VXLAN_PORT)
        outer = Packet(protocol=UDP, source=ends[0], sport=ports[0], destination=ends[1], dport=ports[1])
        way = Way()
        end = self.walker().send(outer, "machine", machine, way)
        return outer, end, tuple(way.crossings)
