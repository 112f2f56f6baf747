"""Ways that a flow's packets take, chosen so that few stand for all."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from netwright.report.lines import Line, Lines
from netwright.text.report import Severity
from netwright.verify import Decision, Example, Finding, Flow
from netwright.verify.proof.cases import CaseBook
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify_input.world import Journey, World

MOST_TRIED = 40
"""Most pairs of groups of addresses that are tried to find ways that differ."""
MOST_OF_A_FLOW, MOST_OF_ALL = 6, 400
"""Most ways of one flow, and of all flows together: each has one at least."""


class Step(Struct, frozen=True, kw_only=True):
    """One decision of a machine, and the line that made it; whether it `differs` from the other state's."""

    text: str
    line: Line | None
    differs: bool = False


class Hop(Struct, frozen=True, kw_only=True):
    """Decisions of one machine in a row."""

    node: str
    steps: tuple[Step, ...]


class ShownWay(Struct, frozen=True, kw_only=True):
    """The way of one packet and its answer: who to whom, with what, the hops, and how it ends, in words and by `kind`:
    arrives, refused (as it is to be) or fails."""

    sender: str
    source: str
    receiver: str
    destination: str
    traffic: str
    kind: str
    ending: str
    there: tuple[Hop, ...]
    back: tuple[Hop, ...]

    @property
    def packet(self) -> tuple[str, str, str]:
        """Its addresses and its traffic."""
        return self.source, self.destination, self.traffic


def most_ways(flows: int) -> int:
    """Return how many ways each of some flows may have."""
    return max(min(MOST_OF_A_FLOW, MOST_OF_ALL // max(flows, 1)), 1)


def choose_ways(
    world: World, symmetry: Symmetry, flow: Flow, findings: Iterable[Finding], most: int, *, lines: Lines
) -> tuple[ShownWay, ...]:
    """The ways of a flow: first the examples of what fails, then those that differ by the machines between the ends."""
    failures = [show_example(one, lines) for one in findings if _is_failure_of(one, flow)]
    known = {way.packet for way in failures}
    journeys = sorted(_distinct(world, symmetry, flow), key=lambda journey: journey.holds)
    others = [show_journey(flow, journey, lines) for journey in journeys[:most]]
    new = [way for way in others if way.packet not in known]
    return (*failures, *new)[:most]


def _is_failure_of(finding: Finding, flow: Flow) -> bool:
    example = finding.example
    return finding.severity is Severity.ERROR and example is not None and example.flow == flow.name


def _distinct(world: World, symmetry: Symmetry, flow: Flow) -> Iterator[Journey]:
    """Yield a journey for each row of machines between the ends, and each outcome."""
    met = set()
    book = CaseBook(symmetry, *world.ends(flow), world.asked(flow))
    for batch in book.batches(MOST_TRIED):
        journey = world.journey(flow, batch.example)
        if journey is None:
            continue
        key = (journey.outcome, journey.cause, between(journey.example.there), between(journey.example.back))
        if key not in met:
            met.add(key)
            yield journey


def between(decisions: Sequence[Decision]) -> tuple[str, ...]:
    """Return the machines between the ends."""
    return tuple(node for node, _ in groupby(decisions, key=lambda decision: decision.node))[1:-1]


def show_journey(flow: Flow, journey: Journey, lines: Lines) -> ShownWay:
    """A journey with its lines."""
    where = f"at {journey.node}: {journey.cause}" if journey.cause else f"at {journey.node}"
    if flow.must_arrive:
        if journey.holds:
            return _show(journey.example, "arrives", "arrives, and is answered", lines)
        return _show(journey.example, "fails", f"{journey.outcome} {where}", lines)
    if journey.holds:
        return _show(journey.example, "refused", f"kept out {where}", lines)
    return _show(journey.example, "fails", f"{journey.outcome} at {journey.node}, and is to be kept out", lines)


def show_example(finding: Finding, lines: Lines) -> ShownWay:
    """The example of a finding that has one."""
    if finding.example is None:
        raise ValueError("a finding without an example")
    return _show(finding.example, "fails", f"{finding.kind} at {finding.nodes[0]}: {finding.cause}", lines)


def _show(example: Example, kind: str, ending: str, lines: Lines) -> ShownWay:
    return ShownWay(
        sender=example.sender,
        source=example.source,
        receiver=example.receiver,
        destination=example.destination,
        traffic=example.traffic,
        kind=kind,
        ending=ending,
        there=_hops(example.there, lines),
        back=_hops(example.back, lines),
    )


def _hops(decisions: Iterable[Decision], lines: Lines) -> tuple[Hop, ...]:
    return tuple(
        Hop(node=node, steps=tuple(_step(decision, lines) for decision in row))
        for node, row in groupby(decisions, key=lambda decision: decision.node)
    )


def _step(decision: Decision, lines: Lines) -> Step:
    return Step(text=decision.text, line=lines.find(decision.origin) if decision.origin is not None else None)
