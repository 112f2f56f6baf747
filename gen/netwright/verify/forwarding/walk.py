"""A packet from machine to machine: the order of decisions of the kernel's IPv4 path, verdict included."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

from msgspec import Struct

from netwright.verify.forwarding.choices import MOST_COMBINATIONS, Choices, TooManyWays
from netwright.verify.forwarding.endings import (
    accepted,
    refused_too_late,
    source_refused,
    stop_at_fault,
    stop_at_partial_way_back,
    stop_at_unknown,
    usable,
)
from netwright.verify.forwarding.handshakes import Handshake, TunnelEnds, TunnelProbe
from netwright.verify.forwarding.hooks import close_hooks, middle_hook, open_hooks
from netwright.verify.forwarding.redirects import note_redirect
from netwright.verify.forwarding.rpf_and_arp import passes_reverse_path, responders, sender_of
from netwright.verify.network_model.assumed import FLANNEL_WIREGUARD, INTERNET, OVERLAYS, PODS
from netwright.verify.network_model.chains import Passage
from netwright.verify.network_model.fib import LOOPBACK, Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network, Place
from netwright.verify.network_model.trace import Crossing, End, Offer, PlaceKind, Stopped, Way
from netwright.verify.values.addresses import NO_ADDRESS, format_ip
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import EPHEMERAL, UDP, Packet, Tracked, Tracker

VXLAN_PORT, FLANNEL_WIREGUARD_PORT = 8472, 51820
_DEVICES = frozenset(OVERLAYS.values())

_Port = tuple[Machine, str]
_Key = TypeVar("_Key", bound=Hashable)
_Kept = TypeVar("_Kept")


class _Frame(Struct, frozen=True, kw_only=True):
    """A packet on its way into a machine by an interface.

    `sent_by` is the port of the segment that sent it, None if it did not come by a segment. `bound_for` is set where
    the machine is only the segment's bridge: the port whose hardware address the packet carries.
    """

    packet: Packet
    machine: Machine
    interface: str
    sent_by: _Port | None = None
    bound_for: _Port | None = None


class Memory:
    """Results that don't change from packet to packet: who answers ARP, whether tunnels between nodes work, if a sender
    is told that its packets are too large, and the last conversations, which many flows may ask about."""

    def __init__(self, choices: Choices | None = None) -> None:
        """Knows nothing yet; takes the next hops whose turn it is elsewhere."""
        self.answers: dict[tuple[str, str, int, int], tuple[tuple[Machine, str], ...]] = {}
        self.handshakes: dict[tuple[str, str, str, bool], Handshake] = {}
        self.tunnels: dict[tuple[str, str, bool], tuple[Packet, End, tuple[Crossing, ...]]] = {}
        self.told: dict[tuple[str, int], End] = {}
        self.sizes_alike: bool | None = None
        self.conversations: dict[Hashable, Any] = {}
        self.choices = Choices() if choices is None else choices

    def keep(self, kept: dict[_Key, _Kept], key: _Key, make: Callable[[], _Kept]) -> _Kept:
        """Return what is kept, or make it; it is kept unless it hangs on a choice among next hops."""
        if key in kept:
            return kept[key]
        asked = self.choices.asked
        made = make()
        if self.choices.asked == asked:
            kept[key] = made
        return made

    def try_every(self, run: Callable[[], _Kept]) -> Iterator[_Kept]:
        """Yield the results of what packets do, with each combination of next hops that they may take."""
        script: tuple[int, ...] | None = ()
        while script is not None:
            self.choices = choices = Choices(script)
            yield run()
            script = None if choices.are_too_many else choices.following()


class Walker:
    """Packets of one conversation; every machine remembers its connections from one packet to the next.

    A careful one lets machines forward on which a program may have turned forwarding on. For `unwanted` packets,
    which must not arrive, optional chains refuse nothing. `track` makes the connection tracking of a machine.
    """

    def __init__(
        self,
        network: Network,
        memory: Memory,
        *,
        assume_forwarding: bool = False,
        unwanted: bool = False,
        track: Callable[[Machine], Tracker] = lambda machine: Tracker(loose=machine.parameters.tcp_loose),
        inside: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        """Starts with no connection anywhere."""
        self._track = track
        self._network = network
        self._memory = memory
        self._wary = assume_forwarding
        self._unwanted = unwanted
        self._trackers: dict[str, Tracker] = {}
        self._met: set[str] = set()
        self._opened: set[tuple[str, str]] = set()
        self._inside = inside

    def restart(self) -> "Walker":
        """One of the same kind that has sent nothing yet."""
        return Walker(
            self._network, self._memory, assume_forwarding=self._wary, unwanted=self._unwanted, track=self._track
        )

    def machine(self, name: str) -> Machine:
        """The machine of that name."""
        return self._network.machines[name]

    def entrances(self, place: Place) -> tuple[Machine, ...]:
        """The machines at which a packet from a place may begin."""
        return self._network.entrances(place)

    def send(self, packet: Packet, kind: PlaceKind, machine: Machine, way: Way) -> End:
        """Return where a packet ends that a machine, a pod on it or the internet behind it sends."""
        try:
            if kind == "pod":
                self._ask_gateway(packet, machine, way)
                frame: _Frame | End = _Frame(packet=packet, machine=machine, interface=PODS)
            elif kind == "outside":
                frame = _Frame(packet=packet, machine=machine, interface=_uplink(machine))
            else:
                frame = self._originate(packet, machine, way)
            while isinstance(frame, _Frame):
                frame = self._receive(frame, way)
        except Stopped as stopped:
            return stopped.end
        return frame

    def _tracker(self, machine: Machine) -> Tracker:
        tracker = self._trackers.get(machine.name)
        if tracker is None:
            tracker = self._trackers[machine.name] = self._track(machine)
        return tracker

    def _ask_gateway(self, packet: Packet, machine: Machine, way: Way) -> None:
        """A pod asks for its node by ARP, unless the node has asked for the pod before. Raises Stopped."""
        stop_at_unknown(machine, packet)
        gateway = machine.pods[0].first + 1
        if machine.name not in self._met and not passes_reverse_path(machine, PODS, packet.source, gateway, None):
            raise Stopped(source_refused(machine, PODS, packet, way))

    def _originate(self, packet: Packet, machine: Machine, way: Way) -> _Frame | End:
        stop_at_unknown(machine, packet)
        hop = self._find_own(machine, packet, way)
        if machine.faults:
            self._stop_at_faults(machine, None, hop, packet, way)
        if hop.kind == "local":
            return accepted(machine, packet, "machine", way)
        passage = Passage(
            packet=packet, incoming=None, outgoing=hop.interface, state="invalid", unwanted=self._unwanted
        )
        tracker = self._tracker(machine)
        sent, tracked = open_hooks(machine, tracker, "output", passage, way)
        if sent.destination != packet.destination:
            hop = self._find_own(machine, sent, way)
            if machine.faults:
                self._stop_at_faults(machine, None, hop, sent, way)
            if hop.kind == "local":
                cause = "a rule sends it back to the machine itself, whose way through lo is not known"
                raise Stopped(End(outcome=Outcome.UNKNOWN, machine=machine, packet=sent, cause=cause))
        way.note(machine, lambda: f"sends {packet} by {hop}", hop.origin)
        return self._leave(machine, hop, passage, tracked, way)

    def _find_own(self, machine: Machine, packet: Packet, way: Way) -> Hop:
        """The hop of a packet that the machine itself sends. Raises Stopped."""
        found = machine.fib.find(packet.destination, packet.source, LOOPBACK)
        return self._choose(usable(found, machine, packet, way), machine, packet, way)

    def _choose(self, hop: Hop, machine: Machine, packet: Packet, way: Way) -> Hop:
        """The next hop that the kernel takes of several: the one whose turn it is to be tried. Raises Stopped."""
        if not hop.ways:
            return hop
        try:
            key = (machine.name, hop.origin, hop.prefix, packet.source, packet.destination)
            return hop.ways[self._memory.choices.make(key, len(hop.ways))]
        except TooManyWays:
            cause = f"its packets have more than {MOST_COMBINATIONS} ways by the next hops of routes"
            way.note(machine, lambda: cause, hop.origin)
            unknown = Outcome.UNKNOWN
            raise Stopped(
                End(outcome=unknown, machine=machine, packet=packet, cause=cause, origin=hop.origin)
            ) from None

    def _receive(self, frame: _Frame, way: Way) -> _Frame | End:
        """One machine's part: from the wire through all its hooks to the next wire, or to the end."""
        packet, machine, incoming = frame.packet, frame.machine, frame.interface
        stop_at_unknown(machine, packet)
        if frame.bound_for is None:
            _stop_in_circles(frame, way)
        passage = Passage(packet=packet, incoming=incoming, outgoing=None, state="invalid", unwanted=self._unwanted)
        packet, tracked = open_hooks(machine, self._tracker(machine), "prerouting", passage, way)
        rewritten = packet.destination != frame.packet.destination
        if frame.bound_for is not None and not rewritten:
            return self._bridge(frame, frame.bound_for, passage, tracked, way)
        hop = self._route(machine, incoming, packet, way)
        if hop.kind == "local":
            return self._take_in(machine, passage, tracked, way)
        if rewritten and hop.interface == incoming and self._filters_bridge(machine, incoming):
            port = self._next_port(machine, incoming, hop.gateway or packet.destination, packet, way)
            return self._bridge(frame, port, passage, tracked, way)
        way.ttl -= 1
        if way.ttl <= 0:
            raise Stopped(End(outcome=Outcome.LOOP, machine=machine, packet=packet, cause="its time to live ends"))
        if (
            hop.interface == incoming
            and incoming not in machine.tunnels
            and machine.parameters.either(incoming, "send_redirects")
        ):
            way.redirects.append(machine.name)
            note_redirect(machine, (incoming, frame.sent_by), (frame.packet, packet), hop, way)
        if hop.interface in _DEVICES and incoming != PODS and incoming not in _DEVICES:
            way.misdirected.append(machine.name)
        way.note(machine, lambda: f"takes it in by {incoming} and sends it on by {hop}", hop.origin)
        passage.outgoing = hop.interface
        middle_hook(machine, "forward", passage, way)
        return self._leave(machine, hop, passage, tracked, way)

    def resend(self, offer: Offer, way: Way) -> End:
        """Return where the packet ends that a machine sends, or passes on, once it has obeyed a redirect."""
        try:
            way.note(offer.sender, lambda: f"sends it again by {offer.hop}", offer.hop.origin)
            frame: _Frame | End = self._transmit(offer.sender, offer.hop, offer.packet, way)
            while isinstance(frame, _Frame):
                frame = self._receive(frame, way)
        except Stopped as stopped:
            return stopped.end
        return frame

    def _route(self, machine: Machine, incoming: str, packet: Packet, way: Way) -> Hop:
        """The routing decision for a packet from outside. Raises Stopped."""
        found = machine.fib.find(packet.destination, packet.source, incoming)
        forwards = machine.parameters.value(incoming, "forwarding")
        if (found is None or found.kind != "local") and not forwards:
            origin = machine.parameters.origin(incoming, "forwarding")
            cause = f"does not forward what comes in by {incoming}"
            if not self._wary or machine.forwarder is None:
                way.note(machine, lambda: cause, origin)
                raise Stopped(
                    End(outcome=Outcome.FORWARDING_OFF, machine=machine, packet=packet, cause=cause, origin=origin)
                )
            way.note(machine, lambda: f"{cause}, until {machine.forwarder} turns that on", origin)
        hop = self._choose(usable(found, machine, packet, way), machine, packet, way)
        if machine.faults:
            self._stop_at_faults(machine, incoming, hop, packet, way)
        outgoing = None if hop.kind == "local" else hop.interface
        stop_at_partial_way_back(machine, incoming, packet, outgoing, way)
        if not passes_reverse_path(machine, incoming, packet.source, packet.destination, outgoing):
            raise Stopped(source_refused(machine, incoming, packet, way))
        return hop

    def _stop_at_faults(self, machine: Machine, incoming: str | None, hop: Hop, packet: Packet, way: Way) -> None:
        """Goes on only where neither the hop, nor the address that it is for, nor the way back to the source is on a
        device that is not as it should be: its routes and addresses are not there either. Raises Stopped."""
        back = machine.fib.find(packet.source, packet.destination, LOOPBACK)
        back_by = [one.interface for one in back.every] if back is not None else []
        stop_at_fault(machine, packet, (incoming, hop.interface, *back_by), way)

    def _take_in(self, machine: Machine, passage: Passage, tracked: Tracked, way: Way) -> End:
        try:
            middle_hook(machine, "input", passage, way)
        except Stopped as stopped:
            if self._unwanted and self._network.is_for_services(machine, passage.packet):
                raise Stopped(refused_too_late(stopped.end, way)) from None
            raise
        packet = close_hooks(
            machine, self._tracker(machine), tracked, passage, way, point="input", address_for=lambda: None
        )
        return accepted(machine, packet, "machine", way)

    def _leave(self, machine: Machine, hop: Hop, passage: Passage, tracked: Tracked, way: Way) -> _Frame | End:
        """Postrouting, and the wire."""
        interface, target = hop.interface or "", hop.gateway or passage.packet.destination
        passage.outgoing = interface
        sent = close_hooks(
            machine,
            self._tracker(machine),
            tracked,
            passage,
            way,
            point="postrouting",
            address_for=lambda: machine.address_for(interface, target),
        )
        if machine.leads_out(hop):
            return self._lead_out(machine, hop, sent, way)
        if interface == PODS:
            self._met.add(machine.name)
            way.crossings.append(Crossing(machine, hop, sent))
            return accepted(machine, sent, "pod", way)
        if interface in _DEVICES:
            return self._tunnel(machine, hop, sent, way)
        if interface in machine.tunnels:
            return self._encrypt(machine, interface, hop, sent, way)
        return self._transmit(machine, hop, sent, way)

    def _lead_out(self, machine: Machine, hop: Hop, packet: Packet, way: Way) -> _Frame | End:
        """The packet on the internet, if it is for there. A known machine may be the next hop: it gets the rest."""
        place = self._network.place_of(packet.destination)
        if place is not None and place.kind == "outside":
            return accepted(machine, packet, "outside", way)
        if hop.gateway is not None and hop.gateway in self._network.owners:
            return self._transmit(machine, hop, packet, way)
        cause = "leaves for the internet"
        way.note(machine, lambda: cause)
        raise Stopped(End(outcome=Outcome.NO_ROUTE, machine=machine, packet=packet, cause=cause, leaves=True))

    def answer(self, packet: Packet, kind: PlaceKind, machine: Machine, way: Way) -> End:
        """Return where an answer ends; one from the internet returns only to addresses that are known there."""
        known = machine.is_known_outside(packet.destination) or machine.name in self._network.unmanaged
        if kind != "outside" or known:
            return self.send(packet, kind, machine, way)
        cause = "nothing on the way out translated the private source, and the internet knows no way back"
        way.note(machine, lambda: cause)
        return End(outcome=Outcome.NO_ROUTE, machine=machine, packet=packet, cause=cause)

    def _tunnel(self, machine: Machine, hop: Hop, packet: Packet, way: Way) -> _Frame:
        """flannel's tunnel: the packet inside a UDP packet from node to node. Raises Stopped."""
        encrypted, owner = hop.interface == FLANNEL_WIREGUARD, hop.owner
        if owner is None:
            cause = f"no peer on {hop.interface} has {format_ip(packet.destination)} among its addresses"
            way.note(machine, lambda: cause, hop.origin)
            no_peer = Outcome.NO_PEER
            raise Stopped(End(outcome=no_peer, machine=machine, packet=packet, cause=cause, origin=hop.origin))
        tunnel = f"the {'WireGuard' if encrypted else 'VXLAN'} tunnel to {owner}"
        key = (machine.name, owner, self._unwanted)
        there = self._network.machines[owner]
        outer, end, crossings = self._memory.keep(
            self._memory.tunnels, key, lambda: self._probe_tunnel(machine, there, packet, encrypted=encrypted)
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
        return _Frame(packet=packet, machine=self._network.machines[owner], interface=device)

    def _probe_tunnel(
        self, machine: Machine, owner: Machine, packet: Packet, *, encrypted: bool
    ) -> tuple[Packet, End, tuple[Crossing, ...]]:
        """The outer packet, where it ends, and what it crosses."""
        ends = []
        for node in (machine, owner):
            interface = next(pod.interface for pod in self._network.pod_networks if pod.node == node.name)
            addresses = node.addresses.get(interface, ())
            if not addresses:
                stop_at_unknown(node, packet)
            ends.append(addresses[0].ip if addresses else NO_ADDRESS)
        ports = (FLANNEL_WIREGUARD_PORT, FLANNEL_WIREGUARD_PORT) if encrypted else (EPHEMERAL, VXLAN_PORT)
        outer = Packet(protocol=UDP, source=ends[0], sport=ports[0], destination=ends[1], dport=ports[1])
        way = Way()
        walker = Walker(self._network, self._memory, assume_forwarding=self._wary, unwanted=self._unwanted)
        end = walker.send(outer, "machine", machine, way)
        return outer, end, tuple(way.crossings)

    def _encrypt(self, machine: Machine, interface: str, hop: Hop, packet: Packet, way: Way) -> _Frame:
        """WireGuard: the packet in the tunnel to the peer that has its destination, whatever the next hop is. It is
        taken out there if its source belongs to the machine. Raises Stopped."""
        tunnel = machine.tunnels[interface]
        if (machine.name, interface) in self._inside:
            cause = f"what {interface} sends to its peers would go by {interface} itself"
            raise Stopped(End(outcome=Outcome.LOOP, machine=machine, packet=packet, cause=cause, origin=hop.origin))
        peer = tunnel.peer_for(packet.destination)
        end = self._network.ends.get(peer.key.value) if peer is not None and peer.key is not None else None
        if peer is None or end is None:
            cause = f"no peer on {interface} has {format_ip(packet.destination)} among its addresses (AllowedIPs)"
            way.note(machine, lambda: cause, tunnel.origin)
            no_peer = Outcome.NO_PEER
            raise Stopped(End(outcome=no_peer, machine=machine, packet=packet, cause=cause, origin=tunnel.origin))
        other = self._network.machines[end[0]]
        stop_at_unknown(other, packet)
        stop_at_fault(other, packet, (end[1],), way)
        probe = TunnelProbe(network=self._network, memory=self._memory, walker=self._outer_walker)
        opened = (other.name, machine.name) in self._opened
        ends = TunnelEnds(machine=machine, interface=interface, other=other, port=end[1])
        outer = probe.carry(ends, packet, way, opened=opened, unwanted=self._unwanted)
        back = other.tunnels[end[1]].peer_for(packet.source)
        if back is None or back.key is None or back.key.value != tunnel.key:
            known = other.tunnels[end[1]].peer_with(tunnel.key)
            origin = known.origin if known is not None else other.tunnels[end[1]].origin
            cause = f"its peer on {end[1]} does not have {format_ip(packet.source)} among its addresses (AllowedIPs)"
            way.note(other, lambda: cause, origin)
            refused = Outcome.SOURCE_NOT_ALLOWED
            raise Stopped(End(outcome=refused, machine=other, packet=packet, cause=cause, origin=origin))
        self._opened.add((machine.name, other.name))
        way.note(machine, lambda: f"hands it to {other.name} by WireGuard", peer.origin)
        way.crossings.append(Crossing(machine, hop, packet, other, end[1], outer))
        return _Frame(packet=packet, machine=other, interface=end[1])

    def _outer_walker(self, ends: TunnelEnds) -> "Walker":
        """One for what carries a tunnel, which must not go by that again."""
        return Walker(
            self._network,
            self._memory,
            assume_forwarding=self._wary,
            unwanted=self._unwanted,
            inside=self._inside | {(ends.machine.name, ends.interface), (ends.other.name, ends.port)},
        )

    def _transmit(self, machine: Machine, hop: Hop, packet: Packet, way: Way) -> _Frame:
        """The packet before the next hop, or before the bridge between. Raises Stopped."""
        interface, target = hop.interface or "", hop.gateway or packet.destination
        receiver, port = self._next_port(machine, interface, target, packet, way)
        here = (machine, interface)
        way.crossings.append(Crossing(machine, hop, packet, receiver, port))
        bridge = self._network.segments[machine.name, interface].bridge
        if bridge is not None and bridge[0].bridge_nf and bridge[0] not in (machine, receiver):
            host, inside = bridge
            return _Frame(packet=packet, machine=host, interface=inside, sent_by=here, bound_for=(receiver, port))
        return _Frame(packet=packet, machine=receiver, interface=port, sent_by=here)

    def _next_port(self, machine: Machine, interface: str, target: int, packet: Packet, way: Way) -> _Port:
        """The next hop's machine and interface, found by ARP on the interface's segment. Raises Stopped."""
        segment = self._network.segments.get((machine.name, interface))
        if segment is None:
            cause = f"{interface} is on no segment"
            raise Stopped(End(outcome=Outcome.ARP_UNANSWERED, machine=machine, packet=packet, cause=cause))
        sender = sender_of(machine, interface, packet.source, target)
        key = (machine.name, interface, target, sender or 0)
        found = self._memory.answers.get(key)
        if found is None:
            found = self._memory.answers[key] = responders(segment, machine, interface, target, sender or 0)
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

    def _filters_bridge(self, machine: Machine, interface: str) -> bool:
        """Return whether the interface is a segment's bridge whose packets pass the machine's ip rules."""
        segment = self._network.segments.get((machine.name, interface))
        return machine.bridge_nf and segment is not None and segment.bridge == (machine, interface)

    def _bridge(self, frame: _Frame, port: _Port, passage: Passage, tracked: Tracked, way: Way) -> _Frame:
        """The packet behind the bridge of a host whose bridge-nf-call-iptables lets ip rules see it. Raises Stopped.

        One for the host that a rule sends back to its own segment is bridged too, not routed (br_netfilter_hooks.c),
        and a bridge sends nothing out of the port by which it came.
        """
        host, interface = frame.machine, frame.interface
        if port == frame.sent_by:
            cause = f"the bridge {interface} sends nothing out of the port by which it came"
            way.note(host, lambda: f"turns {passage.packet} back to its sender: {cause}")
            raise Stopped(End(outcome=Outcome.LOOP, machine=host, packet=passage.packet, cause=cause))
        passage.outgoing = interface
        middle_hook(host, "forward", passage, way)
        way.note(host, lambda: f"bridges it on {interface}, through its ip rules")
        target = passage.packet.destination
        sent = close_hooks(
            host,
            self._tracker(host),
            tracked,
            passage,
            way,
            point="postrouting",
            address_for=lambda: host.address_for(interface, target),
        )
        return _Frame(packet=sent, machine=port[0], interface=port[1], sent_by=frame.sent_by)


def _uplink(machine: Machine) -> str:
    """The interface by which a machine leads to the internet."""
    return machine.exit.interface if machine.exit is not None and machine.exit.interface is not None else INTERNET


def _stop_in_circles(frame: _Frame, way: Way) -> None:
    packet, machine = frame.packet, frame.machine
    visit = (machine.name, frame.interface, packet)
    if visit in way.seen:
        way.note(machine, lambda: f"gets {packet} a second time")
        raise Stopped(End(outcome=Outcome.LOOP, machine=machine, packet=packet, cause="goes round in circles"))
    way.seen.add(visit)
