"""Drawing -> D2 (https://d2lang.com/tour/intro)."""

from collections.abc import Iterator

from netwright.graph.drawing import Drawing
from netwright.graph.joints import ALLOWED, DENIED, FILLS, Joint, Tie, is_allowed, joints, ties, title_of
from netwright.text.report import printable

_ESCAPES = {'"': '\\"', "\\": "\\\\", "$": "\\$"}
"""In double quotes D2 obeys backslashes, and replaces what follows a dollar."""


def render_d2(drawing: Drawing) -> str:
    """A diagram of a drawing."""
    return "".join(f"{line}\n" for line in _lines(drawing))


def _lines(drawing: Drawing) -> Iterator[str]:
    allowed = is_allowed(drawing)
    yield "direction: down"
    yield f"title: {_quote(title_of(drawing))} {{shape: text; near: top-center; style.font-size: 20}}"
    yield from (_joint(joint, allowed=allowed) for joint in joints(drawing))
    yield from (_tie(tie, allowed=allowed) for tie in ties(drawing))


def _joint(joint: Joint, *, allowed: bool) -> str:
    shape = "cloud" if joint.kind == "internet" else "rectangle"
    attributes = [f"shape: {shape}", f'style.fill: "{FILLS[joint.kind]}"', 'style.font-color: "#1f2933"']
    attributes += ["style.stroke-dash: 4"] if joint.kind == "foreign" else []
    attributes += [f'style.stroke: "{ALLOWED if allowed else DENIED}"', "style.stroke-width: 3"] if joint.traced else []
    return f"{joint.name}: {_quote(*joint.lines)} {{{'; '.join(attributes)}}}"


def _tie(tie: Tie, *, allowed: bool) -> str:
    line = f"{'<' if tie.points_up else '-'}{'>' if tie.points_down else '-'}"
    arrow = {"--": "--", "<-": "<-", "->": "->", "<>": "<->"}[line]
    attributes = [f'style.stroke: "{ALLOWED if allowed else DENIED}"', "style.stroke-width: 4"] if tie.traced else []
    attributes += ["style.stroke-dash: 5"] if not tie.is_cable or (tie.traced and not allowed) else []
    label = f": {_quote(*tie.lines)}" if tie.lines else ":" if attributes else ""
    return f"{tie.upper} {arrow} {tie.lower}{label}" + (f" {{{'; '.join(attributes)}}}" if attributes else "")


def _quote(*lines: str) -> str:
    shown = ("".join(_ESCAPES.get(char, char) for char in printable(line)) for line in lines)
    return '"' + "\\n".join(shown) + '"'
