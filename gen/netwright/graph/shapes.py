"""Everything of a picture with its coordinates, in pixels."""

from msgspec import Struct
from msgspec.structs import replace

from netwright.graph.drawing import Box, Caption, DrawnLink, DrawnSegment
from netwright.graph.lettering import Rect, TextLine

SHADOW = 8
"""Distance that a box of many nodes reaches beyond its edges."""


class PlacedSegment(Struct, frozen=True, kw_only=True):
    """A segment: a tab with its names, and a bar from there to the right; `traced` is the stretch that a flow takes."""

    segment: DrawnSegment
    tab: Rect
    texts: tuple[TextLine, ...]
    bar: Rect
    traced: tuple[int, int] | None


class Pill(Struct, frozen=True, kw_only=True):
    """A part of a box with texts of one kind, `pods` or `forwards`; `traced` where a flow has to do with them."""

    kind: str
    rect: Rect
    texts: tuple[TextLine, ...]
    traced: bool


class PlacedBox(Struct, frozen=True, kw_only=True):
    """A box, its texts, and its pills below them.

    Behind a box of many nodes lie the edges of others.
    """

    box: Box
    rect: Rect
    texts: tuple[TextLine, ...]
    pills: tuple[Pill, ...]

    @property
    def shadows(self) -> tuple[Rect, ...]:
        """Shapes behind the box, the nearest first."""
        steps = (SHADOW // 2, SHADOW) if len(self.box.names) > 1 else ()
        return tuple(replace(self.rect, x=self.rect.x + step, y=self.rect.y + step) for step in steps)

    @property
    def outline(self) -> Rect:
        """The room that it takes with what lies behind it."""
        beyond = SHADOW if self.shadows else 0
        return replace(self.rect, width=self.rect.width + beyond, height=self.rect.height + beyond)


class PlacedLink(Struct, frozen=True, kw_only=True):
    """A vertical line from a box's edge to its segment's bar, with the text next to it."""

    link: DrawnLink
    x: int
    box_y: int
    bar_y: int
    texts: tuple[TextLine, ...]


class PlacedCloud(Struct, frozen=True, kw_only=True):
    """The internet beyond a device, and the line to the device's box; whether a flow starts or ends there."""

    rect: Rect
    text: TextLine
    x: int
    box_y: int
    starts: bool
    ends: bool

    @property
    def traced(self) -> bool:
        """Return whether a flow has to do with it."""
        return self.starts or self.ends


class Picture(Struct, frozen=True, kw_only=True):
    """A whole picture; the flow's colour is shown by `sample`, a short line next to the caption. `frames` are around
    panels."""

    width: int
    height: int
    title: TextLine
    flow: Caption | None
    caption: tuple[TextLine, ...]
    sample: Rect | None
    segments: tuple[PlacedSegment, ...]
    boxes: tuple[PlacedBox, ...]
    links: tuple[PlacedLink, ...]
    clouds: tuple[PlacedCloud, ...]
    frames: tuple[Rect, ...] = ()


def moved(picture: Picture, right: int, down: int) -> Picture:
    """The picture as a part of a larger one; its title, caption and size stay."""

    def shift(rect: Rect) -> Rect:
        return replace(rect, x=rect.x + right, y=rect.y + down)

    def shift_texts(texts: tuple[TextLine, ...]) -> tuple[TextLine, ...]:
        return tuple(replace(text, x=text.x + right, y=text.y + down) for text in texts)

    def shift_segment(one: PlacedSegment) -> PlacedSegment:
        traced = (one.traced[0] + right, one.traced[1] + right) if one.traced is not None else None
        return replace(one, tab=shift(one.tab), texts=shift_texts(one.texts), bar=shift(one.bar), traced=traced)

    def shift_box(one: PlacedBox) -> PlacedBox:
        pills = tuple(replace(pill, rect=shift(pill.rect), texts=shift_texts(pill.texts)) for pill in one.pills)
        return replace(one, rect=shift(one.rect), texts=shift_texts(one.texts), pills=pills)

    def shift_link(one: PlacedLink) -> PlacedLink:
        ends = {"box_y": one.box_y + down, "bar_y": one.bar_y + down}
        return replace(one, x=one.x + right, texts=shift_texts(one.texts), **ends)

    def shift_cloud(one: PlacedCloud) -> PlacedCloud:
        (text,) = shift_texts((one.text,))
        return replace(one, rect=shift(one.rect), text=text, x=one.x + right, box_y=one.box_y + down)

    return replace(
        picture,
        segments=tuple(map(shift_segment, picture.segments)),
        boxes=tuple(map(shift_box, picture.boxes)),
        links=tuple(map(shift_link, picture.links)),
        clouds=tuple(map(shift_cloud, picture.clouds)),
    )
