"""Drawing -> Mermaid, as GitHub renders it in a fenced block of Markdown."""

import json
from collections.abc import Iterator

from netwright.graph.drawing import Box, Drawing, DrawnLink
from netwright.text.report import printable

_ESCAPES = {"#": "#35;", "&": "#amp;", "<": "#lt;", ">": "#gt;", '"': "#quot;", "`": "#96;", "\\": "#92;", "|": "#124;"}
_ALLOWED = "stroke:#0b7a53,stroke-width:3px"
_DENIED = "stroke:#c0262d,stroke-width:3px,stroke-dasharray:6 4"


def render_mermaid(drawing: Drawing) -> str:
    """A flowchart of a drawing."""
    return "".join(f"{line}\n" for line in _lines(drawing))


def _lines(drawing: Drawing) -> Iterator[str]:
    yield from ("---", f"title: {json.dumps(printable(_title(drawing)))}", "---", "flowchart TB")
    ids = {segment.name: f"s{number}" for number, segment in enumerate(drawing.segments, 1)}
    ends: list[str] = []
    for segment in drawing.segments:
        yield f'  {ids[segment.name]}["{_label(segment.heading, *segment.lines)}"]:::segment'
        ends += [ids[segment.name]] if segment.is_end else []
    edges: list[tuple[str, bool]] = []
    for number, box in enumerate(drawing.boxes, 1):
        own = f"n{number}"
        yield f'  {own}["{_label(box.title, *box.lines, *box.pods, *box.forwards)}"]:::{_style(box)}'
        ends += [own] if box.traced else []
        if box.internet:
            yield f'  i{number}(["internet"]):::internet'
            edges.append((f"i{number} --- {own}", box.from_internet or box.to_internet))
        top = min((list(ids).index(link.segment) for link in box.links), default=0)
        for link in box.links:
            upwards = list(ids).index(link.segment) == top and not box.internet
            edges.append((_edge(own, ids[link.segment], link, upwards=upwards), link.traced))
    yield from (f"  {edge}" for edge, _ in edges)
    yield "  classDef segment fill:#e4e7eb,stroke:#7b8794,color:#1f2933"
    yield "  classDef node fill:#f5f9ff,stroke:#9aa5b1,color:#1f2933"
    yield "  classDef host fill:#fff4dc,stroke:#9aa5b1,color:#1f2933"
    yield "  classDef foreign fill:#f7f7f7,stroke:#9aa5b1,color:#1f2933,stroke-dasharray:5 3"
    yield "  classDef pool fill:#f5f0fb,stroke:#9aa5b1,color:#1f2933"
    yield "  classDef internet fill:#eaf4fc,stroke:#9aa5b1,color:#1f2933"
    traced = [str(number) for number, (_, is_traced) in enumerate(edges) if is_traced]
    style = _ALLOWED if drawing.caption is None or drawing.caption.allow else _DENIED
    if traced:
        yield f"  linkStyle {','.join(traced)} {style}"
    yield from (f"  style {end} {style}" for end in ends)


def _title(drawing: Drawing) -> str:
    caption = drawing.caption
    return drawing.title + (f" - {caption.flow}: {caption.summary}" if caption is not None else "")


def _edge(box: str, segment: str, link: DrawnLink, *, upwards: bool) -> str:
    """A labelled line; the upper end comes first, as Mermaid ranks ends in that order."""
    upper, lower = (segment, box) if upwards else (box, segment)
    line = "---" if link.is_cable else "-.-"
    return f'{upper} {line}|"{_label(link.interface, *link.addresses)}"| {lower}'


def _style(box: Box) -> str:
    return "pool" if box.is_pool else "host" if box.libvirt else "node" if box.managed else "foreign"


def _label(*lines: str) -> str:
    return "<br/>".join("".join(_ESCAPES.get(char, char) for char in printable(line)) for line in lines)
