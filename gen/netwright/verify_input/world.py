"""A network with what is remembered of it: its cases, and how the conversation of each goes."""

from collections.abc import Iterator
from functools import partial
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify import Example, Flow, Outcome
from netwright.verify.forwarding.conversation import (
    Result,
    converse,
    converse_every,
    send_again,
    send_first,
    worst,
)
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.network import Network, Place
from netwright.verify.network_model.trace import Way
from netwright.verify.proof.case_faults import beyond_the_files, make_example
from netwright.verify.proof.cases import Case, cases_of
from netwright.verify.proof.classes import AddressClass, Cuts, TrafficClass, judged
from netwright.verify.proof.forwards import asked_packets, direct_packet, is_direct, is_for, taking_forward
from netwright.verify.proof.on_the_way import Asked, Nearness
from netwright.verify.proof.openings import is_broadcast, openings
from netwright.verify.values.packets import Packet


class Course(Struct, frozen=True, kw_only=True):
    """Course of one packet's conversation: whether the flow holds for it, its verdict, the nodes there and back.

    `known` is False where one of the ends' addresses is unassigned.
    """

    holds: bool
    verdict: str
    there: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    known: bool = True

    def __str__(self) -> str:
        way = " -> ".join(self.there) + (f", back {' -> '.join(self.back)}" if self.back else "")
        return f"{self.verdict} ({way})" if way else self.verdict


class Journey(Struct, frozen=True, kw_only=True):
    """A packet's way with all that decides it: whether the flow holds for it, its outcome, where it ends and why."""

    holds: bool
    outcome: Outcome
    node: str
    cause: str
    example: Example


class World:
    """A network with what is remembered of it."""

    def __init__(self, network: Network) -> None:
        """Nothing is remembered yet."""
        self.network = network
        self._memory = Memory()
        self._cuts = Cuts(network)
        self._nearness = Nearness(network)

    def ends(self, flow: Flow) -> tuple[tuple[AddressClass, ...], tuple[AddressClass, ...], tuple[TrafficClass, ...]]:
        """The classes of the flow's sources, destinations and traffic, as this network's files tell them apart."""
        origins = flow.sources + (self.network.outside() if flow.from_internet else ())
        targets = flow.destinations + (self.network.outside() if flow.to_internet else ())
        sources = tuple(one for one in self._cuts.addresses(origins) if one.place is not None)
        destinations = judged(self._cuts.addresses(targets), targets)
        return sources, destinations, self._cuts.traffic(flow.traffic)

    def cases(self, flow: Flow) -> Iterator[Case]:
        """The flow's cases."""
        yield from cases_of(*self.ends(flow), self.asked(flow))

    def asked(self, flow: Flow) -> Asked | None:
        """Return a test of the pairs of the flow's ends that it asks for; None if all."""
        return self._nearness.asked(flow)

    def answer(self, case: Case) -> Result:
        """The whole conversation of a case's first packet, whatever address its receiver sees; of several ways by next
        hops one that does not work, if there is one."""
        return worst(
            result
            for packet in asked_packets(self.network, case)
            for result in converse_every(self.network, self._memory, packet, case.start, nat_allowed=True)
        )

    def follow(self, flow: Flow, case: Case) -> Course:
        """The course of a case's first packet, the case of this network or of another one."""
        source, destination = case.source.first, case.destination.first
        start = self.network.place_of(source)
        mismatch = self.network.mismatch(source, destination)
        if mismatch is not None:
            return Course(holds=False, verdict=str(mismatch.kind))
        if start is None:
            return Course(holds=not flow.must_arrive, verdict="the source address is unassigned", known=False)
        placed = replace(case, start=start)
        packets = asked_packets(self.network, placed) if flow.must_arrive else (direct_packet(case),)
        is_beyond = any(is_direct(case, packet) for packet in packets) and beyond_the_files(self.network, placed)
        if is_beyond and (flow.must_arrive or start.kind != "outside"):
            return Course(holds=False, verdict=str(Outcome.UNKNOWN))
        courses = [
            course
            for packet in packets
            for course in self._memory.try_every(partial(self._course, flow, packet, start))
        ]
        if not flow.must_arrive:
            courses += self._led_on(placed)
        return next((course for course in courses if not course.holds), courses[0])

    def journey(self, flow: Flow, case: Case) -> Journey | None:
        """The way of a case's first packet, and of its answer where there is to be one. Of several by next hops it is
        one for which the flow fails, if there is one; None where no file decides."""
        if self.network.mismatch(case.source.first, case.destination.first) is not None:
            return None
        if beyond_the_files(self.network, case) is not None:
            return None
        if not flow.must_arrive:
            return self._refused(flow, case)
        result = worst(
            result
            for packet in asked_packets(self.network, case)
            for result in converse_every(self.network, self._memory, packet, case.start, nat_allowed=flow.nat_allowed)
        )
        return Journey(
            holds=result.outcome is Outcome.ACCEPTED,
            outcome=result.outcome,
            node=result.end.machine.name,
            cause=result.end.cause,
            example=make_example(flow, case, lambda: result.decisions)(),
        )

    def journey_from(self, flow: Flow, case: Case) -> Journey | None:
        """The way of the first packet of a case of another network; None also where its source is unassigned here."""
        start = self.network.place_of(case.source.first)
        return self.journey(flow, replace(case, start=start)) if start is not None else None

    def _refused(self, flow: Flow, case: Case) -> Journey:
        """The way of a denied flow's packet."""
        way = Way()
        end = send_first(Walker(self.network, self._memory, unwanted=True), direct_packet(case), case.start, way)
        return Journey(
            holds=end.outcome.keeps_out,
            outcome=end.outcome,
            node=end.machine.name,
            cause=end.cause,
            example=make_example(flow, case, lambda: (way.decisions(), ()))(),
        )

    def _led_on(self, case: Case) -> Iterator[Course]:
        """Yield the courses of packets for other addresses that come to a case's receiver all the same, or may."""
        packets = openings(self.network, self._memory, case)
        if packets is None:
            yield Course(holds=False, verdict=str(Outcome.UNKNOWN))
        for packet in packets or ():
            way = Way()
            end = send_first(Walker(self.network, self._memory, unwanted=True), packet, case.start, way)
            if end.outcome.keeps_out or is_broadcast(packet, end):
                continue
            if end.outcome is not Outcome.ACCEPTED or is_for(self.network, case, end):
                yield Course(holds=False, verdict=str(end.outcome), there=_nodes(way))

    def _course(self, flow: Flow, packet: Packet, start: Place) -> Course:
        """The course of a packet by the next hops whose turn it is."""
        walker = Walker(self.network, self._memory, unwanted=not flow.must_arrive)
        if flow.must_arrive:
            result = converse(walker, packet, start, nat_allowed=flow.nat_allowed)
            there, back, outcome = result.there, result.reply, result.outcome
            holds = outcome is Outcome.ACCEPTED and taking_forward(self.network, flow, packet, result.end) is None
        else:
            there, back = Way(), None
            outcome = send_first(walker, packet, start, there).outcome
            again = send_again(self.network, self._memory, there)
            holds = outcome.keeps_out and again is None
        return Course(
            holds=holds,
            verdict=str(outcome),
            there=_nodes(there),
            back=_nodes(back) if back is not None else (),
            known=self.network.place_of(packet.destination) is not None,
        )


def _nodes(way: Way) -> tuple[str, ...]:
    return tuple(node for node, _ in groupby(name for name, _, _ in way.notes))
