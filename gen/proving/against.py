"""What a change of the files does to the flows: which packets it stops, lets through, or sends another way."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from gen.verify import Flow, Outcome
from gen.verify.classes import Cuts, TrafficClass, judged
from gen.verify.conversation import converse, first_packet, send_first
from gen.verify.network import Network
from gen.verify.proof import Case, cases_of
from gen.verify.trace import Way
from gen.verify.walk import Memory, Walker


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How one packet's conversation goes: whether the flow holds for it, its verdict, the nodes there and back."""

    holds: bool
    verdict: str
    there: tuple[str, ...]
    back: tuple[str, ...]

    def __str__(self) -> str:
        way = " -> ".join(self.there) + (f", back {' -> '.join(self.back)}" if self.back else "")
        return f"{self.verdict} ({way})" if way else self.verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One flow and what a change does to it: breaks, repairs or reroutes, in how many classes, and one of them."""

    flow: str
    kind: str
    classes: int
    source: str
    destination: str
    traffic: str
    before: Course
    after: Course


def describe_change(change: Change) -> str:
    """The change for people, on one line."""
    classes = "" if change.classes == 1 else f" and {change.classes - 1} classes more"
    packets = f"{change.traffic} from {change.source} to {change.destination}{classes}"
    return f"{change.kind} {change.flow}: {packets}: was {change.before}; now {change.after}"


def compare(before: Network, after: Network, flows: Sequence[Flow]) -> tuple[Change, ...]:
    """What distinguishes the second network from the first, flow by flow: what breaks first."""
    worlds = [World(before), World(after)]
    found = [change for flow in flows for change in _changes(worlds[0], worlds[1], flow)]
    return tuple(sorted(found, key=lambda change: _KINDS.index(change.kind)))


_KINDS = ("breaks", "repairs", "reroutes")


class World:
    """A network with what is remembered of it."""

    def __init__(self, network: Network) -> None:
        """Nothing is remembered yet."""
        self.network = network
        self.memory = Memory()
        self.cuts = Cuts(network)

    def cases(self, flow: Flow) -> Iterator[Case]:
        """The flow's cases, as this network's files tell addresses apart."""
        origins = flow.sources + (self.network.outside() if flow.from_internet else ())
        targets = flow.destinations + (self.network.outside() if flow.to_internet else ())
        destinations = judged(self.cuts.addresses(targets), targets)
        yield from cases_of(self.cuts.addresses(origins), destinations, self.cuts.traffic(flow.traffic))

    def follow(self, flow: Flow, source: int, destination: int, traffic: TrafficClass) -> Course:
        """The course of the class's first packet."""
        start = self.network.place_of(source)
        if start is None:
            return Course(holds=not flow.must_arrive, verdict="nobody has the source address", there=(), back=())
        packet = first_packet(traffic.protocol, source, destination, traffic.port)
        walker = Walker(self.network, self.memory)
        if flow.must_arrive:
            result = converse(walker, packet, start, nat_allowed=flow.nat_allowed)
            back = _nodes(result.reply) if result.reply is not None else ()
            holds = result.outcome is Outcome.ACCEPTED
            return Course(holds=holds, verdict=str(result.outcome), there=_nodes(result.there), back=back)
        way = Way()
        end = send_first(walker, packet, start, way)
        holds = end.outcome not in (Outcome.ACCEPTED, Outcome.UNKNOWN)
        return Course(holds=holds, verdict=str(end.outcome), there=_nodes(way), back=())


def _nodes(way: Way) -> tuple[str, ...]:
    return tuple(node for node, _ in groupby(name for name, _, _ in way.notes))


def _changes(before: World, after: World, flow: Flow) -> Iterator[Change]:
    """One change for each kind: each case of either network is sent through both."""
    met: dict[str, list[Change]] = defaultdict(list)
    for case in _distinct((*after.cases(flow), *before.cases(flow))):
        ends = (case.source.first, case.destination.first, case.traffic)
        was, now = before.follow(flow, *ends), after.follow(flow, *ends)
        kind = _kind(was, now)
        if kind is not None:
            met[kind].append(
                Change(
                    flow=flow.name,
                    kind=kind,
                    classes=1,
                    source=str(case.source),
                    destination=str(case.destination),
                    traffic=str(case.traffic),
                    before=was,
                    after=now,
                )
            )
    for kind in _KINDS:
        if met[kind]:
            yield replace(met[kind][0], classes=len(met[kind]))


def _kind(was: Course, now: Course) -> str | None:
    if was.holds != now.holds:
        return "breaks" if was.holds else "repairs"
    arrive = was.verdict == now.verdict == Outcome.ACCEPTED
    if was.holds and arrive and (was.there, was.back) != (now.there, now.back):
        return "reroutes"
    return None


def _distinct(cases: Iterable[Case]) -> Iterator[Case]:
    met = set()
    for case in cases:
        key = (case.source.first, case.destination.first, case.traffic.protocol, case.traffic.port)
        if key not in met:
            met.add(key)
            yield case
