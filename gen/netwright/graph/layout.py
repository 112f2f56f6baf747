"""Drawing -> picture. Hosts with networks of their own stand side by side in panels, so that many fit on a page."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from netwright.graph.drawing import Drawing
from netwright.graph.lettering import Rect
from netwright.graph.panels import split
from netwright.graph.shapes import Picture, PlacedSegment, moved
from netwright.graph.stack import MARGIN, lay_out_stack

WIDEST = 1600
"""Width of a picture that is not exceeded for the sake of more panels in a row."""
FEW = 2
"""Most panels that are drawn as one stack, if that is no wider than a picture may be."""
GAP = 20


def lay_out(drawing: Drawing) -> Picture:
    """The picture of a drawing."""
    whole = lay_out_stack(drawing)
    common, panels = split(drawing)
    if len(panels) < 2 or (len(panels) <= FEW and whole.width <= WIDEST):
        return whole
    width = max(lay_out_stack(panel, headed=False).width for panel in panels)
    a_row = min(max((WIDEST - 2 * MARGIN + GAP) // (width + GAP), 1), len(panels))
    head = lay_out_stack(common, a_row * (width + GAP) - GAP + 2 * MARGIN)
    return _place(head, [lay_out_stack(panel, width, headed=False) for panel in panels], a_row)


def _place(head: Picture, panels: Sequence[Picture], a_row: int) -> Picture:
    """The panels in rows below what they have in common."""
    parts, frames, y = [head], [], head.height
    for start in range(0, len(panels), a_row):
        row = panels[start : start + a_row]
        height = max(panel.height for panel in row)
        for number, panel in enumerate(row):
            x = MARGIN + number * (panel.width + GAP)
            parts.append(moved(panel, x, y))
            frames.append(Rect(x=x, y=y, width=panel.width, height=height))
        y += height + GAP
    shared = (one for panel in panels for one in panel.segments if one.segment.is_continued)
    crossed = {one.segment.name for one in shared if one.traced is not None}
    bars = tuple(_traced(one) if one.segment.name in crossed else one for one in head.segments)
    parts[0] = replace(head, segments=bars)
    return replace(
        head,
        width=max(head.width, *(frame.right + MARGIN for frame in frames)),
        height=y - GAP + MARGIN,
        segments=tuple(segment for part in parts for segment in part.segments),
        boxes=tuple(box for part in parts for box in part.boxes),
        links=tuple(link for part in parts for link in part.links),
        clouds=tuple(cloud for part in parts for cloud in part.clouds),
        frames=tuple(frames),
    )


def _traced(segment: PlacedSegment) -> PlacedSegment:
    """A segment over all of which a flow goes: to one panel from another."""
    return replace(segment, traced=(segment.tab.right, segment.bar.right))


def rectangles(picture: Picture) -> Iterator[Rect]:
    """The room of all that must not overlap: boxes, tabs, clouds, labels of links, title and caption."""
    yield picture.title.rect
    yield from (text.rect for text in picture.caption)
    yield from (placed.tab for placed in picture.segments)
    yield from (placed.outline for placed in picture.boxes)
    yield from (cloud.rect for cloud in picture.clouds)
    yield from (text.rect for link in picture.links for text in link.texts)
