"""Rows and columns, before coordinates: each box in a column of its own or next to its one segment."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.graph.drawing import Box, Drawing, DrawnLink
from netwright.graph.sizes import FIRST_LINK, Spread, spread, text_size

INTERNET = -1
"""The row above that of the first segment."""

ONE_SIDE = 4
"""Most boxes of a segment that stand below it; of more, some stand above it."""


class JoiningBox(Struct, frozen=True, kw_only=True):
    """A box that joins rows, below the topmost of them: its links up to that row, and those down to the others."""

    box: Box
    top: int
    bottom: int
    up: Spread
    down: Spread
    down_rows: tuple[int, ...]
    width: int
    height: int

    @property
    def room(self) -> int:
        """The width of the column that it needs."""
        return max(self.width, self.up.width, self.down.width)


class Hanging(Struct, frozen=True, kw_only=True):
    """A box on one segment only, with its links side by side."""

    box: Box
    links: Spread
    width: int
    height: int


class Arrangement(Struct, frozen=True, kw_only=True):
    """Columns from left to right, in each boxes one below the other; and for each segment those above and below it."""

    columns: tuple[tuple[JoiningBox, ...], ...]
    above: tuple[tuple[Hanging, ...], ...]
    below: tuple[tuple[Hanging, ...], ...]


def arrange(drawing: Drawing) -> Arrangement:
    """The arrangement of a drawing."""
    row_of = {segment.name: row for row, segment in enumerate(drawing.segments)}
    columns: list[list[JoiningBox]] = []
    joining = [_stand(box, row_of) for box in drawing.boxes if _joins(box)]
    for standing in sorted(joining, key=lambda standing: standing.top):
        free = next((column for column in columns if column[-1].bottom <= standing.top), None)
        if free is None:
            columns.append([standing])
        else:
            free.append(standing)
    hanging: list[list[Hanging]] = [[] for _ in drawing.segments]
    for box in drawing.boxes:
        if not _joins(box):
            hanging[row_of[box.segments[0]]].append(_hang(box))
    # Boxes of single nodes are equally wide, which puts them below one another as well.
    widths = [one.width for boxes in hanging for one in boxes if len(one.box.names) == 1]
    hanging = [[replace(one, width=max(one.width, *widths, 0)) for one in boxes] for boxes in hanging]
    split = [_count_above(columns, row, len(boxes)) for row, boxes in enumerate(hanging)]
    return Arrangement(
        columns=tuple(map(tuple, columns)),
        above=tuple(tuple(boxes[:place]) for boxes, place in zip(hanging, split, strict=True)),
        below=tuple(tuple(boxes[place:]) for boxes, place in zip(hanging, split, strict=True)),
    )


def _count_above(columns: Sequence[Sequence[JoiningBox]], row: int, boxes: int) -> int:
    """Return how many boxes of a segment stand above it: some of many, and all where there are fewer columns to be
    passed."""
    if boxes > ONE_SIDE:
        return boxes // 2
    return boxes if row and passed_columns(columns, row - 1) < passed_columns(columns, row) else 0


def passed_columns(columns: Sequence[Sequence[JoiningBox]], gap: int) -> int:
    """Return how many columns, from the left, are not free between a segment and the next one."""
    taken = [number for number, column in enumerate(columns, 1) if any(one.top <= gap < one.bottom for one in column)]
    return max(taken, default=0)


def _joins(box: Box) -> bool:
    return box.internet or len(box.segments) > 1


def _stand(box: Box, row_of: dict[str, int]) -> JoiningBox:
    rows = [(row_of[link.segment], link) for link in box.links]
    top = INTERNET if box.internet else min(row for row, _ in rows)
    up = spread([pair for pair in rows if pair[0] == top])
    # The deepest is the leftmost, so that no line crosses the label of another one.
    leading_down = sorted((pair for pair in rows if pair[0] != top), key=lambda pair: -pair[0])
    down = spread(leading_down)
    width, height = text_size(box)
    last = max(x for links in (up, down) for _, x in links.places)
    return JoiningBox(
        box=box,
        top=top,
        bottom=max(row for row, _ in rows),
        up=up,
        down=down,
        down_rows=tuple(row for row, _ in leading_down),
        width=max(width, last + FIRST_LINK),
        height=height,
    )


def _hang(box: Box) -> Hanging:
    rows: list[tuple[int, DrawnLink]] = [(0, link) for link in box.links]
    links = spread(rows)
    width, height = text_size(box)
    return Hanging(box=box, links=links, width=max(width, links.width + FIRST_LINK), height=height)
