"""In which order units load rulesets, which matters where one of them wipes what another has loaded.

`flush ruleset` wipes all tables, also those of programs that have none of our files: what it wipes is what came before.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from msgspec import Struct

from netwright.verify.reading.startup import comes_before_network
from netwright.verify.values.facts import Origin, Unknown

_FLUSH = re.compile(r"^[ \t]*flush[ \t]+ruleset\b", re.MULTILINE)


class Loading(Struct, frozen=True, kw_only=True):
    """A ruleset and the unit that loads it, with the unit's own text."""

    path: str
    shown: str
    text: str
    unit: str
    unit_text: str

    @property
    def flush(self) -> Origin | None:
        """The line that wipes what other files have loaded, None if there is none."""
        found = _FLUSH.search(self.text)
        return Origin(file=self.shown, line=self.text.count("\n", 0, found.start()) + 1) if found else None

    def precedes(self, other: "Loading") -> bool:
        """Return whether the unit is through before the other one starts, by what the two state of each other."""
        if self.unit == other.unit:
            return self.unit_text.find(self.path) < self.unit_text.find(other.path)
        return _names(self.unit_text, "Before", other.unit) or _names(other.unit_text, "After", self.unit)


def _names(text: str, key: str, unit: str) -> bool:
    lines = re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)
    return any(unit in line.split() for line in lines)


def in_load_order(loadings: Sequence[Loading]) -> list[Loading]:
    """The rulesets, each behind those that certainly come before it; of the others the order is kept."""
    left, ordered = [*loadings], list[Loading]()
    while left:
        free = next(
            (one for one in left if not any(other.precedes(one) for other in left if other is not one)), left[0]
        )
        left.remove(free)
        ordered.append(free)
    return ordered


def undecided_flushes(loadings: Sequence[Loading]) -> Iterator[Unknown]:
    """The flushes of which it is unknown whether another unit has loaded its ruleset by then."""
    for one, other in combinations(loadings, 2):
        flush = one.flush or other.flush
        if flush is not None and not (one.precedes(other) or other.precedes(one)):
            reason = f"{one.unit} and {other.unit} start in any order: After= decides what is wiped"
            yield Unknown(origin=flush, text="flush ruleset", reason=reason)


def find_late_flush(loadings: Sequence[Loading]) -> Origin | None:
    """The first line that wipes rules when other programs may have loaded theirs: they start with the network."""
    return next((one.flush for one in loadings if one.flush and not comes_before_network(one.unit_text)), None)
