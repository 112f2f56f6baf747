"""Sizes of boxes, links' labels and tabs, before anything has a place."""

from collections.abc import Sequence

from msgspec import Struct

from netwright.graph.drawing import Box, DrawnLink, DrawnSegment
from netwright.graph.lettering import Lines, size_of

PADDING = 10
PILL_PADDING = 6
FIRST_LINK = 16
"""Distance of a box's first link from its left edge."""
LINK_SPACING = 24
LABEL_GAP = 6
"""Between a link's line and its label."""


class Spread(Struct, frozen=True, kw_only=True):
    """Links side by side, each with its distance from the box's left edge; the room they take with their labels."""

    places: tuple[tuple[DrawnLink, int], ...]
    width: int
    height: int


def label_lines(link: DrawnLink) -> Lines:
    """Return the text next to a link."""
    return ((link.interface, "line"), *((address, "address") for address in link.addresses))


def box_lines(box: Box) -> Lines:
    """Return the text in a box, but for its pills."""
    return ((box.title, "heading"), *((line, "line") for line in box.lines))


def pill_lines(texts: Sequence[str]) -> Lines:
    """Return the text in a pill of a box: its pod networks, or its port forwards."""
    return tuple((line, "address") for line in texts)


def tab_lines(segment: DrawnSegment) -> Lines:
    """Return the text in a segment's tab."""
    return ((segment.heading, "heading"), *((line, "line") for line in segment.lines))


def tab_size(segment: DrawnSegment) -> tuple[int, int]:
    """Width and height of a segment's tab."""
    width, height = size_of(tab_lines(segment))
    return width + 2 * PADDING, height + 2 * PADDING - 4


def text_size(box: Box) -> tuple[int, int]:
    """Width and height of a box that has room for its texts."""
    width, height = size_of(box_lines(box))
    for texts in filter(None, (box.pods, box.forwards)):
        pill_width, pill_height = size_of(pill_lines(texts))
        width = max(width, pill_width + 2 * PILL_PADDING)
        height += pill_height + 2 * PILL_PADDING
    return width + 2 * PADDING, height + 2 * PADDING


def spread(rows: Sequence[tuple[int, DrawnLink]]) -> Spread:
    """Links with the rows that they lead to, in that order; where two lead to the same row, labels lie between them.

    Elsewhere a label needs no room next to the next line: it stands at its own row, and lines further to the right
    must end before that.
    """
    places: list[tuple[DrawnLink, int]] = []
    x, width, height = FIRST_LINK, 0, 0
    for number, (row, link) in enumerate(rows):
        label_width, label_height = size_of(label_lines(link))
        places.append((link, x))
        end = x + LABEL_GAP + label_width
        width, height = max(width, end), max(height, label_height)
        following = rows[number + 1][0] if number + 1 < len(rows) else None
        x = end + LINK_SPACING // 2 if following == row else x + LINK_SPACING
    return Spread(places=tuple(places), width=width, height=height)
