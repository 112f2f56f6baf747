"""Suggestions for an unknown name."""

from bisect import bisect_left
from collections.abc import Iterable

_ALL_COMPARED = 100
_NEIGHBOURS = 20
_SHORT = 3
_SHOWN = 6


class Names:
    """The names of one kind of thing, for suggesting what an unknown one may have meant."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._sorted = sorted(self._names)
        self._closest: dict[str, tuple[str, ...]] = {}

    def __contains__(self, name: str) -> bool:
        place = bisect_left(self._sorted, name)
        return place < len(self._sorted) and self._sorted[place] == name

    def candidates(self, name: str) -> tuple[str, ...]:
        """Return the suggestions for an unknown name: the nearest known one, else the first of those there are."""
        return self._close(name) or self._names[:_SHOWN]

    def meant(self, name: str) -> str:
        """The end of a message about an unknown name: the nearest known one, else what there is."""
        if close := self._close(name):
            return f'; did you mean "{close[0]}"?'
        if not self._names:
            return "; there are none"
        shown, more = self._names[:_SHOWN], len(self._names) - _SHOWN
        if len(shown) == 1:
            return f"; the only one is {shown[0]}"
        return f"; the known ones are {', '.join(shown)}" + (f" and {more} more" if more > 0 else "")

    def _close(self, name: str) -> tuple[str, ...]:
        """The nearest known name if one is near.

        Of many names only those next to it in the alphabet are compared, so that a file full of mistakes stays quick.
        """
        if name not in self._closest:
            self._closest[name] = self._search(name)
        return self._closest[name]

    def _search(self, name: str) -> tuple[str, ...]:
        from difflib import get_close_matches  # noqa: PLC0415 - only a misspelling needs it

        nearby = self._sorted
        if len(nearby) > _ALL_COMPARED:
            place = bisect_left(self._sorted, name)
            nearby = self._sorted[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]
        return tuple(get_close_matches(name, nearby, n=1, cutoff=0.5 if len(name) <= _SHORT else 0.6))
