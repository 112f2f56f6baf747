"""The hunks of a unified diff, anchored at lines that occur once.

difflib alone takes a minute for a list of 20,000 routes of which every other one changes.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_CONTEXT = 3
_SMALL = 1_000_000
"""Number of line pairs difflib may compare; beyond that, what has no anchors counts as changed altogether."""


class Block(NamedTuple):
    """Equal lines: where they begin in the old and in the new text, and how many there are."""

    old: int
    new: int
    length: int


def unified_hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """The lines of all hunks that make `new` of `old`, each with three lines of context."""
    blocks = [*matching_blocks(old, new), Block(len(old), len(new), 0)]
    hunk: list[tuple[int, int, int, int]] = []
    old_end = new_end = 0
    for block in blocks:
        if block.old > old_end or block.new > new_end:
            if hunk and old_end - hunk[-1][1] > 2 * _CONTEXT:
                yield from _hunk(hunk, old, new)
                hunk = []
            hunk.append((old_end, block.old, new_end, block.new))
        old_end, new_end = block.old + block.length, block.new + block.length
    if hunk:
        yield from _hunk(hunk, old, new)


def _hunk(changes: list[tuple[int, int, int, int]], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    start = max(0, changes[0][0] - _CONTEXT)
    end = min(len(old), changes[-1][1] + _CONTEXT)
    new_start = changes[0][2] - (changes[0][0] - start)
    new_end = changes[-1][3] + (end - changes[-1][1])
    yield f"@@ -{_span(start, end)} +{_span(new_start, new_end)} @@"
    for old_from, old_to, new_from, new_to in changes:
        yield from (f" {line}" for line in old[start:old_from])
        yield from (f"-{line}" for line in old[old_from:old_to])
        yield from (f"+{line}" for line in new[new_from:new_to])
        start = old_to
    yield from (f" {line}" for line in old[start:end])


def _span(start: int, end: int) -> str:
    """First line, counted from 1, and number of lines; an empty span is named by the line before it."""
    length = end - start
    if length == 1:
        return f"{start + 1}"
    return f"{start + 1 if length else start},{length}"


def matching_blocks(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    """The lines that stay, in order and without overlap."""
    found: list[Block] = []
    open_ranges = [(0, len(old), 0, len(new))]
    while open_ranges:
        old_from, old_to, new_from, new_to = open_ranges.pop()
        while old_from < old_to and new_from < new_to and old[old_from] == new[new_from]:
            found.append(Block(old_from, new_from, 1))
            old_from, new_from = old_from + 1, new_from + 1
        while old_from < old_to and new_from < new_to and old[old_to - 1] == new[new_to - 1]:
            old_to, new_to = old_to - 1, new_to - 1
            found.append(Block(old_to, new_to, 1))
        if old_from == old_to or new_from == new_to:
            continue
        anchors = _anchors(old, new, (old_from, old_to, new_from, new_to))
        for old_at, new_at in anchors:
            open_ranges.append((old_from, old_at, new_from, new_at))
            old_from, new_from = old_at, new_at
        if anchors:
            open_ranges.append((old_from, old_to, new_from, new_to))
        elif (old_to - old_from) * (new_to - new_from) <= _SMALL:
            matcher = SequenceMatcher(None, old[old_from:old_to], new[new_from:new_to], autojunk=False)
            found += (Block(old_from + a, new_from + b, size) for a, b, size in matcher.get_matching_blocks() if size)
    return _joined(sorted(found))


def _joined(blocks: list[Block]) -> list[Block]:
    joined: list[Block] = []
    for block in blocks:
        last = joined[-1] if joined else None
        if last and last.old + last.length == block.old and last.new + last.length == block.new:
            joined[-1] = Block(last.old, last.new, last.length + block.length)
        else:
            joined.append(block)
    return joined


def _anchors(old: Sequence[str], new: Sequence[str], within: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """Places of lines that occur once in both ranges: the longest run of them that keeps its order (patience diff)."""
    old_from, old_to, new_from, new_to = within
    old_counts, new_counts = Counter(old[old_from:old_to]), Counter(new[new_from:new_to])
    place = {new[number]: number for number in range(new_from, new_to) if new_counts[new[number]] == 1}
    pairs = [
        (number, place[old[number]])
        for number in range(old_from, old_to)
        if old_counts[old[number]] == 1 and old[number] in place
    ]
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, new_at) in enumerate(pairs):
        pile = bisect_left(tops, new_at)
        before.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(new_at)
            ends.append(index)
        else:
            tops[pile], ends[pile] = new_at, index
    chain = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]
