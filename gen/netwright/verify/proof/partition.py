"""Numbers cut into pieces that no match tells apart."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable

from netwright.verify.values.addresses import (
    Range,
    Ranges,
    merge,
)

ALL_PORTS = (0, 65535)


class Partition:
    """The numbers from 0 to a largest one in pieces, of which those are alike that the same matches hold."""

    def __init__(self, matches: Iterable[Ranges], largest: int) -> None:
        """Sweeps over the edges of all matches once."""
        changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, match in enumerate(sorted(matches)):
            for first, last in match:
                changes[first].append((number, 1))
                changes[last + 1].append((number, -1))
        holding: Counter[int] = Counter()
        kinds: dict[frozenset[int], int] = {}
        self._largest = largest
        self._starts: list[int] = []
        self._kinds: list[int] = []
        for start in sorted({0, *changes}):
            for number, change in changes.get(start, ()):
                holding[number] += change
                if not holding[number]:
                    del holding[number]
            self._starts.append(start)
            self._kinds.append(kinds.setdefault(frozenset(holding), len(kinds)))

    def alike(self, whole: Range) -> list[Ranges]:
        """The numbers of a range in groups that the same matches hold."""
        groups: dict[int, list[Range]] = defaultdict(list)
        first, end = bisect_right(self._starts, whole[0]) - 1, bisect_right(self._starts, whole[1])
        for number in range(first, end):
            following = self._starts[number + 1] if number + 1 < len(self._starts) else self._largest + 1
            piece = max(self._starts[number], whole[0]), min(following - 1, whole[1])
            groups[self._kinds[number]].append(piece)
        return [merge(group) for group in groups.values()]
