"""What an unknown name may have meant."""

from bisect import bisect_left
from collections.abc import Iterable

_ALL_COMPARED = 100
_NEIGHBOURS = 20
_SHORT = 3
_SHOWN = 6


class Names:
    """The names of one kind of thing, for saying what an unknown one may have meant."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._sorted = sorted(self._names)

    def __contains__(self, name: str) -> bool:
        place = bisect_left(self._sorted, name)
        return place < len(self._sorted) and self._sorted[place] == name

    def meant(self, name: str) -> str:
        """The end of a message about an unknown name: the nearest known one, else what there is.

        Of many names only those beside it in the alphabet are compared, so that a file full of slips stays quick.
        """
        from difflib import get_close_matches  # noqa: PLC0415 - only a slip needs it

        nearby = self._sorted
        if len(nearby) > _ALL_COMPARED:
            place = bisect_left(self._sorted, name)
            nearby = self._sorted[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]
        if close := get_close_matches(name, nearby, n=1, cutoff=0.5 if len(name) <= _SHORT else 0.6):
            return f'; did you mean "{close[0]}"?'
        if not self._names:
            return "; there are none"
        shown, more = self._names[:_SHOWN], len(self._names) - _SHOWN
        if len(shown) == 1:
            return f"; the only one is {shown[0]}"
        return f"; the known ones are {', '.join(shown)}" + (f" and {more} more" if more > 0 else "")
