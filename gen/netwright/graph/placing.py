"""A box and a label at their places, with their texts."""

from netwright.graph.drawing import Box, DrawnLink
from netwright.graph.lettering import Rect, TextLine, size_of, stack
from netwright.graph.shapes import PlacedBox
from netwright.graph.sizes import LABEL_GAP, PADDING, PILL_PADDING, box_lines, label_lines, pod_lines


def place_box(box: Box, rect: Rect) -> PlacedBox:
    """The box in a rectangle that has room for its texts; the pill is as wide as the box allows."""
    texts = stack(box_lines(box), rect.x + PADDING, rect.y + PADDING)
    if not box.pods:
        return PlacedBox(box=box, rect=rect, texts=texts, pill=None, pods=())
    y = texts[-1].rect.bottom + PILL_PADDING // 2
    width, height = size_of(pod_lines(box))
    pill = Rect(x=rect.x + PADDING, y=y, width=width + 2 * PILL_PADDING, height=height + PILL_PADDING)
    pods = stack(pod_lines(box), pill.x + PILL_PADDING, pill.y + PILL_PADDING // 2)
    return PlacedBox(box=box, rect=rect, texts=texts, pill=pill, pods=pods)


def place_label(link: DrawnLink, x: int, y: int, *, upwards: bool = False) -> tuple[TextLine, ...]:
    """The label right of a link's line, its lines from y downwards, or the last of them ending at y."""
    height = size_of(label_lines(link))[1] if upwards else 0
    return stack(label_lines(link), x + LABEL_GAP, y - height)
