"""The mixtures of old and new machines in which a flow breaks that holds before and after.

A conversation depends on the machines that it passes. So of each class of packets the changed machines on its ways are
tried old and new in every combination, and what breaks names those that may not be so at the same time.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

from msgspec import Struct

from netwright.compare.refinement import JointSymmetry, joint_symmetry, refine_addresses, refine_traffic
from netwright.rollout.mixing import Transition
from netwright.rollout.values import Break
from netwright.verify import Flow
from netwright.verify.network_model.network import describe_place
from netwright.verify.proof.cases import Case, CaseBook
from netwright.verify.proof.classes import AddressClass
from netwright.verify.proof.on_the_way import all_asked
from netwright.verify.proof.symmetry import find_symmetry
from netwright.verify.values.addresses import merge
from netwright.verify_input.demands import Packets, covers, divide_by_all, is_same_demand
from netwright.verify_input.world import Course, World

MOST_TOGETHER = 6
"""Of so many changed machines on one packet's ways every combination is tried; of more, one against all others, and
they go one after another."""

MOST_MIXTURES = 400
"""So many mixtures are built; machines that are left untried go one after another, and each step is proved."""


class Clash(Struct, frozen=True, kw_only=True):
    """Machines that must not be new while others are old, and the flow that breaks by it."""

    updated: frozenset[str]
    pending: frozenset[str]
    example: Break


class _Lasting(Struct, frozen=True, kw_only=True):
    """A packet whose flow holds before and after, with its course in both."""

    flow: Flow
    case: Case
    courses: tuple[Course, Course]


class Explorer:
    """The flows of a transition, asked in its mixtures; `earlier` are the flows before."""

    def __init__(self, transition: Transition, flows: Sequence[Flow], earlier: Sequence[Flow]) -> None:
        """Finds which machines may change places."""
        self.transition = transition
        """The states between which it goes."""
        self._flows, self._earlier = flows, earlier
        ends = [transition.worlds(frozenset()), transition.worlds(transition.changed)]
        turns = range(max(map(len, ends)))
        self._pairs = [(ends[0][turn % len(ends[0])], ends[1][turn % len(ends[1])]) for turn in turns]
        self._symmetries = [joint_symmetry(was.network, now.network) for was, now in self._pairs]
        self.kept: dict[str, None] = {}
        """Names of the flows of which something holds before and after."""
        self.apart: dict[frozenset[str], None] = {}
        """Machines on one way that were not tried in every combination: no two of them may go together."""

    @property
    def changed(self) -> frozenset[str]:
        """The changed machines."""
        return self.transition.changed

    def alike(self, node: str) -> object:
        """What a machine has in common with those that may take its place before and after."""
        return tuple((one.earlier.classes.get(node, node), one.classes.get(node, node)) for one in self._symmetries)

    def explore(self) -> Iterator[Clash]:
        """Yield what breaks in any mixture of the machines that a packet passes."""
        for turn in range(len(self._pairs)):
            for lasting in self._lasting(turn):
                self.kept.setdefault(lasting.flow.name)
                yield from self._try(turn, lasting)

    def prove(self, updated: frozenset[str]) -> Iterator[Clash]:
        """Yield what breaks where these machines are new and the other changed ones old, of all packets."""
        for turn in range(len(self._pairs)):
            between = self._world(turn, updated)
            for lasting in self._lasting(turn, between):
                course = between.follow(lasting.flow, lasting.case)
                if not course.holds:
                    yield self._clash(lasting, updated, course, self._passed(lasting, course))

    def _world(self, turn: int, updated: frozenset[str]) -> World:
        worlds = self.transition.worlds(updated)
        return worlds[turn % len(worlds)]

    def _try(self, turn: int, lasting: _Lasting) -> Iterator[Clash]:
        """Yield the mixtures of the changed machines on a packet's ways in which it breaks."""
        passed = self._passed(lasting)
        tried: dict[frozenset[str], Course] = {}
        while len(passed) > 1:
            mixture = next((one for one in _mixtures(passed) if one not in tried), None)
            is_beyond = mixture is not None and not self.transition.has(mixture, MOST_MIXTURES)
            if is_beyond or len(passed) > MOST_TOGETHER:
                self.apart.setdefault(passed)
            if mixture is None or is_beyond:
                break
            tried[mixture] = self._world(turn, mixture).follow(lasting.flow, lasting.case)
            passed |= self._passed(lasting, tried[mixture])
        for updated, course in tried.items():
            if not course.holds:
                yield self._clash(lasting, updated, course, passed)

    def _clash(self, lasting: _Lasting, updated: frozenset[str], course: Course, passed: frozenset[str]) -> Clash:
        case = lasting.case
        pending = self.changed - updated
        return Clash(
            updated=passed & updated or updated,
            pending=passed & pending or pending,
            example=Break(
                flow=lasting.flow.name,
                source=_end(case.source),
                destination=_end(case.destination),
                traffic=str(case.traffic),
                verdict=str(course),
            ),
        )

    def _passed(self, lasting: _Lasting, *courses: Course) -> frozenset[str]:
        """The changed machines on a packet's ways, its ends included."""
        case = lasting.case
        ends = [end.place.machine.name for end in (case.source, case.destination) if end.place is not None]
        ways = (way for one in (*lasting.courses, *courses) for way in (one.there, one.back))
        return self.changed & {*ends, *chain.from_iterable(ways)}

    def _lasting(self, turn: int, between: World | None = None) -> Iterator[_Lasting]:
        """Yield one packet of each class that the states tell apart, where it holds before and after."""
        was, now = self._pairs[turn]
        worlds = (was, now) if between is None else (was, now, between)
        symmetry = self._symmetries[turn] if between is None else _joined(self._symmetries[turn], now, between)
        for flow in self._flows:
            asked = all_asked([world.asked(flow) for world in worlds])
            for packets in self._packets(flow, worlds):
                book = CaseBook(symmetry, packets.sources, packets.destinations, packets.traffic, asked)
                for batch in book.batches():
                    courses = was.follow(flow, batch.example), now.follow(flow, batch.example)
                    if all(course.holds for course in courses):
                        yield _Lasting(flow=flow, case=batch.example, courses=courses)

    def _packets(self, flow: Flow, worlds: Sequence[World]) -> Iterator[Packets]:
        """Yield the packets that the flow asks for both before and after, in classes of all the worlds."""
        sources, destinations, traffic = worlds[0].ends(flow)
        for world in worlds[1:]:
            ends = world.ends(flow)
            sources, destinations = refine_addresses(sources, ends[0]), refine_addresses(destinations, ends[1])
            traffic = refine_traffic(traffic, ends[2])
        packets = Packets(sources=sources, destinations=destinations, traffic=traffic)
        if any(is_same_demand(flow, one) for one in self._earlier):
            yield packets
            return
        outside = merge(part for world in worlds for part in world.network.outside())
        known, _ = divide_by_all(packets, (one for one in self._earlier if covers(one, flow)), outside)
        yield from (part for _, part in known)


def _end(one: AddressClass) -> str:
    """The addresses of an end, but for the internet's, which are too many to be read."""
    return describe_place(one.place) if one.place is not None and one.place.kind == "outside" else str(one)


def _joined(symmetry: JointSymmetry, now: World, between: World) -> JointSymmetry:
    """The machines that may change places in a third network, too."""
    third = find_symmetry(between.network)
    return JointSymmetry(
        owners=third.owners, classes=third.classes, networks=(now.network, between.network), earlier=symmetry
    )


def _mixtures(passed: frozenset[str]) -> Iterator[frozenset[str]]:
    """Yield the sets of machines that may be new while others of the same way are old."""
    nodes = sorted(passed)
    sizes = range(1, len(nodes)) if len(nodes) <= MOST_TOGETHER else (1, len(nodes) - 1)
    yield from (frozenset(some) for size in sizes for some in combinations(nodes, size))
