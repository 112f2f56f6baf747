"""A conversation between two places: the packets there and back that make a ping, a TCP or a UDP exchange work."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.redirects import is_obeyed
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.network import Network, Place, describe_network
from netwright.verify.network_model.trace import Cause, Decision, End, Offer, Way
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import ECHO_REQUEST, EPHEMERAL, ICMP, PORTED, TCP, Packet, TcpKind, inverse

MOST_REDIRECTS = 8
"""Most redirects that are followed: routers may send a packet round between them."""
_TCP_KINDS: Final[tuple[TcpKind, ...]] = ("syn", "synack", "ack", "ack")
_OTHER_KINDS: Final[tuple[TcpKind, ...]] = ("other", "other")


class Result(Struct, frozen=True, kw_only=True):
    """Result of a conversation: its outcome, where and why it ended, what the receiver saw, and the ways in between.

    `start` is where it began, on the internet behind the machine by which it came in. `receiver` is the machine that
    got the first packet. `back` tells on which direction it ended; `decisions` are the hops of the last packet there
    and the last back.
    """

    outcome: Outcome
    start: Place
    end: End
    back: bool
    seen_source: int | None
    receiver: str | None
    there: Way
    reply: Way | None

    @property
    def decisions(self) -> tuple[tuple[Decision, ...], tuple[Decision, ...]]:
        """The hops of the packet there, and those of the packet back, none if there was none."""
        return self.there.decisions(), self.reply.decisions() if self.reply is not None else ()


def first_packet(protocol: int, source: AddressNumber, destination: AddressNumber, port: int) -> Packet:
    """The packet that opens a conversation; of protocols without ports nothing but the ends tells it."""
    if protocol == ICMP:
        return Packet(ICMP, source, EPHEMERAL, destination, ECHO_REQUEST)
    if protocol not in PORTED:
        return Packet(protocol, source, 0, destination, 0)
    return Packet(protocol, source, EPHEMERAL, destination, port, "syn" if protocol == TCP else "other")


def send_first(walker: Walker, packet: Packet, source: Place, way: Way) -> End:
    """Return where the opening packet ends. One from the internet may enter by any machine that leads there: of those
    it may pass one counts."""
    first, *others = walker.entrances(source, packet)
    end = walker.send(packet, source.kind, first, way)
    for machine in others:
        if not end.outcome.keeps_out:
            break
        attempt = Way()
        found = walker.send(packet, source.kind, machine, attempt)
        if not found.outcome.keeps_out:
            way.notes[:], end = attempt.notes, found
    return end


def send_again(network: Network, memory: Memory, first: Way) -> tuple[Offer, End, Way] | None:
    """Return how a packet that was lost arrives, or may, when it is sent again: by a redirect that is obeyed on the
    way. None if it does not."""
    offers = [*first.offers]
    for _ in range(MOST_REDIRECTS):
        if not offers:
            return None
        offer, way = offers.pop(), Way()
        if not is_obeyed(offer):
            continue
        end = Walker(network, memory, unwanted=True).resend(offer, way)
        if not end.outcome.keeps_out:
            return offer, end, way
        offers += way.offers
    return None


def converse(walker: Walker, packet: Packet, source: Place, *, nat_allowed: bool) -> Result:
    """The whole conversation; it ends at the first packet that is lost.

    One that begins on the internet comes in by the machine, of those that lead there, by which its answers leave.
    """
    first, *others = walker.entrances(source, packet)
    result = _converse(walker, packet, replace(source, machine=first), nat_allowed=nat_allowed)
    for machine in others:
        if result.outcome is Outcome.ACCEPTED:
            break
        again = _converse(walker.restart(), packet, replace(source, machine=machine), nat_allowed=nat_allowed)
        if again.outcome is Outcome.ACCEPTED or (result.receiver is None and again.receiver is not None):
            result = again
    return result


def _converse(walker: Walker, packet: Packet, source: Place, *, nat_allowed: bool) -> Result:
    """The whole conversation from a place of one machine."""
    there = Way()
    reply: Way | None = None
    end = walker.send(packet, source.kind, source.machine, there)
    if end.outcome is not Outcome.ACCEPTED:
        return Result(
            outcome=end.outcome,
            start=source,
            end=end,
            back=False,
            seen_source=None,
            receiver=None,
            there=there,
            reply=None,
        )
    receiver, arrived = end, end.packet
    failed = _hidden_source(walker, end, packet, source, there) if not nat_allowed else None
    back = False
    answer = Packet(*inverse(arrived.key), "synack" if packet.protocol == TCP else "other")
    for number, kind in enumerate(_TCP_KINDS if packet.protocol == TCP else _OTHER_KINDS):
        if failed is not None:
            break
        way, back = Way(), bool(number % 2)
        if back:
            reply = way
            end = walker.answer(answer._replace(kind=kind), receiver.place, receiver.machine, way)
            failed = _failure(end, inverse(packet.key), (source.kind, source.machine.name))
        elif number:
            there = way
            end = walker.send(packet._replace(kind=kind), source.kind, source.machine, way)
            failed = _failure(end, arrived.key, (receiver.place, receiver.machine.name))
    return Result(
        outcome=failed.outcome if failed is not None else Outcome.ACCEPTED,
        start=source,
        end=failed or receiver,
        back=back and failed is not None,
        seen_source=arrived.source,
        receiver=receiver.machine.name,
        there=there,
        reply=reply,
    )


_MOST_KEPT = 4096
"""Most conversations that are remembered: those of the classes that flows with the same ends ask about."""


def recall(network: Network, memory: Memory, packet: Packet, source: Place, *, nat_allowed: bool) -> tuple[Result, ...]:
    """Return the whole conversation, of which another flow may have asked as well; one for each way by next hops."""
    key = packet, source, nat_allowed
    known: tuple[Result, ...] | None = memory.conversations.get(key)
    if known is None:
        if len(memory.conversations) >= _MOST_KEPT:
            memory.conversations.clear()
        found = converse_every(network, memory, packet, source, nat_allowed=nat_allowed)
        known = memory.conversations[key] = tuple(found)
    return known


def converse_every(
    network: Network, memory: Memory, packet: Packet, source: Place, *, nat_allowed: bool
) -> Iterator[Result]:
    """Yield the whole conversation by each way that routes of several next hops leave to chance."""
    return memory.try_every(lambda: converse(Walker(network, memory), packet, source, nat_allowed=nat_allowed))


def worst(results: Iterable[Result]) -> Result:
    """Return the first conversation that does not work, the first of all if all do."""
    found = [*results]
    return next((one for one in found if one.outcome is not Outcome.ACCEPTED), found[0])


def _failure(end: End, expected: tuple[int, int, int, int, int], home: tuple[str, str]) -> End | None:
    """Return why a later packet did not do its part, None if it did."""
    if end.outcome is not Outcome.ACCEPTED:
        return end
    if (end.place, end.machine.name) != home:
        cause = f"arrives at {end.machine.name}, not at {home[1]}"
        return End(outcome=Outcome.NAT_APPLIED, machine=end.machine, packet=end.packet, cause=cause)
    if end.packet.key != expected:
        cause = f"arrives as {end.packet}, which belongs to no connection"
        return End(outcome=Outcome.NAT_APPLIED, machine=end.machine, packet=end.packet, cause=cause)
    return None


def _hidden_source(walker: Walker, end: End, packet: Packet, source: Place, there: Way) -> End | None:
    """Return why the receiver does not see the sender's own address, None if it does."""
    if end.packet.source == packet.source:
        return None
    if source.kind == "container":
        return End(
            outcome=Outcome.NAT_APPLIED,
            machine=source.machine,
            packet=end.packet,
            cause="Docker gives what its containers send the node's own address",
            origin=there.hiding[0] if there.hiding else None,
            cure="set docker: {network: host}",
        )
    if there.misdirected:
        name, origin = _who_misrouted(there)
        cause = "sends packets for a pod network to a node that does not own it, where flannel hides their source"
        return End(
            outcome=Outcome.WRONG_NODE, machine=walker.machine(name), packet=end.packet, cause=cause, origin=origin
        )
    cause = "the receiver does not see the sender's own address"
    changed = there.hiding[-1] if there.hiding else None
    return End(outcome=Outcome.NAT_APPLIED, machine=end.machine, packet=end.packet, cause=cause, origin=changed)


def _who_misrouted(there: Way) -> tuple[str, Origin | None]:
    """The machine that sent a packet to a node that does not own its pod network, and the line of its route."""
    misdirected = there.misdirected[0]
    misrouted: tuple[str, Origin | None] = misdirected, None
    for name, _, origin in there.notes:
        if name == misdirected:
            break
        if origin is not None:
            misrouted = name, origin
    return misrouted


def name_cause(network: Network, result: Result) -> str | Cause:
    """Return why a conversation failed, with the network that a verdict about routes names. Pod networks and neighbours
    are its subject: what happens to several of them in one way has one cause."""
    end = result.end
    if end.target:
        return Cause(end.cause.removesuffix(end.target), end.target)
    if result.outcome not in _SPEAK_OF_NETWORKS:
        return end.cause
    before, after = _SPEAK_OF_NETWORKS[result.outcome]
    ip = end.packet.source if result.outcome is Outcome.RPF_DROP else end.packet.destination
    cause = Cause(f"{end.cause}{before}", describe_network(network, ip), after)
    return cause if network.pod_network(ip) is not None else str(cause)


_SPEAK_OF_NETWORKS = {
    Outcome.NO_ROUTE: (" for ", ""),
    Outcome.LOOP: (" for ", ""),
    Outcome.WRONG_NODE: (" (", ")"),
    Outcome.RPF_DROP: (" ", ""),
}
"""The verdicts that name a network, and what stands around it."""
