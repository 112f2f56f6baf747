"""Ways of packets in two states of OUT side by side: as they were, as they are, and which decisions differ."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from netwright.compare.against import Pair, make_pair
from netwright.compare.change import Compared
from netwright.report.lines import Lines
from netwright.report.ways import MOST_TRIED, Hop, Step, between, most_ways, show_journey
from netwright.verify import Example, Flow
from netwright.verify.proof.cases import Case
from netwright.verify_input.world import Journey, World


class Side(Struct, frozen=True, kw_only=True):
    """A packet in one state: how it ends, in words and by `kind` (arrives, refused, fails, unjudged), and its hops."""

    kind: str
    ending: str
    there: tuple[Hop, ...] = ()
    back: tuple[Hop, ...] = ()


class ShownPair(Struct, frozen=True, kw_only=True):
    """One packet in both states: who to whom, with what, and its way before and now."""

    sender: str
    source: str
    receiver: str
    destination: str
    traffic: str
    before: Side
    now: Side

    @property
    def packet(self) -> tuple[str, str, str]:
        """Its addresses and its traffic."""
        return self.source, self.destination, self.traffic


def pair_ways(compared: Compared, out: str) -> Mapping[str, tuple[ShownPair, ...]]:
    """Return by flow the packets whose way, or a decision on it, differs: those of changes first, then
    others, each that differs from the rest by the machines between the ends, by how it ends, or by what decides."""
    lines = Lines(str(compared.out)), Lines(out)
    worlds = [World(form) for form in compared.before.forms], [World(form) for form in compared.forms]
    turns = range(max(map(len, worlds)))
    forms = [[side[turn % len(side)] for side in worlds] for turn in turns]
    pairs = [make_pair(was, now, borrowed=compared.before.is_borrowed) for was, now in forms]
    past = {flow.name: flow for flow in compared.before.flows}
    today = {flow.name: flow for flow in compared.flows}
    most = max(most_ways(len(past | today)) // 2, 1)
    found = {}
    for name, flow in (past | today).items():
        changes = [one for one in compared.changes if one.flow == name]
        cases = chain(
            ((pair, past.get(name, flow) if one.effect else flow, one.case) for one in changes for pair in pairs),
            _sampled(pairs[0], flow) if name in today else (),
        )
        found[name] = tuple(_distinct(cases, lines, most))
    return {name: shown for name, shown in found.items() if shown}


_FLAGS = re.compile(r"\btcp (?:SYN\+ACK|SYN|ACK)\b")
"""Of a conversation that fails the SYN is shown, of one that works the ACK: that is no difference of the ways."""

_Asked = tuple[Pair, Flow, Case]
"""A case of a flow, and the networks in which it is tried."""


def _sampled(pair: Pair, flow: Flow) -> Iterator[_Asked]:
    """Yield cases of a flow, few for all."""
    for batch in pair.batches(flow, pair.packets(flow), MOST_TRIED):
        yield pair, flow, batch.example


def _distinct(cases: Iterable[_Asked], lines: tuple[Lines, Lines], most: int) -> Iterator[ShownPair]:
    """Yield the packets that fare otherwise, each that differs from the others in how, at most so many."""
    met: set[object] = set()
    packets = set()
    for pair, flow, case in cases:
        journeys = pair.before.journey_from(flow, case), pair.after.journey_from(flow, case)
        example = next((one.example for one in reversed(journeys) if one is not None), None)
        if example is None:
            continue
        sides = [
            _see(world, flow, case, journey, read)
            for world, journey, read in zip((pair.before, pair.after), journeys, lines, strict=True)
        ]
        was, now = _mark(*sides)
        shown = _show(example, was, now)
        if shown.packet in packets or (was.ending == now.ending and not _differing(was) and not _differing(now)):
            continue
        likeness = (*map(_likeness, journeys), _differing(was), _differing(now))
        if likeness in met:
            continue
        met.add(likeness)
        packets.add(shown.packet)
        yield shown
        if len(packets) == most:
            return


def _likeness(journey: Journey | None) -> object:
    if journey is None:
        return None
    return journey.outcome, journey.cause, between(journey.example.there), between(journey.example.back)


def _differing(side: Side) -> frozenset[str]:
    """Return the lines that decide otherwise."""
    steps = (step for hop in (*side.there, *side.back) for step in hop.steps if step.differs)
    return frozenset(step.line.place if step.line is not None else step.text for step in steps)


def _see(world: World, flow: Flow, case: Case, journey: Journey | None, lines: Lines) -> Side:
    """A packet in one state; where no file leads it, what is said of it."""
    if journey is not None:
        way = show_journey(flow, journey, lines)
        return Side(kind=way.kind, ending=way.ending, there=way.there, back=way.back)
    course = world.follow(flow, case)
    return Side(kind="unjudged", ending=course.verdict if course.known else "one of the addresses is unassigned")


def _show(example: Example, before: Side, now: Side) -> ShownPair:
    return ShownPair(
        sender=example.sender,
        source=example.source,
        receiver=example.receiver,
        destination=example.destination,
        traffic=example.traffic,
        before=before,
        now=now,
    )


def _mark(before: Side, now: Side) -> tuple[Side, Side]:
    """Return both sides, with the decisions marked that the other has not."""
    there, back = _mark_hops(before.there, now.there), _mark_hops(before.back, now.back)
    return replace(before, there=there[0], back=back[0]), replace(now, there=there[1], back=back[1])


def _mark_hops(before: Sequence[Hop], now: Sequence[Hop]) -> tuple[tuple[Hop, ...], tuple[Hop, ...]]:
    same: tuple[set[int], set[int]] = set(), set()
    for block in SequenceMatcher(None, _flat(before), _flat(now), autojunk=False).get_matching_blocks():
        same[0].update(range(block.a, block.a + block.size))
        same[1].update(range(block.b, block.b + block.size))
    return _marked(before, same[0]), _marked(now, same[1])


def _flat(hops: Sequence[Hop]) -> list[tuple[str, ...]]:
    """Return what each decision is: its machine, its text, the file and the text of its line, wherever that stands."""
    return [(hop.node, _FLAGS.sub("tcp", step.text), *_written(step)) for hop in hops for step in hop.steps]


def _written(step: Step) -> tuple[str, ...]:
    return (step.line.place.rpartition(":")[0], step.line.text) if step.line is not None else ()


def _marked(hops: Sequence[Hop], same: set[int]) -> tuple[Hop, ...]:
    marked, number = [], 0
    for hop in hops:
        steps = [replace(step, differs=number + index not in same) for index, step in enumerate(hop.steps)]
        marked.append(replace(hop, steps=tuple(steps)))
        number += len(steps)
    return tuple(marked)
