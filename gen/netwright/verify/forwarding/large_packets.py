"""Large packets: where those end that are too long for an interface on the way of a conversation that works.

A router whose next interface takes less tells the sender (ICMP, fragmentation needed), which sends smaller packets
from then on, if a filter lets that message through. A card drops what is longer than its own MTU without a word. TCP
sends at most what the smaller of both ends' own interfaces takes (RFC 9293, 3.7.1); other protocols send up to the MTU
of their own. flannel's outer packets may be fragmented, and a filter without connection tracking sees no ports in all
fragments but the first.
"""

from collections.abc import Sequence

from msgspec import Struct

from netwright.verify.forwarding.conversation import Result
from netwright.verify.forwarding.hooks import middle_hook
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.assumed import OVERLAY, OVERLAYS, PODS
from netwright.verify.network_model.chains import Passage
from netwright.verify.network_model.fib import LOOPBACK
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.sizes import VXLAN_OCTETS, WIREGUARD_OCTETS
from netwright.verify.network_model.trace import Crossing, End, Stopped, Way
from netwright.verify.values.addresses import NO_ADDRESS
from netwright.verify.values.facts import Mtu, Origin
from netwright.verify.values.nftables import State
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import EPHEMERAL, ICMP, TCP, Packet, Tracked, Tracker

_UNREACHABLE = 3
"""The ICMP type of the message that a packet is too large (RFC 792)."""
_ANY_SIZE = 0xFFFF


class Loss(Struct, frozen=True, kw_only=True):
    """End of large packets: the machine, the cause, and the line that makes it so."""

    machine: Machine
    cause: str
    origin: Origin | None


def sizes_are_alike(network: Network) -> bool:
    """Return whether all interfaces take packets of one size, but for what tunnels take of it."""
    machines = network.machines.values()
    if any(machine.tunnels for machine in machines):
        return False
    sizes = {mtu.octets for one in machines for name, mtu in one.mtus.items() if name not in (PODS, *OVERLAYS.values())}
    hops = (hop for one in machines for table in one.fib.tables.values() for hop in table.hops if hop is not None)
    return len(sizes) <= 1 and all(hop.mtu is None for hop in hops)


def find_loss(network: Network, memory: Memory, result: Result, packet: Packet) -> Loss | None:
    """Return where large packets of a conversation that works end, there or back, None if they arrive.

    `packet` is the conversation's first.
    """
    there, back = result.there.crossings, result.reply.crossings if result.reply is not None else []
    if not there or not back:
        return None
    inner, other = _inner(back[-1]), _inner(there[-1])
    sizes = (_first_size(there[0], inner), _first_size(back[0], other))
    if packet.protocol == TCP:
        sizes = (min(sizes), min(sizes))
    passing = _Passing(network, memory, frozenset(one.sender.name for one in (*there, *back)))
    return passing.follow(sizes[0], there, from_within=inner is not None) or passing.follow(
        sizes[1], back, from_within=other is not None
    )


def _inner(last: Crossing) -> str | None:
    """Return the interface behind which the pod or container is that took a packet at the end of its way, None if the
    machine itself did."""
    return last.hop.interface if last.receiver is None else None


def _first_size(first: Crossing, inner: str | None) -> int:
    """The largest packet that a sender sends, a machine itself or who is behind an inner interface of it."""
    mtu = first.sender.mtus.get(inner) if inner is not None else _egress(first)
    return mtu.octets if mtu is not None else _ANY_SIZE


def _egress(crossing: Crossing) -> Mtu | None:
    """Return the largest packet that the sender of a crossing sends; a route's MTU comes first (ip_output.c)."""
    if crossing.hop.mtu is not None:
        return Mtu(octets=crossing.hop.mtu, origin=crossing.hop.origin)
    return crossing.sender.mtus.get(crossing.hop.interface or "")


def _ingress(crossing: Crossing) -> Mtu | None:
    """Return the largest packet that the receiver of a crossing takes."""
    return crossing.receiver.mtus.get(crossing.port) if crossing.receiver is not None else None


class _Related(Tracker):
    """Connection tracking for a message about a connection: related where the machine saw that, else invalid."""

    def __init__(self, *, knows: bool) -> None:
        super().__init__(loose=True)
        self._state: State = "related" if knows else "invalid"

    def track(self, packet: Packet) -> Tracked:  # noqa: ARG002 -- every message is about the one connection
        return Tracked(connection=None, answers=False, state=self._state)


class _Passing:
    """Large packets of one conversation; `met` names the machines that see it."""

    def __init__(self, network: Network, memory: Memory, met: frozenset[str]) -> None:
        self._network = network
        self._memory = memory
        self._met = met

    def follow(self, size: int, crossings: Sequence[Crossing], *, from_within: bool) -> Loss | None:
        """Return where packets of that size end; where a router tells the sender, they become smaller."""
        for number, crossing in enumerate(crossings):
            limit = _egress(crossing)
            if limit is not None and limit.octets < size and (number or from_within):
                end = self._tell(crossing)
                if end.outcome not in (Outcome.ACCEPTED, Outcome.UNKNOWN):
                    cause = (
                        f"packets larger than {limit.octets} octets, the MTU of {crossing.hop.interface}, end here, "
                        "and the message about it (ICMP, fragmentation needed) does not reach the sender: "
                        f"{end.cause} at {end.machine.name}"
                    )
                    return Loss(machine=crossing.sender, cause=cause, origin=limit.origin)
            if limit is None:
                limit = _ingress(crossing)  # an unmanaged device sends what its neighbour takes
            if limit is not None:
                size = min(size, limit.octets)
            added = VXLAN_OCTETS if crossing.hop.interface == OVERLAY else WIREGUARD_OCTETS
            loss = _outer_loss(size + added, crossing.outer) if crossing.outer else _too_long(size, crossing)
            if loss is not None:
                return loss
        return None

    def _tell(self, crossing: Crossing) -> End:
        """Return where the message to the sender ends that its packet is too large."""
        router, sender = crossing.sender, crossing.packet.source
        key = (router.name, sender)
        if key not in self._memory.told:
            hop = router.fib.find(sender, 0, LOOPBACK)
            source = router.address_for(hop.every[0].interface or "", sender) if hop is not None else None
            message = Packet(ICMP, source or NO_ADDRESS, EPHEMERAL, sender, _UNREACHABLE)
            ends = [*self._memory.try_every(lambda: self._walker().send(message, "machine", router, Way()))]
            self._memory.told[key] = next((end for end in ends if end.outcome is not Outcome.ACCEPTED), ends[0])
        return self._memory.told[key]

    def _walker(self) -> Walker:
        return Walker(self._network, self._memory, track=lambda machine: _Related(knows=machine.name in self._met))


def _too_long(size: int, crossing: Crossing) -> Loss | None:
    """The loss at the card that takes in a frame longer than its own MTU."""
    limit = _ingress(crossing)
    if crossing.receiver is None or limit is None or size <= limit.octets:
        return None
    cause = (
        f"packets larger than {limit.octets} octets, the MTU of {crossing.port}, end here without a message: "
        f"{crossing.hop.interface} of {crossing.sender.name} sends up to {size}"
    )
    return Loss(machine=crossing.receiver, cause=cause, origin=limit.origin)


def _outer_loss(size: int, crossings: Sequence[Crossing]) -> Loss | None:
    """Return where a tunnel's packets end: routers fragment them, cards drop what is too long all the same."""
    fragmented = False
    for crossing in crossings:
        limit = _egress(crossing) or _ingress(crossing)
        if limit is not None and limit.octets < size:
            fragmented, size = True, limit.octets
        loss = _too_long(size, crossing)
        if loss is None and fragmented and crossing.receiver is not None:
            loss = _fragment_loss(crossing.receiver, crossing, crossings[-1].receiver)
        if loss is not None:
            return loss
    return None


def _fragment_loss(machine: Machine, crossing: Crossing, last: Machine | None) -> Loss | None:
    """The loss at a filter that sees no port in a fragment, for want of the connection tracking that joins them."""
    if machine.firewall.tracks:
        return None
    fragment = crossing.packet._replace(sport=0, dport=0)
    passage = Passage(packet=fragment, incoming=crossing.port, outgoing=None, state="invalid", own=machine.owns)
    try:
        middle_hook(machine, "input" if machine is last else "forward", passage, Way())
    except Stopped as stopped:
        if stopped.end.outcome is Outcome.UNKNOWN:
            return None
        cause = f"fragments of large packets end here, since they have no port to match: {stopped.end.cause}"
        return Loss(machine=machine, cause=cause, origin=stopped.end.origin)
    return None
