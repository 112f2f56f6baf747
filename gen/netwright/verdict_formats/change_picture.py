"""The ways that a change takes from flows and gives to them, as a Mermaid flowchart."""

from collections.abc import Sequence
from itertools import pairwise

from netwright.compare.change import Change
from netwright.text.report import printable
from netwright.verdict_formats.change_words import word_of
from netwright.verify import Outcome
from netwright.verify_input.world import Course

MOST_EDGES = 60
"""Most lines of a picture; of more nothing could be read."""
_NAMES_SHOWN = 3
_ESCAPES = {"#": "#35;", "&": "#amp;", "<": "#lt;", ">": "#gt;", '"': "#quot;", "`": "#96;", "\\": "#92;", "|": "#124;"}
_BOTH, _BEFORE, _NOW = "---", "-.->", "==>"
_END = "\0"
"""What the name of a box begins with that is a verdict, and no node."""
_Ends = tuple[str, str]


def draw_changes(changes: Sequence[Change]) -> list[str]:
    """The lines of the flowchart: a way that goes is dotted, one that comes is thick; none if nothing has one.

    Where packets end before their receiver, a box has the verdict.
    """
    led = [change for change in changes if change.before != change.after]
    before, now = (_edges(led, was=was) for was in (True, False))
    edges = [*dict.fromkeys((*before, *now))]
    if not edges or len(edges) > MOST_EDGES:
        return []
    ids = {name: f"n{number}" for number, name in enumerate(dict.fromkeys(end for edge in edges for end in edge), 1)}
    lines = ["flowchart LR"]
    lines += [f"  {ids[name]}{_box(name)}" for name in ids]
    for edge in edges:
        kind = _BOTH if edge in before and edge in now else _BEFORE if edge in before else _NOW
        flows = [*dict.fromkeys((*before.get(edge, ()), *now.get(edge, ())))]
        lines.append(f'  {ids[edge[0]]} {kind}|"{_label(flows)}"| {ids[edge[1]]}')
    return lines


def _edges(changes: Sequence[Change], *, was: bool) -> dict[_Ends, list[str]]:
    """Return what each pair of neighbours on a way has pass: the flows, each with what the change does to it."""
    found: dict[_Ends, list[str]] = {}
    for change in changes:
        for edge in _steps(change.before if was else change.after):
            found.setdefault(edge, []).append(f"{word_of(change)} {change.flow}")
    return found


def _steps(course: Course) -> list[_Ends]:
    if not course.there:
        return []
    steps = [*pairwise(course.there)]
    return steps if course.verdict == Outcome.ACCEPTED else [*steps, (course.there[-1], f"{_END}{course.verdict}")]


def _box(name: str) -> str:
    return f'(["{_escaped(name.removeprefix(_END))}"])' if name.startswith(_END) else f'["{_escaped(name)}"]'


def _label(flows: Sequence[str]) -> str:
    more = [f"and {len(flows) - _NAMES_SHOWN} more"] if len(flows) > _NAMES_SHOWN else []
    return "<br/>".join(map(_escaped, (*flows[:_NAMES_SHOWN], *more)))


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(sign, sign) for sign in printable(text))
