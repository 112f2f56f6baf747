"""Drawing -> picture, as one stack: segments are bars below one another.

What joins segments stands to the left, each box in a column that no other box or label of those rows is in, so that its
lines run straight down and pass bars that are not theirs underneath. What is on one segment hangs from it or stands on
it, right of the columns that something is in there. So nothing overlaps, whatever the topology.
"""

from collections.abc import Sequence

from msgspec import Struct, field

from netwright.graph.drawing import Caption, Drawing, DrawnSegment
from netwright.graph.lettering import Lines, Rect, TextLine, measure, size_of, stack, wrap
from netwright.graph.placing import place_box, place_label
from netwright.graph.rows import INTERNET, Arrangement, Hanging, JoiningBox, arrange, passed_columns
from netwright.graph.shapes import Picture, PlacedBox, PlacedCloud, PlacedLink, PlacedSegment
from netwright.graph.sizes import PADDING, tab_lines, tab_size

MARGIN = 24
BAR = 8
NEAR = 8
"""Distance between a bar and a label next to it."""
FAR = 12
"""Between a label and its box."""
SPACE = 24
"""Between boxes of different segments, and between columns."""
NARROW = 16
"""Between boxes of one segment."""
CLOUD_WIDTH, CLOUD_HEIGHT, CLOUD_LINK = 132, 64, 22
SAMPLE = 40
"""The room for a sample of the flow's colour."""
CAPTION_WIDTH = 560


class _Frame(Struct, frozen=True, kw_only=True):
    """Positions of bars, and below what boxes may stand; the width of tabs."""

    bars: tuple[int, ...]
    top: int
    tab_width: int


class _Placed(Struct, frozen=True, kw_only=True):
    """Elements that are placed already."""

    boxes: list[PlacedBox] = field(default_factory=list)
    links: list[PlacedLink] = field(default_factory=list)
    clouds: list[PlacedCloud] = field(default_factory=list)


def lay_out_stack(drawing: Drawing, least: int = 0, *, headed: bool = True) -> Picture:
    """The picture of a drawing, at least so wide; a part of a larger one has no title and no caption (`headed`)."""
    arrangement = arrange(drawing)
    tab_width = max((tab_size(segment)[0] for segment in drawing.segments), default=0)
    columns = _columns(arrangement, MARGIN + tab_width + SPACE)
    hanging = tuple(columns[passed_columns(arrangement.columns, gap)] for gap in range(INTERNET, len(drawing.segments)))
    width = max(columns[-1], _right_edge(arrangement, hanging), least - MARGIN)
    title = TextLine(x=MARGIN, y=MARGIN, text=drawing.title if headed else "", style="title")
    caption: tuple[TextLine, ...] = ()
    if headed:
        width = max(width, CAPTION_WIDTH, measure(drawing.title, "title") + MARGIN)
        caption = _caption(drawing.caption, MARGIN + title.rect.height, width - MARGIN)
        width = max(width, *(text.rect.right for text in (title, *caption)))
    top = max(text.rect.bottom for text in (title, *caption)) + SPACE if headed else MARGIN
    bars, height = _bars(drawing, arrangement, top)
    frame = _Frame(bars=bars, top=top, tab_width=tab_width)
    placed = _Placed()
    for column, x in zip(arrangement.columns, columns[:-1], strict=True):
        for standing in column:
            _stand(standing, x, frame, placed)
    for row, bar in enumerate(bars):
        _line_up(arrangement.above[row], bar, -1, hanging[row], placed)
        _line_up(arrangement.below[row], bar, 1, hanging[row + 1], placed)
    return Picture(
        width=width + MARGIN,
        height=height + MARGIN,
        title=title,
        flow=drawing.caption,
        caption=caption,
        sample=Rect(x=MARGIN, y=caption[0].y, width=SAMPLE - 12, height=caption[0].rect.height) if caption else None,
        segments=tuple(
            _segment(segment, frame, row, [link for link in placed.links if link.link.segment == segment.name], width)
            for row, segment in enumerate(drawing.segments)
        ),
        boxes=tuple(placed.boxes),
        links=tuple(placed.links),
        clouds=tuple(placed.clouds),
    )


def _columns(arrangement: Arrangement, x: int) -> tuple[int, ...]:
    """Return the positions of columns, and of what comes after all of them."""
    starts = [x]
    for column in arrangement.columns:
        clouds = [CLOUD_WIDTH for standing in column if standing.box.internet]
        starts.append(starts[-1] + max(*clouds, *(standing.room for standing in column), 0) + SPACE)
    return tuple(starts)


def _right_edge(arrangement: Arrangement, hanging: Sequence[int]) -> int:
    """Return the right edge of the boxes next to bars, which begin in each gap, that above all first, at `hanging`."""
    rows = (*zip(arrangement.above, hanging[:-1], strict=True), *zip(arrangement.below, hanging[1:], strict=True))
    return max((x + sum(box.width + NARROW for box in row) for row, x in rows), default=0)


def _caption(caption: Caption | None, y: int, right: int) -> tuple[TextLine, ...]:
    if caption is None:
        return ()
    word = "" if caption.allow else " (must not work)"
    lines = wrap(caption.summary, "caption", right - MARGIN - SAMPLE)
    texts: Lines = ((f"{caption.flow}{word}", "heading"), *((line, "caption") for line in lines))
    return stack(texts, MARGIN + SAMPLE, y)


def _bars(drawing: Drawing, arrangement: Arrangement, y: int) -> tuple[tuple[int, ...], int]:
    """Return the positions of bars, one below the other, and the end of the last one's boxes."""
    standing = [one for column in arrangement.columns for one in column]
    tabs = [0, *(tab_size(segment)[1] for segment in drawing.segments), 0]
    bars: list[int] = []
    for gap in range(INTERNET, len(drawing.segments)):
        below = _band(arrangement.below[gap]) if gap >= 0 else 0
        above = _band(arrangement.above[gap + 1]) if gap + 1 < len(drawing.segments) else 0
        needs = [
            below + above + (SPACE if below and above else 0),
            (tabs[gap + 1] + tabs[gap + 2]) // 2 + (NARROW if gap >= 0 else 0),
            *(_column_need(one, gap) for one in standing),
        ]
        y += max(needs) + (SPACE if 0 <= gap < len(drawing.segments) - 1 else 0)
        if gap + 1 < len(drawing.segments):
            bars.append(y)
            y += BAR
    return tuple(bars), y


def _band(row: Sequence[Hanging]) -> int:
    """The height of boxes next to a bar, with their links."""
    return max((one.links.height + NEAR + FAR + one.height for one in row), default=0)


def _column_need(one: JoiningBox, gap: int) -> int:
    """The height that a box and its labels take between two bars."""
    label = one.down.height + NEAR + FAR if gap + 1 in one.down_rows else 0
    if gap != one.top:
        return label
    return _up_height(one) + one.height + label + (SPACE if not label else 0)


def _up_height(one: JoiningBox) -> int:
    return CLOUD_HEIGHT + CLOUD_LINK if one.box.internet else one.up.height + NEAR + FAR


def _stand(one: JoiningBox, x: int, frame: _Frame, placed: _Placed) -> None:
    """Place a box that joins segments."""
    ceiling = frame.top if one.top == INTERNET else frame.bars[one.top] + BAR
    rect = Rect(x=x, y=ceiling + _up_height(one), width=one.width, height=one.height)
    placed.boxes.append(place_box(one.box, rect))
    if one.box.internet:
        placed.clouds.append(_cloud(one, rect, ceiling))
    for link, distance in one.up.places:
        label = place_label(link, x + distance, ceiling + NEAR)
        placed.links.append(PlacedLink(link=link, x=x + distance, box_y=rect.y, bar_y=ceiling, texts=label))
    for (link, distance), row in zip(one.down.places, one.down_rows, strict=True):
        bar = frame.bars[row]
        label = place_label(link, x + distance, bar - NEAR, upwards=True)
        placed.links.append(PlacedLink(link=link, x=x + distance, box_y=rect.bottom, bar_y=bar, texts=label))


def _cloud(one: JoiningBox, box: Rect, y: int) -> PlacedCloud:
    room = Rect(x=box.x, y=y, width=CLOUD_WIDTH, height=CLOUD_HEIGHT)
    text = TextLine(x=0, y=0, text="internet", style="heading")
    centre = room.x + room.width // 2
    return PlacedCloud(
        rect=room,
        text=TextLine(x=centre - text.rect.width // 2, y=y + CLOUD_HEIGHT // 2 - 4, text=text.text, style=text.style),
        x=min(centre, box.right - PADDING),
        box_y=box.y,
        starts=one.box.from_internet,
        ends=one.box.to_internet,
    )


def _line_up(row: Sequence[Hanging], bar: int, side: int, x: int, placed: _Placed) -> None:
    """Place boxes below their bar (side 1) or above it (side -1), from x to the right."""
    labels = max((one.links.height for one in row), default=0)
    edge = bar + BAR if side > 0 else bar
    for one in row:
        near_edge = edge + side * (NEAR + labels + FAR)
        rect = Rect(x=x, y=near_edge if side > 0 else near_edge - one.height, width=one.width, height=one.height)
        placed.boxes.append(place_box(one.box, rect))
        for link, distance in one.links.places:
            label = place_label(link, x + distance, edge + side * NEAR, upwards=side < 0)
            placed.links.append(PlacedLink(link=link, x=x + distance, box_y=near_edge, bar_y=edge, texts=label))
        x += one.width + NARROW


def _segment(segment: DrawnSegment, frame: _Frame, row: int, links: Sequence[PlacedLink], right: int) -> PlacedSegment:
    _, height = tab_size(segment)
    bar = frame.bars[row]
    tab = Rect(x=MARGIN, y=bar + BAR // 2 - height // 2, width=frame.tab_width, height=height)
    text_height = size_of(tab_lines(segment))[1]
    taken = [link.x for link in links if link.link.traced]
    taken += [tab.right] if (segment.is_end or segment.is_continued) and taken else []
    return PlacedSegment(
        segment=segment,
        tab=tab,
        texts=stack(tab_lines(segment), tab.x + PADDING, tab.y + (height - text_height) // 2),
        bar=Rect(x=tab.right, y=bar, width=right - tab.right, height=BAR),
        traced=(min(taken), max(taken)) if taken else None,
    )
