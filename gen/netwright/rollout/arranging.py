"""The order of machines, from what may not be new while something else is old."""

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from netwright.rollout.exploring import Clash
from netwright.rollout.values import Break, BrokenFlow, Step
from netwright.text.natural import natural_key

Unit = frozenset[str]
"""Machines that may change places: what holds for one of them holds for each."""

Units = frozenset[int]
"""Units by their numbers."""

MOST_STATES = 5_000
"""So many sets of finished units are looked at in search of an order."""


def arrange(
    units: Sequence[Unit], clashes: Sequence[Clash], apart: Collection[frozenset[str]] = ()
) -> tuple[Step, ...]:
    """The steps, each of as many units as may go together; with few flows broken where every order breaks some.

    Of machines that are to be kept `apart`, each a unit, no two go together.
    """
    search = _Search(
        [*range(len(units))], [_widen(units, clash) for clash in clashes], [_numbers(units, one) for one in apart]
    )
    waves = [*search.waves()]
    return tuple(
        Step(
            nodes=tuple(sorted(frozenset().union(*(units[one] for one in wave)), key=natural_key)),
            broken=tuple(_broken(waves, number, search.conflicts)),
        )
        for number, wave in enumerate(waves)
    )


class _Conflict(Struct, frozen=True, kw_only=True):
    """A clash of units: it happens while machines of each of the `updated` are new, and some of each `pending` old."""

    updated: Units
    pending: Units
    example: Break

    def may_happen(self, done: Units, wave: Units) -> bool:
        """Return whether it may happen while the units of a wave are done in any order."""
        return self.updated <= done | wave and not self.pending & done


def _widen(units: Sequence[Unit], clash: Clash) -> _Conflict:
    updated, pending = _numbers(units, clash.updated), _numbers(units, clash.pending)
    return _Conflict(updated=updated, pending=pending, example=clash.example)


def _numbers(units: Sequence[Unit], nodes: frozenset[str]) -> Units:
    """The units of some machines."""
    return frozenset(number for number, unit in enumerate(units) if unit & nodes)


class _Search:
    """Search for waves of units in which no conflict happens."""

    def __init__(self, units: Sequence[int], conflicts: Sequence[_Conflict], apart: Sequence[Units]) -> None:
        self._units, self._apart = units, apart
        self.conflicts = [*{(one.updated, one.pending, one.example.flow): one for one in conflicts}.values()]
        self._bound: Units = frozenset().union(*(one.updated | one.pending for one in conflicts))
        self._dead: set[Units] = set()

    def waves(self) -> Iterator[Units]:
        """Yield the units that go together, wave after wave."""
        done: Units = frozenset()
        while len(done) < len(self._units):
            wave = self._safe_wave(done) or self._free_wave(done) or frozenset({self._least_harmful(done)})
            yield wave
            done |= wave

    def _safe_wave(self, done: Units) -> Units | None:
        """The most units that go together and leave an order for the rest; None if nothing does."""
        wave = self._free_wave(done)
        if wave and self._has_order(done | wave):
            return wave
        singles = (frozenset({unit}) for unit in self._left(done))
        return next((one for one in singles if self._is_free(done, one) and self._has_order(done | one)), None)

    def _free_wave(self, done: Units) -> Units:
        """The units that go together now, whatever comes after."""
        wave: Units = frozenset()
        for unit in self._left(done):
            if self._is_free(done, wave | {unit}):
                wave |= {unit}
        return wave

    def _has_order(self, done: Units) -> bool:
        """Return whether the rest has an order, one unit after another; False too once the search is too long.

        Units of which no conflict speaks have their place anywhere.
        """
        path = [done | frozenset(self._units) - self._bound]
        while path and len(self._dead) < MOST_STATES:
            here = path[-1]
            if len(here) == len(self._units):
                return True
            further = (here | {unit} for unit in self._left(here) if self._is_free(here, frozenset({unit})))
            onward = next((state for state in further if state not in self._dead), None)
            if onward is None:
                self._dead.add(path.pop())
            else:
                path.append(onward)
        return False

    def _least_harmful(self, done: Units) -> int:
        """The unit that breaks the fewest flows."""

        def harm(unit: int) -> int:
            wave = frozenset({unit})
            return len({one.example.flow for one in self.conflicts if one.may_happen(done, wave)})

        return min(self._left(done), key=harm)

    def _is_free(self, done: Units, wave: Units) -> bool:
        is_apart = all(len(wave & one) <= 1 for one in self._apart)
        return is_apart and not any(one.may_happen(done, wave) for one in self.conflicts)

    def _left(self, done: Units) -> list[int]:
        return [unit for unit in self._units if unit not in done]


def _broken(waves: Sequence[Units], number: int, conflicts: Sequence[_Conflict]) -> Iterator[BrokenFlow]:
    """Yield the flows that break in a wave, each with the number, from 1, of the step that ends it."""
    done: Units = frozenset().union(*waves[:number])
    until: dict[str, BrokenFlow] = {}
    for one in conflicts:
        begins = one.may_happen(done, waves[number]) and not (number and one.updated <= done)
        if begins:
            end = next(later for later in range(number, len(waves)) if waves[later] & one.pending) + 1
            known = until.get(one.example.flow)
            if known is None or known.until < end:
                until[one.example.flow] = BrokenFlow(example=one.example, until=end)
    yield from until.values()
