"""What a change of the files does to the flows: which packets it stops, lets through, or sends another way."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from gen.counting import count
from gen.proving.refinement import TwinsOfBoth, refine_addresses, refine_traffic, twins_of_both
from gen.proving.world import Course, World
from gen.verify import Flow, Outcome
from gen.verify.cases import CaseBook
from gen.verify.network import Network
from gen.verify.on_the_way import all_asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One flow and what a change does to it, in how many classes of packets, and one of them.

    It breaks, repairs or reroutes the flow, or adds to it or takes from it what is somebody's in one state only.
    """

    flow: str
    kind: str
    classes: int
    source: str
    destination: str
    traffic: str
    before: Course
    after: Course


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The changes since another state of OUT: its name, that of its own topology (None: today's), nodes it lacks."""

    state: str
    topology: str | None
    absent: tuple[str, ...]
    changes: tuple[Change, ...]


def describe_change(change: Change) -> str:
    """The change for people, on one line."""
    more = change.classes - 1
    classes = f" and {count(more, 'class', 'classes')} more" if more else ""
    packets = f"{change.traffic} from {change.source} to {change.destination}{classes}"
    was = change.before if change.before.known else "was nobody's address"
    now = change.after if change.after.known else "is nobody's address"
    return f"{change.kind} {change.flow}: {packets}: before: {was}; now: {now}"


def compare(
    before: Sequence[Network],
    after: Sequence[Network],
    flows: Sequence[Flow],
    progress: Callable[[int], None] = lambda _flows: None,
) -> tuple[Change, ...]:
    """What distinguishes the second network from the first, flow by flow, what breaks first.

    Each comes in the forms that it may take (who holds a virtual address); forms of the same number are compared.
    """
    worlds = [World(network) for network in before], [World(network) for network in after]
    found: dict[tuple[str, str], Change] = {}
    for turn in range(max(map(len, worlds))):
        was, now = (forms[turn % len(forms)] for forms in worlds)
        twins = twins_of_both(was.network, now.network)
        for flow in flows:
            for change in _changes(was, now, twins, flow):
                known = found.setdefault((change.kind, change.flow), change)
                if change.classes > known.classes:
                    found[change.kind, change.flow] = replace(known, classes=change.classes)
            progress(1)
    return tuple(sorted(found.values(), key=lambda change: _KINDS.index(change.kind)))


_KINDS = ("breaks", "repairs", "reroutes", "adds to", "takes from")


def _changes(before: World, after: World, twins: TwinsOfBoth, flow: Flow) -> Iterator[Change]:
    """One change for each kind: each case that either network knows is sent through both, one of all that are alike."""
    met: dict[str, Change] = {}
    for batch in _book(before, after, twins, flow).batches():
        case = batch.example
        was, now = before.follow(flow, case), after.follow(flow, case)
        kind = _kind(was, now)
        if kind in met:
            met[kind] = replace(met[kind], classes=met[kind].classes + batch.count)
        elif kind is not None:
            met[kind] = Change(
                flow=flow.name,
                kind=kind,
                classes=batch.count,
                source=str(case.source),
                destination=str(case.destination),
                traffic=str(case.traffic),
                before=was,
                after=now,
            )
    yield from met.values()


def _kind(was: Course, now: Course) -> str | None:
    if was.known != now.known:
        return "adds to" if now.known else "takes from"
    if was.holds != now.holds:
        return "breaks" if was.holds else "repairs"
    arrive = was.verdict == now.verdict == Outcome.ACCEPTED
    if was.holds and arrive and (was.there, was.back) != (now.there, now.back):
        return "reroutes"
    return None


def _book(before: World, after: World, twins: TwinsOfBoth, flow: Flow) -> CaseBook:
    """The cases of what either network tells apart; what stays on one machine is no case."""
    was, now = before.ends(flow), after.ends(flow)
    sources, destinations = refine_addresses(was[0], now[0]), refine_addresses(was[1], now[1])
    asked = all_asked((before.asked(flow), after.asked(flow)))
    return CaseBook(twins, sources, destinations, refine_traffic(was[2], now[2]), asked)
