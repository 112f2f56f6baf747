"""A packet from machine to machine: the order of decisions of the kernel's IPv4 path, verdict included."""

from collections.abc import Callable

from netwright.verify.forwarding.decisions import Decisions
from netwright.verify.forwarding.endings import (
    accepted,
    refused_too_late,
    source_refused,
    stop_at_foreign_address,
    stop_at_no_pod,
    stop_at_unknown,
)
from netwright.verify.forwarding.flannel_tunnel import FlannelTunnel
from netwright.verify.forwarding.frame import Frame, Port
from netwright.verify.forwarding.handshakes import TunnelEnds
from netwright.verify.forwarding.hooks import begin, close_hooks, middle_hook, open_hooks
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.redirects import note_redirect
from netwright.verify.forwarding.rpf_and_arp import passes_reverse_path
from netwright.verify.forwarding.wire import Wire
from netwright.verify.forwarding.wireguard_tunnel import WireguardTunnel
from netwright.verify.network_model.assumed import INTERNET, OVERLAYS, PODS
from netwright.verify.network_model.chains import Passage
from netwright.verify.network_model.fib import Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network, Place
from netwright.verify.network_model.programs import DOCKER
from netwright.verify.network_model.trace import Crossing, End, Offer, PlaceKind, Stopped, Way
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import Packet, Tracked, Tracker

_DEVICES = frozenset(OVERLAYS.values())


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
        self._wire = Wire(network=network, memory=memory)
        self._decisions = Decisions(memory=memory, assume_forwarding=assume_forwarding)
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

    def entrances(self, place: Place, packet: Packet) -> tuple[Machine, ...]:
        """The machines at which a packet from a place may begin."""
        return self._network.entrances(place, packet.destination)

    def send(self, packet: Packet, kind: PlaceKind, machine: Machine, way: Way) -> End:
        """Return where a packet ends that a machine, a pod or container on it or the internet behind it sends."""
        try:
            if kind == "pod":
                self._ask_gateway(packet, machine, way)
                frame: Frame | End = Frame(packet=packet, machine=machine, interface=PODS)
            elif kind == "container":
                frame = Frame(packet=packet, machine=machine, interface=DOCKER)
            elif kind == "outside":
                frame = Frame(packet=packet, machine=machine, interface=_uplink(machine))
            else:
                frame = self._originate(packet, machine, way)
            while isinstance(frame, Frame):
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

    def _originate(self, packet: Packet, machine: Machine, way: Way) -> Frame | End:
        stop_at_unknown(machine, packet)
        hop = self._decisions.find_own(machine, packet, way)
        if machine.faults:
            self._decisions.stop_at_faults(machine, None, hop, packet, way)
        if hop.kind == "local":
            return accepted(machine, packet, "machine", way)
        passage = begin(machine, packet, outgoing=hop.interface, unwanted=self._unwanted)
        tracker = self._tracker(machine)
        sent, tracked = open_hooks(machine, tracker, "output", passage, way)
        if sent.destination != packet.destination:
            hop = self._decisions.find_own(machine, sent, way)
            if machine.faults:
                self._decisions.stop_at_faults(machine, None, hop, sent, way)
            if hop.kind == "local":
                cause = "a rule sends it back to the machine itself, whose way through lo is not known"
                raise Stopped(End(outcome=Outcome.UNKNOWN, machine=machine, packet=sent, cause=cause))
        way.note(machine, lambda: f"sends {packet} by {hop}", hop.origin)
        return self._leave(machine, hop, passage, tracked, way)

    def _receive(self, frame: Frame, way: Way) -> Frame | End:
        """One machine's part: from the wire through all its hooks to the next wire, or to the end."""
        packet, machine, incoming = frame.packet, frame.machine, frame.interface
        stop_at_unknown(machine, packet)
        if frame.bound_for is None:
            _stop_in_circles(frame, way)
        passage = begin(machine, packet, incoming=incoming, unwanted=self._unwanted)
        packet, tracked = open_hooks(machine, self._tracker(machine), "prerouting", passage, way)
        rewritten = packet.destination != frame.packet.destination
        if frame.bound_for is not None and not rewritten:
            return self._bridge(frame, frame.bound_for, passage, tracked, way)
        hop = self._decisions.route(machine, incoming, packet, way)
        if hop.kind == "local":
            stop_at_foreign_address(machine, packet, hop, way)
            return self._take_in(machine, passage, tracked, way)
        if rewritten and hop.interface == incoming and self._wire.filters_bridge(machine, incoming):
            port = self._wire.next_port(machine, incoming, hop.gateway or packet.destination, packet, way)
            return self._bridge(frame, port, passage, tracked, way)
        way.ttl -= 1
        if way.ttl <= 0:
            raise Stopped(End(outcome=Outcome.LOOP, machine=machine, packet=packet, cause="its time to live ends"))
        if (
            hop.interface == incoming
            and not rewritten  # of that no redirect tells, see note_redirect
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
            frame: Frame | End = self._wire.transmit(offer.sender, offer.hop, offer.packet, way)
            while isinstance(frame, Frame):
                frame = self._receive(frame, way)
        except Stopped as stopped:
            return stopped.end
        return frame

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

    def _leave(self, machine: Machine, hop: Hop, passage: Passage, tracked: Tracked, way: Way) -> Frame | End:
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
            stop_at_no_pod(machine, hop, sent, way)
            self._met.add(machine.name)
            way.crossings.append(Crossing(machine, hop, sent))
            return accepted(machine, sent, "pod", way)
        if interface == DOCKER and self._network.is_container(machine, target):
            way.crossings.append(Crossing(machine, hop, sent))
            return accepted(machine, sent, "container", way)
        if interface in _DEVICES:
            return self._flannel_tunnel().carry(machine, hop, sent, way)
        if interface in machine.tunnels:
            return self._wireguard_tunnel().carry(machine, interface, hop, sent, way)
        return self._wire.transmit(machine, hop, sent, way)

    def _lead_out(self, machine: Machine, hop: Hop, packet: Packet, way: Way) -> Frame | End:
        """The packet on the internet, if it is for there. A known machine may be the next hop: it gets the rest."""
        place = self._network.place_of(packet.destination)
        if place is not None and place.kind == "outside":
            return accepted(machine, packet, "outside", way)
        if hop.gateway is not None and hop.gateway in self._network.owners:
            return self._wire.transmit(machine, hop, packet, way)
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

    def _flannel_tunnel(self) -> FlannelTunnel:
        def walker() -> Walker:
            return Walker(self._network, self._memory, assume_forwarding=self._wary, unwanted=self._unwanted)

        return FlannelTunnel(network=self._network, memory=self._memory, unwanted=self._unwanted, walker=walker)

    def _wireguard_tunnel(self) -> WireguardTunnel:
        return WireguardTunnel(
            network=self._network,
            memory=self._memory,
            unwanted=self._unwanted,
            walker=self._outer_walker,
            opened=self._opened,
            inside=self._inside,
        )

    def _outer_walker(self, ends: TunnelEnds) -> "Walker":
        """One for what carries a tunnel, which must not go by that again."""
        return Walker(
            self._network,
            self._memory,
            assume_forwarding=self._wary,
            unwanted=self._unwanted,
            inside=self._inside | {(ends.machine.name, ends.interface), (ends.other.name, ends.port)},
        )

    def _bridge(self, frame: Frame, port: Port, passage: Passage, tracked: Tracked, way: Way) -> Frame:
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
        return Frame(packet=sent, machine=port[0], interface=port[1], sent_by=frame.sent_by)


def _uplink(machine: Machine) -> str:
    """The interface by which a machine leads to the internet."""
    return machine.exit.interface if machine.exit is not None and machine.exit.interface is not None else INTERNET


def _stop_in_circles(frame: Frame, way: Way) -> None:
    packet, machine = frame.packet, frame.machine
    visit = (machine.name, frame.interface, packet)
    if visit in way.seen:
        way.note(machine, lambda: f"gets {packet} a second time")
        raise Stopped(End(outcome=Outcome.LOOP, machine=machine, packet=packet, cause="goes round in circles"))
    way.seen.add(visit)
