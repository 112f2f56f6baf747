"""Effects of a change of the files on the flows: the packets it stops, lets through, or sends another way."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.compare.change import Change, ChangeKind, Earlier, Effect
from netwright.compare.refinement import JointSymmetry, joint_symmetry, refine_addresses, refine_traffic
from netwright.verify import Flow, Outcome, Ranges
from netwright.verify.network_model.network import Network, describe_place
from netwright.verify.proof.cases import Batch, CaseBook
from netwright.verify.proof.on_the_way import all_asked
from netwright.verify.values.addresses import merge
from netwright.verify_input.demands import Packets, covers, divide_by_all, is_same_demand
from netwright.verify_input.world import Course, World


def compare(
    before: Earlier,
    after: Sequence[Network],
    flows: Sequence[Flow],
    progress: Callable[[int], None] = lambda _flows: None,
    *,
    asked: Sequence[Flow] | None = None,
) -> tuple[Change, ...]:
    """Return the differences of the second network from the first, flow by flow, what breaks first.

    Each comes in the forms that it may take (who holds a virtual address); forms of the same number are compared.
    `asked` are all flows of today (None: `flows`): what one of them asks for is no longer asked for by none.
    """
    worlds = [World(network) for network in before.forms], [World(network) for network in after]
    today = asked if asked is not None else flows
    unchanged = {flow.name: flow for flow in before.flows}
    names = {flow.name: flow for flow in today}
    chosen = {flow.name for flow in (flows if len(flows) < len(today) else before.flows)}
    lost = [flow for flow in before.flows if names.get(flow.name) != flow and flow.name in chosen]
    found: _ByEffect = {}
    for turn in range(max(map(len, worlds))):
        was, now = (forms[turn % len(forms)] for forms in worlds)
        pair = make_pair(was, now, borrowed=before.is_borrowed)
        for flow in flows:
            known = [flow] if unchanged.get(flow.name) == flow else before.flows
            _gather(found, _changes(pair, flow, known))
            progress(1)
        for flow in lost:
            _gather(found, _losses(pair, flow, today))
    return tuple(sorted(found.values(), key=_urgency))


_ByEffect = dict[tuple[ChangeKind, str, str | None], Change]


def _gather(found: _ByEffect, changes: Iterable[Change]) -> None:
    for change in changes:
        key = change.kind, change.flow, change.effect
        known = found.setdefault(key, change)
        if change.classes > known.classes:
            found[key] = replace(known, classes=change.classes)


def _urgency(change: Change) -> tuple[int, bool]:
    return [*ChangeKind].index(change.kind), change.effect is not Effect.ADMITTED


class _Courses(Struct, frozen=True, kw_only=True):
    """Cases that are alike in both states, and the course of one of them in each."""

    batch: Batch
    was: Course
    now: Course


class Pair(Struct, frozen=True, kw_only=True):
    """Two networks that are compared; the first is `borrowed` if it is wired by the topology of the second."""

    before: World
    after: World
    symmetry: JointSymmetry
    borrowed: bool

    def packets(self, flow: Flow) -> Packets:
        """The packets of a flow, in classes of what either network tells apart."""
        was, now = self.before.ends(flow), self.after.ends(flow)
        return Packets(
            sources=refine_addresses(was[0], now[0]),
            destinations=refine_addresses(was[1], now[1]),
            traffic=refine_traffic(was[2], now[2]),
        )

    def outside(self) -> Ranges:
        """The internet of either."""
        return merge((*self.before.network.outside(), *self.after.network.outside()))

    def batches(self, flow: Flow, packets: Packets, most: int | None = None) -> Iterator[Batch]:
        """The cases that either network knows, of at most so many pairs of groups of addresses; what stays on one
        machine is no case."""
        asked = all_asked((self.before.asked(flow), self.after.asked(flow)))
        book = CaseBook(self.symmetry, packets.sources, packets.destinations, packets.traffic, asked)
        return book.batches(most)

    def follow(self, flow: Flow, packets: Packets) -> Iterator[_Courses]:
        """The courses of each case."""
        for batch in self.batches(flow, packets):
            was, now = self.before.follow(flow, batch.example), self.after.follow(flow, batch.example)
            yield _Courses(batch=batch, was=was, now=now)

    def belonging(self, courses: _Courses) -> ChangeKind | None:
        """Return whether an end is assigned in one of the two states only."""
        was, now = courses.was, courses.now
        ends = courses.batch.example.source.first, courses.batch.example.destination.first
        counts = [
            sum(_is_owned(world.network, ip, borrowed=borrowed) for ip in ends)
            for world, borrowed in ((self.before, self.borrowed), (self.after, False))
        ]
        if was.known != now.known:
            return ChangeKind.ADDS if now.known else ChangeKind.TAKES
        if counts[0] != counts[1]:
            return ChangeKind.ADDS if counts[1] > counts[0] else ChangeKind.TAKES
        return None


def make_pair(before: World, after: World, *, borrowed: bool) -> Pair:
    """Two networks to be compared."""
    symmetry = joint_symmetry(before.network, after.network)
    return Pair(before=before, after=after, symmetry=symmetry, borrowed=borrowed)


def _is_owned(network: Network, ip: int, *, borrowed: bool) -> bool:
    """Return whether a machine or a pod of the network has the IP; with borrowed wiring, only if files have it too."""
    place = network.place_of(ip)
    return place is not None and place.kind != "outside" and not (borrowed and ip in network.assignment.missing)


def _changes(pair: Pair, flow: Flow, earlier: Sequence[Flow]) -> Iterator[Change]:
    """Return the changes of a flow of today: in packets that the other state asked for, and in new ones."""
    if any(is_same_demand(flow, one) for one in earlier):
        parts: list[tuple[Packets, bool]] = [(pair.packets(flow), False)]
    else:
        known, new = divide_by_all(pair.packets(flow), (one for one in earlier if covers(one, flow)), pair.outside())
        parts = [*((packets, False) for _, packets in known), *((packets, True) for packets in new)]
    found: _ByEffect = {}
    for packets, is_new in parts:
        for courses in pair.follow(flow, packets):
            kind = pair.belonging(courses) or _kind(flow, courses.was, courses.now, is_new=is_new)
            if kind is not None:
                _count(found, _change(flow, kind, courses))
    yield from found.values()


def _losses(pair: Pair, flow: Flow, today: Sequence[Flow]) -> Iterator[Change]:
    """Return the losses of a flow of the other state: packets that today's flow of this name does not name."""
    packets = pair.packets(flow)
    same = [one for one in today if covers(one, flow)]
    _, rest = divide_by_all(packets, (one for one in same if one.name == flow.name), pair.outside())
    found: _ByEffect = {}
    for part in rest:
        named, unnamed = divide_by_all(part, (one for one in same if one.name != flow.name), pair.outside())
        for heir, own in (*named, *((None, own) for own in unnamed)):
            for courses in pair.follow(flow, own):
                _count(found, _loss(pair, flow, heir, courses))
    yield from found.values()


def _loss(pair: Pair, flow: Flow, heir: Flow | None, courses: _Courses) -> Change:
    belonging = pair.belonging(courses)
    if belonging is not None:
        return _change(flow, belonging, courses)
    effect = _effect(flow, courses.was, courses.now)
    if heir is None:
        return _change(flow, ChangeKind.LOST, courses, effect)
    return _change(flow, ChangeKind.KEPT, courses, f"by {heir.name}: {effect}")


def _count(found: _ByEffect, change: Change) -> None:
    key = change.kind, change.flow, change.effect
    if key in found:
        change = replace(found[key], classes=found[key].classes + change.classes)
    found[key] = change


def _change(flow: Flow, kind: ChangeKind, courses: _Courses, effect: str | None = None) -> Change:
    case = courses.batch.example
    return Change(
        flow=flow.name,
        kind=kind,
        classes=courses.batch.count,
        case=case,
        source=str(case.source),
        destination=str(case.destination),
        traffic=str(case.traffic),
        before=courses.was,
        after=courses.now,
        sender=describe_place(case.source.place),
        receiver=describe_place(case.destination.place),
        effect=effect,
    )


def _effect(flow: Flow, was: Course, now: Course) -> Effect:
    """Return what now happens to packets that no flow asks for any more."""
    if now.verdict == Outcome.UNKNOWN or (not flow.must_arrive and now.verdict in _UNDECIDED):
        return Effect.UNKNOWN
    if flow.must_arrive:
        if now.verdict == Outcome.NAT_APPLIED:
            return Effect.TRANSLATED
        if now.holds:
            return Effect.ARRIVES if was.holds else Effect.ARRIVES_NOW
        return Effect.CLOSES if was.holds else Effect.STILL_CLOSED
    if now.holds:
        return Effect.BLOCKED if was.holds else Effect.BLOCKED_NOW
    return Effect.ADMITTED if was.holds else Effect.STILL_ADMITTED


_UNDECIDED = frozenset(str(one) for one in Outcome if one is not Outcome.ACCEPTED and not one.keeps_out)


def _kind(flow: Flow, was: Course, now: Course, *, is_new: bool) -> ChangeKind | None:
    if was.holds != now.holds:
        if was.holds:
            return ChangeKind.BREAKS
        if not is_new:
            return ChangeKind.REPAIRS
        return ChangeKind.OPENS if flow.must_arrive else ChangeKind.CLOSES
    arrive = was.verdict == now.verdict == Outcome.ACCEPTED
    if was.holds and arrive and (was.there, was.back) != (now.there, now.back):
        return ChangeKind.REROUTES
    return None
