"""Picture -> SVG, complete in itself: no scripts, no fonts, nothing that is loaded, and a background of its own."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from netwright.graph.lettering import Rect, TextLine
from netwright.graph.shapes import Picture, PlacedBox, PlacedCloud, PlacedLink, PlacedSegment
from netwright.graph.svg_style import SCOPE, style_lines
from netwright.text.counting import count
from netwright.text.report import printable

_CLOUD = "M {x0} {y1} c -34 0 -34 -34 -6 -36 c 2 -30 44 -36 56 -14 c 22 -12 44 4 38 22 c 26 2 24 28 0 28 z"


def render_svg(picture: Picture) -> str:
    """The picture as a file."""
    style = ["<style>", *style_lines(allowed=picture.flow is None or picture.flow.allow), "</style>"]
    return "".join(f"{line}\n" for line in _lines(picture, style))


def render_inline(picture: Picture, extra: Sequence[str]) -> str:
    """The picture as a part of a page that has its style, with more elements on top."""
    return "".join(f"{line}\n" for line in _lines(picture, (), extra))


def _lines(picture: Picture, style: Sequence[str], extra: Sequence[str] = ()) -> Iterator[str]:
    size = f'width="{picture.width}" height="{picture.height}" viewBox="0 0 {picture.width} {picture.height}"'
    attributes = f'{size} class="{SCOPE}" role="img" aria-labelledby="title desc"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>'
    yield f'<title id="title">{_escape(_title(picture))}</title>'
    yield f'<desc id="desc">{_escape(_description(picture))}</desc>'
    yield from style
    yield _rect(Rect(x=0, y=0, width=picture.width, height=picture.height), "paper", radius=8)
    yield from (_rect(frame, "panel", radius=8) for frame in picture.frames)
    yield from (_rect(rect, "node", radius=6) for box in picture.boxes for rect in reversed(box.shadows))
    # Lines before bars: what passes a segment without being on it passes underneath.
    for link in picture.links:
        style_of = "flow" if link.link.traced else "link" if link.link.is_cable else "link announced"
        yield _line(link.x, link.box_y, link.x, link.bar_y, style_of)
    yield from (line for placed in picture.segments for line in _segment(placed))
    yield from (line for cloud in picture.clouds for line in _cloud(cloud))
    yield from (line for link in picture.links for line in _link(link))
    yield from (line for box in picture.boxes for line in _box(box))
    yield from _arrows(picture)
    yield _text(picture.title)
    yield from map(_text, picture.caption)
    if picture.sample is not None:
        middle = picture.sample.y + picture.sample.height // 2
        yield _line(picture.sample.x, middle, picture.sample.right, middle, "flow")
    yield from extra
    yield "</svg>"


def _title(picture: Picture) -> str:
    return picture.title.text + (f", flow {picture.flow.flow}" if picture.flow is not None else "")


def _description(picture: Picture) -> str:
    nodes = sum(len(placed.box.names) for placed in picture.boxes)
    segments = {placed.segment.name for placed in picture.segments}
    caption = f"{count(nodes, 'node')} on {count(len(segments), 'segment')}"
    return caption + (f"; {picture.flow.flow}: {picture.flow.summary}" if picture.flow is not None else "")


def _segment(placed: PlacedSegment) -> Iterator[str]:
    yield _rect(placed.bar, "bar", radius=4)
    if placed.traced is not None:
        middle = placed.bar.y + placed.bar.height // 2
        yield _line(placed.traced[0], middle, placed.traced[1], middle, "flow")
    yield _rect(placed.tab, "tab end" if placed.segment.is_end else "tab", radius=4)
    yield from map(_text, placed.texts)


def _link(placed: PlacedLink) -> Iterator[str]:
    middle = placed.bar_y + (4 if placed.bar_y > placed.box_y else -4)
    style = "plug arrow" if placed.link.traced else "plug"
    yield f'<circle class="{style}" cx="{placed.x}" cy="{middle}" r="5"/>'
    yield from map(_text, placed.texts)


def _arrows(picture: Picture) -> Iterator[str]:
    """Arrowheads where a flow starts, out of a box, and where it ends, into one."""
    for link in picture.links:
        shapes = [start_arrow(link.x, link.box_y, link.bar_y)] if link.link.is_start else []
        shapes += [end_arrow(link.x, link.box_y, link.bar_y)] if link.link.is_end else []
        yield from (f'<path class="arrow" d="{shape}"/>' for shape in shapes)
    for cloud in picture.clouds:
        edge = cloud.rect.bottom - 2
        shapes = [end_arrow(cloud.x, cloud.box_y, edge)] if cloud.starts else []
        shapes += [end_arrow(cloud.x, edge, cloud.box_y)] if cloud.ends else []
        yield from (f'<path class="arrow" d="{shape}"/>' for shape in shapes)


def end_arrow(x: int, y: int, from_y: int) -> str:
    """An arrowhead at the end of a vertical line, pointing into what is there."""
    back = 11 if from_y > y else -11
    return f"M {x} {y} l -7 {back} h 14 z"


def start_arrow(x: int, y: int, to_y: int) -> str:
    """A dot at the beginning of a vertical line, and an arrowhead behind it that points away."""
    way = 1 if to_y > y else -1
    return f"M {x - 4} {y} a 4 4 0 0 0 8 0 a 4 4 0 0 0 -8 0 z M {x} {y + 24 * way} l -6 {-12 * way} h 12 z"


def _box(placed: PlacedBox) -> Iterator[str]:
    box = placed.box
    kinds = ["node", *(["host"] if box.libvirt else []), *(["foreign"] if not box.managed else [])]
    kinds += ["pool"] if box.is_pool else []
    kinds += ["on-flow"] if box.traced else []
    yield "<g>"
    yield f"<title>{_escape(', '.join((box.title, *box.lines)))}</title>"
    yield _rect(placed.rect, " ".join(kinds), radius=6)
    yield from map(_text, placed.texts)
    for pill in placed.pills:
        yield _rect(pill.rect, f"{pill.kind} end" if pill.traced else pill.kind, radius=5)
        yield from map(_text, pill.texts)
    yield "</g>"


def _cloud(placed: PlacedCloud) -> Iterator[str]:
    style = "flow" if placed.traced else "link"
    yield _line(placed.x, placed.box_y, placed.x, placed.rect.bottom - 4, style)
    path = _CLOUD.format(x0=placed.rect.x + 30, y1=placed.rect.bottom - 2)
    yield f'<path class="{"cloud on-flow" if placed.traced else "cloud"}" d="{path}"/>'
    yield _text(placed.text)


def _rect(rect: Rect, style: str, *, radius: int) -> str:
    place = f'x="{rect.x}" y="{rect.y}" width="{rect.width}" height="{rect.height}"'
    return f'<rect class="{style}" {place} rx="{radius}"/>'


def _line(x1: int, y1: int, x2: int, y2: int, style: str) -> str:
    return f'<path class="{style}" d="M {x1} {y1} L {x2} {y2}"/>'


def _text(text: TextLine) -> str:
    return f'<text class="{text.style}" x="{text.x}" y="{text.baseline}">{_escape(text.text)}</text>'


def _escape(text: str) -> str:
    return escape(printable(text))
