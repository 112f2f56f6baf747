"""Cases to try for a flow: pairs of address classes with classes of traffic, and which of them are alike.

Thousands of equivalent nodes make millions of pairs, and one conversation stands for all of a batch.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.verify.network_model.network import Place
from netwright.verify.proof.classes import AddressClass, TrafficClass, TrafficOf
from netwright.verify.proof.on_the_way import Asked
from netwright.verify.proof.symmetry import Symmetry

MOST_ALIKE = 50_000
"""Of a batch of more cases that fail, not every one is tried: each end is, with one other end."""


class Case(Struct, frozen=True, kw_only=True):
    """One pair of address classes with one class of traffic; `pairs` is the number of address pairs it stands for."""

    source: AddressClass
    destination: AddressClass
    traffic: TrafficClass
    start: Place
    pairs: int


def cases_of(
    sources: Sequence[AddressClass],
    destinations: Sequence[AddressClass],
    traffic: Sequence[TrafficClass],
    asked: Asked | None = None,
) -> Iterator[Case]:
    """Every case of a flow; what stays on one machine is no case, nor what is sent from an unassigned address."""
    for source in sources:
        for destination in destinations:
            for kind in traffic if asked is None or asked(source, destination) else ():
                case = _case_of(source, destination, kind)
                if case is not None:
                    yield case


def _case_of(source: AddressClass, destination: AddressClass, traffic: TrafficClass) -> Case | None:
    start = source.place
    if start is None or start == destination.place:
        return None
    pairs = source.size * destination.size
    return Case(source=source, destination=destination, traffic=traffic, start=start, pairs=pairs)


class _ClassGroup(Struct):
    """Equivalent address classes, each of another machine, in order; `number` counts groups."""

    number: int
    members: list[AddressClass] = field(default_factory=list)
    by_machine: dict[str, AddressClass] = field(default_factory=dict)


Key = tuple[int, int, bool]
"""The groups of the sources and of the destinations, and whether both ends are on the same machine."""


class Batch(Struct, frozen=True, kw_only=True):
    """Cases that all end alike: one of them, how many they are, and for how many address pairs they stand."""

    key: Key
    example: Case
    count: int
    pairs: int


class CaseBook:
    """The cases of a flow in batches."""

    def __init__(
        self,
        symmetry: Symmetry,
        sources: Sequence[AddressClass],
        destinations: Sequence[AddressClass],
        traffic: Sequence[TrafficClass],
        asked: Asked | None = None,
        *,
        traffic_of: TrafficOf | None = None,
    ) -> None:
        """Groups the ends; pairs of them that `asked` refuses make no cases. `traffic_of` returns which classes
        of traffic matter for a pair, if not all do."""
        self._asked = asked
        self._traffic_of = traffic_of
        self._sources = [one for one in sources if one.place is not None]
        self._destinations = destinations
        self._traffic = traffic
        self._source_groups = _groups(symmetry, self._sources)
        both_alike = [*destinations] == self._sources
        self._destination_groups = self._source_groups if both_alike else _groups(symmetry, destinations)

    def batches(self, most: int | None = None) -> Iterator[Batch]:
        """All batches: together they hold every case once. Of more pairs of groups than `most`, only so many, in which
        every group is both a source and a destination."""
        distant = _Distant([*_distinct(self._destination_groups)])
        step = self._step(most)
        for number, near in enumerate(_distinct(self._source_groups)):
            for far in distant.from_(near)[number % step :: step]:
                shared = [name for name in near.by_machine if name in far.by_machine]
                apart = len(near.members) * len(far.members) - len(shared)
                if apart:
                    yield from self._batches((near.number, far.number, False), _two_apart(near, far), apart)
                if shared:
                    pair = near.by_machine[shared[0]], far.by_machine[shared[0]]
                    yield from self._batches((near.number, far.number, True), pair, len(shared))

    def is_sampled(self, most: int) -> bool:
        """Return whether there are more pairs of groups than `most`."""
        return self._step(most) > 1

    def _step(self, most: int | None) -> int:
        sources, destinations = (
            len({group.number for group in groups}) for groups in (self._source_groups, self._destination_groups)
        )
        if most is None or sources * destinations <= most:
            return 1
        return min(-(-sources * destinations // most), sources, destinations)

    def _batches(self, key: Key, pair: tuple[AddressClass, AddressClass], count: int) -> Iterator[Batch]:
        if self._asked is not None and not self._asked(*pair):
            return
        for traffic in self._traffic if self._traffic_of is None else self._traffic_of(*pair):
            example = _case_of(*pair, traffic)
            if example is not None:
                yield Batch(key=key, example=example, count=count, pairs=count * example.pairs)

    def cases(self, batches: Iterable[Batch]) -> Iterator[Case]:
        """The cases of some batches, in the order in which `cases_of` has them. Of a batch of more than MOST_ALIKE only
        those with its first source or its first destination; the first of these stands for the pairs of the rest too.
        """
        wanted: dict[Key, list[TrafficClass]] = defaultdict(list)
        untried: dict[Key, int] = {}
        for batch in batches:
            wanted[batch.key].append(batch.example.traffic)
            if batch.count > MOST_ALIKE and not batch.key[2]:
                untried[batch.key] = batch.count - self._tried(batch.key)
        met: dict[tuple[int, bool], list[tuple[AddressClass, _ClassGroup]]] = {}
        rest = {(key, traffic): number for key, number in untried.items() for traffic in wanted[key]}
        for source, near in zip(self._sources, self._source_groups, strict=True):
            side = near.number, source is near.members[0]
            if side not in met:
                met[side] = [*self._met(*side, wanted, untried)]
            for destination, far in met[side]:
                key = near.number, far.number, _name(source) == _name(destination)
                for traffic in wanted.get(key, ()):
                    case = _case_of(source, destination, traffic)
                    if case is not None:
                        yield replace(case, pairs=case.pairs * (1 + rest.pop((key, traffic), 0)))

    def _met(
        self, near: int, is_first: bool, wanted: Mapping[Key, object], untried: Mapping[Key, object]
    ) -> Iterator[tuple[AddressClass, _ClassGroup]]:
        """The destinations that the sources of a group are tried with, the first source or the others."""
        for destination, far in zip(self._destinations, self._destination_groups, strict=True):
            is_tried = is_first or destination is far.members[0] or (near, far.number, False) not in untried
            if (is_tried and (near, far.number, False) in wanted) or (near, far.number, True) in wanted:
                yield destination, far

    def _tried(self, key: Key) -> int:
        """Return the number of cases of a large batch with its first source or its first destination."""
        near = next(group for group in self._source_groups if group.number == key[0])
        far = next(group for group in self._destination_groups if group.number == key[1])
        source, destination = near.members[0], far.members[0]
        return sum(_name(source) != _name(one) for one in far.members) + sum(
            _name(one) != _name(destination) for one in near.members[1:]
        )


def _name(one: AddressClass) -> str | None:
    return one.place.machine.name if one.place is not None else None


def _groups(symmetry: Symmetry, classes: Iterable[AddressClass]) -> list[_ClassGroup]:
    """The group of each address class."""
    groups: dict[Hashable, _ClassGroup] = {}
    found = []
    for one in classes:
        likeness: Hashable = symmetry.likeness(one) or one
        group = groups.get(likeness)
        if group is None:
            group = groups[likeness] = _ClassGroup(number=len(groups))
        group.members.append(one)
        name = _name(one)
        if name is not None:
            group.by_machine[name] = one
        found.append(group)
    return found


def _distinct(groups: Iterable[_ClassGroup]) -> Iterable[_ClassGroup]:
    return {group.number: group for group in groups}.values()


class _Distant:
    """Groups of destinations, without those at the place that most of them are at for the groups that are there too.

    A machine of 10,000 interfaces sends nothing to itself: 100 million pairs would be looked at to find no case.
    """

    def __init__(self, groups: Sequence[_ClassGroup]) -> None:
        """Finds the place."""
        counts = Counter(place for group in groups if (place := _only_place(group)) is not None)
        self._groups = groups
        self._busiest = counts.most_common(1)[0][0] if counts else None
        self._elsewhere = [group for group in groups if _only_place(group) != self._busiest]

    def from_(self, near: _ClassGroup) -> Sequence[_ClassGroup]:
        """Return the groups that there may be a case with."""
        is_there = self._busiest is not None and _only_place(near) == self._busiest
        return self._elsewhere if is_there else self._groups


def _only_place(group: _ClassGroup) -> Place | None:
    """Return the place of a group's only member."""
    return group.members[0].place if len(group.members) == 1 else None


def _two_apart(near: _ClassGroup, far: _ClassGroup) -> tuple[AddressClass, AddressClass]:
    """A member of each that are not on the same machine; there are such."""
    return next((one, other) for one in near.members[:2] for other in far.members[:2] if _name(one) != _name(other))
