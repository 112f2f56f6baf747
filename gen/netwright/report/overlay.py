"""The picture with the way of each flow on top of it, of which one is shown at a time."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.flows.filters import Passage
from netwright.graph.draw import draw
from netwright.graph.layout import lay_out
from netwright.graph.lettering import Rect
from netwright.graph.shapes import Picture, PlacedBox, PlacedLink, PlacedSegment
from netwright.graph.svg import end_arrow, render_inline, start_arrow
from netwright.graph.trace import NO_TRACE, Plug, Trace, trace_flow
from netwright.model import Flow
from netwright.report.followed import Followed
from netwright.topology.resolved import ResolvedTopology

_RADIUS = 6
"""That of a box's corners in `graph/svg.py`."""


class Mark(Struct, frozen=True, kw_only=True):
    """A flow to be drawn: `number` is its place on the page, `kind` its look, `stops` the nodes where it fails,
    `followed` the links of packets whose way has changed."""

    number: int
    flow: Flow
    kind: str
    stops: frozenset[str]
    followed: Followed = Followed()


def draw_overlaid(resolved: ResolvedTopology, passages: Sequence[Passage], marks: Iterable[Mark]) -> str:
    """The picture of a topology as SVG, each flow's way in a hidden group `way-NUMBER`."""
    picture = lay_out(draw(resolved, passages, None))
    plugs = [*_plugs(resolved, picture)]
    extra: list[str] = []
    for mark in marks:
        trace = _as_followed(trace_flow(resolved, passages, mark.flow), mark.followed)
        extra += _group(picture, plugs, trace, mark)
    return render_inline(picture, extra)


def _as_followed(trace: Trace, followed: Followed) -> Trace:
    """Return a trace with the links that packets really take."""
    plugs = followed.drawn(trace.plugs)
    return replace(trace, plugs=plugs, starts=trace.starts & plugs, ends=trace.ends & plugs)


def _plugs(resolved: ResolvedTopology, picture: Picture) -> Iterator[frozenset[Plug]]:
    """Yield the interfaces that each link of a picture stands for."""
    boxes = [(box, link) for placed in picture.boxes for box in [placed.box] for link in box.links]
    owners = {id(link): box for box, link in boxes}
    for placed in picture.links:
        box, link = owners[id(placed.link)], placed.link
        yield frozenset(
            (name, interface.name)
            for name in box.names
            for interface in resolved.nodes[name].links
            if resolved.segment_of(interface) == link.segment
            and (len(box.names) > 1 or interface.name == link.interface)
        )


def _group(picture: Picture, plugs: Sequence[frozenset[Plug]], trace: Trace, mark: Mark) -> Iterator[str]:
    links = [
        (link, own & trace.starts, (own & trace.ends) or _is_of_pool(picture, link, trace))
        for link, own in zip(picture.links, plugs, strict=True)
        if own & trace.plugs or _is_of_pool(picture, link, trace)
    ]
    lines = [f"M {link.x} {link.box_y} L {link.x} {link.bar_y}" for link, _, _ in links]
    lines += _bars(picture, [link for link, _, _ in links], trace)
    arrows = [start_arrow(link.x, link.box_y, link.bar_y) for link, starts, _ in links if starts]
    arrows += [end_arrow(link.x, link.box_y, link.bar_y) for link, _, ends in links if ends]
    for cloud, box in zip(picture.clouds, [one for one in picture.boxes if one.box.internet], strict=True):
        edge = cloud.rect.bottom - 2
        if {*box.box.names} & (trace.from_internet | trace.to_internet):
            lines.append(f"M {cloud.x} {cloud.box_y} L {cloud.x} {edge}")
        arrows += [end_arrow(cloud.x, cloud.box_y, edge)] if {*box.box.names} & trace.from_internet else []
        arrows += [end_arrow(cloud.x, edge, cloud.box_y)] if {*box.box.names} & trace.to_internet else []
    outlines = [_outline(box.rect) for box in picture.boxes if _is_on(box, trace)]
    yield f'<g class="way {mark.kind}" id="way-{mark.number}">'
    yield from _former(picture, plugs, trace, mark.followed)
    yield f'<path class="on" d="{" ".join(outlines)}"/>'
    yield f'<path class="line" d="{" ".join(lines)}"/>'
    yield f'<path class="tip" d="{" ".join(arrows)}"/>'
    for box in picture.boxes:
        if {*box.box.names} & mark.stops:
            x, y = box.rect.right - 4, box.rect.y + 4
            yield f'<circle class="stop" cx="{x}" cy="{y}" r="11"/>'
            yield f'<path class="cross" d="M {x - 4} {y - 4} l 8 8 m 0 -8 l -8 8"/>'
    yield "</g>"


def _former(picture: Picture, plugs: Sequence[frozenset[Plug]], trace: Trace, followed: Followed) -> Iterator[str]:
    """Yield the way that packets took before, where it is not today's, which is drawn over it."""
    left = followed.left - trace.plugs
    links = [link for link, own in zip(picture.links, plugs, strict=True) if own & left]
    if not links:
        return
    whole = [link for link, own in zip(picture.links, plugs, strict=True) if own & followed.before]
    met = {link.link.segment for link in links}
    lines = [f"M {link.x} {link.box_y} L {link.x} {link.bar_y}" for link in links]
    lines += _bars(picture, [link for link in whole if link.link.segment in met], NO_TRACE)
    nodes = {node for node, _ in left}
    outlines = [_outline(box.rect) for box in picture.boxes if {*box.box.names} & nodes and not _is_on(box, trace)]
    yield f'<path class="former" d="{" ".join([*lines, *outlines])}"/>'


def _is_of_pool(picture: Picture, link: PlacedLink, trace: Trace) -> bool:
    return not link.link.is_cable and any(
        placed.box.title in trace.pools and link.link in placed.box.links for placed in picture.boxes
    )


def _is_on(placed: PlacedBox, trace: Trace) -> bool:
    nodes = {node for node, _ in trace.plugs} | trace.from_internet | trace.to_internet
    return bool(nodes & {*placed.box.names}) or (placed.box.is_pool and placed.box.title in trace.pools)


def _bars(picture: Picture, links: Sequence[PlacedLink], trace: Trace) -> Iterator[str]:
    """Yield the stretch of each segment between the outermost of a flow's links; all of one from panel to panel."""
    taken = {segment: [link.x for link in links if _is_on_bar(link, segment)] for segment in picture.segments}
    between = {one.segment.name for one, places in taken.items() if one.segment.is_continued and places}
    for segment, places in taken.items():
        name, middle = segment.segment.name, segment.bar.y + segment.bar.height // 2
        if name in between and not segment.segment.is_continued:
            yield f"M {segment.tab.right} {middle} L {segment.bar.right} {middle}"
        elif places:
            goes_on = name in trace.segments or segment.segment.is_continued
            yield f"M {segment.tab.right if goes_on else min(places)} {middle} L {max(places)} {middle}"


def _is_on_bar(link: PlacedLink, segment: PlacedSegment) -> bool:
    bar = segment.bar
    is_there = link.bar_y in (bar.y, bar.bottom) and bar.x <= link.x <= bar.right
    return is_there and link.link.segment == segment.segment.name


def _outline(rect: Rect) -> str:
    """Return the edge of a box, with its round corners."""
    across, down, round_ = rect.width - 2 * _RADIUS, rect.height - 2 * _RADIUS, f"a {_RADIUS} {_RADIUS} 0 0 1"
    corners = f"h {across} {round_} {_RADIUS} {_RADIUS} v {down} {round_} {-_RADIUS} {_RADIUS}"
    others = f"h {-across} {round_} {-_RADIUS} {-_RADIUS} v {-down} {round_} {_RADIUS} {-_RADIUS}"
    return f"M {rect.x + _RADIUS} {rect.y} {corners} {others} z"
