"""Drawing -> Mermaid, as GitHub renders it in a fenced block of Markdown."""

import json
from collections.abc import Iterator

from netwright.graph.drawing import Drawing
from netwright.graph.joints import ALLOWED, DENIED, FILLS, Tie, is_allowed, joints, ties, title_of
from netwright.text.report import printable

_ESCAPES = {"#": "#35;", "&": "#amp;", "<": "#lt;", ">": "#gt;", '"': "#quot;", "`": "#96;", "\\": "#92;", "|": "#124;"}
_ALLOWED = f"stroke:{ALLOWED},stroke-width:3px"
_DENIED = f"stroke:{DENIED},stroke-width:3px,stroke-dasharray:6 4"


def render_mermaid(drawing: Drawing) -> str:
    """A flowchart of a drawing."""
    return "".join(f"{line}\n" for line in _lines(drawing))


def _lines(drawing: Drawing) -> Iterator[str]:
    yield from ("---", f"title: {json.dumps(printable(title_of(drawing)))}", "---", "flowchart TB")
    ends = []
    for joint in joints(drawing):
        shape = ('(["', '"])') if joint.kind == "internet" else ('["', '"]')
        yield f"  {joint.name}{shape[0]}{_label(*joint.lines)}{shape[1]}:::{joint.kind}"
        ends += [joint.name] if joint.traced and joint.kind != "internet" else []
    links = [*ties(drawing)]
    yield from (f"  {_link(tie)}" for tie in links)
    for kind, fill in FILLS.items():
        stroke, dashes = ("#7b8794" if kind == "segment" else "#9aa5b1"), ",stroke-dasharray:5 3"
        yield f"  classDef {kind} fill:{fill},stroke:{stroke},color:#1f2933{dashes if kind == 'foreign' else ''}"
    traced = [str(number) for number, tie in enumerate(links) if tie.traced]
    style = _ALLOWED if is_allowed(drawing) else _DENIED
    if traced:
        yield f"  linkStyle {','.join(traced)} {style}"
    yield from (f"  style {end} {style}" for end in ends)


def _link(tie: Tie) -> str:
    """A labelled line; the upper end comes first, as Mermaid ranks ends in that order."""
    label = f'|"{_label(*tie.lines)}"|' if tie.lines else ""
    return f"{tie.upper} {'---' if tie.is_cable else '-.-'}{label} {tie.lower}"


def _label(*lines: str) -> str:
    return "<br/>".join("".join(_ESCAPES.get(char, char) for char in printable(line)) for line in lines)
