"""Drawing -> DOT, the language of Graphviz (https://graphviz.org/doc/info/lang.html)."""

from collections.abc import Iterator

from netwright.graph.drawing import Drawing
from netwright.graph.joints import ALLOWED, DENIED, FILLS, Joint, Tie, is_allowed, joints, ties, title_of
from netwright.text.report import printable

_ESCAPES = {'"': '\\"', "\\": "\\\\", "&": "&amp;"}
"""In labels Graphviz obeys backslashes, and reads entities as HTML does."""
_EDGE = "#9aa5b1"


def render_dot(drawing: Drawing) -> str:
    """An undirected graph of a drawing."""
    return "".join(f"{line}\n" for line in _lines(drawing))


def _lines(drawing: Drawing) -> Iterator[str]:
    colour, dashes = (ALLOWED, "") if is_allowed(drawing) else (DENIED, ",dashed")
    yield f"graph {_quote(drawing.title)} {{"
    yield f'  graph [label={_quote(title_of(drawing))}, labelloc=t, fontname="sans-serif", nodesep=0.3, ranksep=0.7]'
    yield f'  node [shape=box, style="filled", color="{_EDGE}", fontname="sans-serif", fontsize=11]'
    yield '  edge [color="#7b8794", fontname="sans-serif", fontsize=9, penwidth=1.5]'
    yield from (f"  {_joint(joint, colour)}" for joint in joints(drawing))
    yield from (f"  {_tie(tie, colour, dashes)}" for tie in ties(drawing))
    yield "}"


def _joint(joint: Joint, colour: str) -> str:
    attributes = [f"label={_quote(*joint.lines)}", f'fillcolor="{FILLS[joint.kind]}"']
    attributes += ['style="filled,dashed"'] if joint.kind == "foreign" else []
    attributes += ["shape=ellipse"] if joint.kind == "internet" else []
    attributes += [f'color="{colour}", penwidth=2.5'] if joint.traced else []
    return f"{joint.name} [{', '.join(attributes)}]"


def _tie(tie: Tie, colour: str, dashes: str) -> str:
    attributes = [f"label={_quote(*tie.lines)}"] if tie.lines else []
    attributes += [f'color="{colour}", penwidth=3, style="bold{dashes}"'] if tie.traced else []
    attributes += ["style=dotted"] if not tie.is_cable and not tie.traced else []
    if tie.points_up or tie.points_down:
        attributes.append(
            f"dir={'both' if tie.points_up and tie.points_down else 'back' if tie.points_up else 'forward'}"
        )
    return f"{tie.upper} -- {tie.lower}" + (f" [{', '.join(attributes)}]" if attributes else "")


def _quote(*lines: str) -> str:
    shown = ("".join(_ESCAPES.get(char, char) for char in printable(line)) for line in lines)
    return '"' + "\\n".join(shown) + '"'
