"""A drawing as a plain graph: what other programs lay out themselves."""

from collections.abc import Iterator

from msgspec import Struct

from netwright.graph.drawing import Box, Drawing

ALLOWED, DENIED = "#0b7a53", "#4b51b5"
"""The colour of a flow."""
FILLS = {
    "segment": "#e4e7eb",
    "node": "#f5f9ff",
    "host": "#fff4dc",
    "foreign": "#f7f7f7",
    "pool": "#f5f0fb",
    "internet": "#eaf4fc",
}
"""The colour of each kind of joint."""


class Joint(Struct, frozen=True, kw_only=True):
    """A segment, a box, or the internet: an identifier, its lines of text, its kind (a key of FILLS), and whether a
    flow has to do with it."""

    name: str
    lines: tuple[str, ...]
    kind: str
    traced: bool


class Tie(Struct, frozen=True, kw_only=True):
    """A link between two joints, the upper one first; whether a flow takes it, and to which ends arrows point."""

    upper: str
    lower: str
    lines: tuple[str, ...]
    traced: bool
    is_cable: bool
    points_up: bool
    points_down: bool


def joints(drawing: Drawing) -> Iterator[Joint]:
    """Yield the joints: segments, then boxes, each device to the internet with the internet behind it."""
    for number, segment in enumerate(drawing.segments, 1):
        lines = (segment.heading, *segment.lines)
        yield Joint(name=f"s{number}", lines=lines, kind="segment", traced=segment.is_end)
    for number, box in enumerate(drawing.boxes, 1):
        lines = (box.title, *box.lines, *box.pods, *box.forwards)
        yield Joint(name=f"n{number}", lines=lines, kind=kind_of(box), traced=box.traced)
        if box.internet:
            on_flow = box.from_internet or box.to_internet
            yield Joint(name=f"i{number}", lines=("internet",), kind="internet", traced=on_flow)


def ties(drawing: Drawing) -> Iterator[Tie]:
    """Yield the links. An arrow points out of a box where a flow starts, and into one where it ends."""
    rows = {segment.name: number for number, segment in enumerate(drawing.segments, 1)}
    for number, box in enumerate(drawing.boxes, 1):
        if box.internet:
            yield Tie(
                upper=f"i{number}",
                lower=f"n{number}",
                lines=(),
                traced=box.from_internet or box.to_internet,
                is_cable=True,
                points_up=box.to_internet,
                points_down=box.from_internet,
            )
        top = min((rows[link.segment] for link in box.links), default=0)
        for link in box.links:
            hangs = rows[link.segment] == top and not box.internet
            ends = (f"s{rows[link.segment]}", f"n{number}") if hangs else (f"n{number}", f"s{rows[link.segment]}")
            yield Tie(
                upper=ends[0],
                lower=ends[1],
                lines=(link.interface, *link.addresses),
                traced=link.traced,
                is_cable=link.is_cable,
                points_up=link.is_start if hangs else link.is_end,
                points_down=link.is_end if hangs else link.is_start,
            )


def kind_of(box: Box) -> str:
    """Return the kind of a box."""
    return "pool" if box.is_pool else "host" if box.libvirt else "node" if box.managed else "foreign"


def title_of(drawing: Drawing) -> str:
    """Return the title of a drawing, with that of its flow."""
    caption = drawing.caption
    return drawing.title + (f" - {caption.flow}: {caption.summary}" if caption is not None else "")


def is_allowed(drawing: Drawing) -> bool:
    """Return whether the flow of a drawing is allowed, as it is if there is none."""
    return drawing.caption is None or drawing.caption.allow
