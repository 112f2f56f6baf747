"""A conversation between two places: the packets there and back that make a ping, a TCP or a UDP exchange work."""

from dataclasses import dataclass

from gen.verify.addresses import format_ip
from gen.verify.network import Place
from gen.verify.packets import ECHO_REQUEST, EPHEMERAL, ICMP, TCP, Packet, inverse
from gen.verify.trace import Decision, End, Outcome, Way
from gen.verify.walk import Walker

_TCP_KINDS = ("syn", "synack", "ack", "ack")


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a conversation went: its outcome, where and why it ended, what the receiver saw, and the ways in between.

    `back` tells on which direction it ended; `decisions` are the hops of the last packet there and the last back.
    """

    outcome: Outcome
    end: End
    back: bool
    seen_source: int | None
    there: Way
    reply: Way | None

    @property
    def decisions(self) -> tuple[tuple[Decision, ...], tuple[Decision, ...]]:
        """The hops of the packet there, and those of the packet back, none if there was none."""
        return self.there.decisions(), self.reply.decisions() if self.reply is not None else ()


def first_packet(protocol: int, source: int, destination: int, port: int) -> Packet:
    """The packet that opens a conversation."""
    if protocol == ICMP:
        return Packet(ICMP, source, EPHEMERAL, destination, ECHO_REQUEST)
    return Packet(protocol, source, EPHEMERAL, destination, port, "syn" if protocol == TCP else "other")


def send_first(walker: Walker, packet: Packet, source: Place, way: Way) -> End:
    """Where the opening packet ends."""
    return walker.send(packet, source.kind, source.machine, way)


def converse(walker: Walker, packet: Packet, source: Place, *, nat_allowed: bool) -> Result:
    """The whole conversation; it ends at the first packet that is lost."""
    there, reply_way = Way(), None
    end = send_first(walker, packet, source, there)
    if end.outcome is not Outcome.ACCEPTED:
        return Result(outcome=end.outcome, end=end, back=False, seen_source=None, there=there, reply=None)
    receiver, arrived = end, end.packet
    if not nat_allowed and arrived.source != packet.source:
        return _rewritten(end, packet, there)
    answer = Packet(*inverse(arrived.key), "synack" if packet.protocol == TCP else "other")
    kinds = _TCP_KINDS if packet.protocol == TCP else ("other", "other")
    for number, kind in enumerate(kinds[1:], start=1):
        way = Way()
        if number % 2:
            reply_way = way
            end = walker.send(answer._replace(kind=kind), receiver.place, receiver.machine, way)
            expected = inverse(packet.key)
            home = (source.kind, source.machine.name)
        else:
            there = way
            end = walker.send(packet._replace(kind=kind), source.kind, source.machine, way)
            expected = arrived.key
            home = (receiver.place, receiver.machine.name)
        failed = _failure(end, expected, home)
        if failed is not None:
            back = bool(number % 2)
            return Result(
                outcome=failed.outcome, end=failed, back=back, seen_source=arrived.source, there=there, reply=reply_way
            )
    return Result(
        outcome=Outcome.ACCEPTED, end=receiver, back=False, seen_source=arrived.source, there=there, reply=reply_way
    )


def _failure(end: End, expected: tuple[int, int, int, int, int], home: tuple[str, str]) -> End | None:
    """Why a later packet did not do its part, None if it did."""
    if end.outcome is not Outcome.ACCEPTED:
        return end
    if (end.place, end.machine.name) != home:
        cause = f"arrives at {end.machine.name}, not at {home[1]}"
        return End(outcome=Outcome.NAT_APPLIED, machine=end.machine, packet=end.packet, cause=cause)
    if end.packet.key != expected:
        cause = f"arrives as {end.packet}, which belongs to no connection"
        return End(outcome=Outcome.NAT_APPLIED, machine=end.machine, packet=end.packet, cause=cause)
    return None


def _rewritten(end: End, packet: Packet, there: Way) -> Result:
    seen = end.packet.source
    if there.strays:
        outcome, cause = (
            Outcome.WRONG_NODE,
            "sent to a node that does not own the pod network; flannel hides its source",
        )
    else:
        outcome = Outcome.NAT_APPLIED
        cause = f"the receiver sees {format_ip(seen)} instead of {format_ip(packet.source)}"
    changed = next((origin for _, text, origin in reversed(there.notes) if origin and "rewrites" in text()), None)
    machine = end.machine
    failed = End(outcome=outcome, machine=machine, packet=end.packet, cause=cause, origin=changed)
    return Result(outcome=outcome, end=failed, back=False, seen_source=seen, there=there, reply=None)
