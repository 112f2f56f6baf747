"""A box and a label at their places, with their texts."""

from collections.abc import Iterator

from netwright.graph.drawing import Box, DrawnLink
from netwright.graph.lettering import Rect, TextLine, size_of, stack
from netwright.graph.shapes import Pill, PlacedBox
from netwright.graph.sizes import LABEL_GAP, PADDING, PILL_PADDING, box_lines, label_lines, pill_lines


def place_box(box: Box, rect: Rect) -> PlacedBox:
    """The box in a rectangle that has room for its texts."""
    texts = stack(box_lines(box), rect.x + PADDING, rect.y + PADDING)
    return PlacedBox(box=box, rect=rect, texts=texts, pills=tuple(_pills(box, rect.x + PADDING, texts[-1].rect.bottom)))


def _pills(box: Box, x: int, y: int) -> Iterator[Pill]:
    """Yield the pills of a box below one another."""
    for kind, lines, traced in (("pods", box.pods, box.from_pods), ("forwards", box.forwards, box.leads_on)):
        if lines:
            width, height = size_of(pill_lines(lines))
            rect = Rect(x=x, y=y + PILL_PADDING // 2, width=width + 2 * PILL_PADDING, height=height + PILL_PADDING)
            texts = stack(pill_lines(lines), rect.x + PILL_PADDING, rect.y + PILL_PADDING // 2)
            yield Pill(kind=kind, rect=rect, texts=texts, traced=traced)
            y = rect.bottom


def place_label(link: DrawnLink, x: int, y: int, *, upwards: bool = False) -> tuple[TextLine, ...]:
    """The label right of a link's line, its lines from y downwards, or the last of them ending at y."""
    height = size_of(label_lines(link))[1] if upwards else 0
    return stack(label_lines(link), x + LABEL_GAP, y - height)
