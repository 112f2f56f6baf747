"""A prospect and its results as text, and as JSON."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from netwright.apply.planning import Prospect
from netwright.apply.running import Result
from netwright.rollout.printing import render_text, rollout_object
from netwright.rollout.values import FilePlan
from netwright.text.counting import count, list_some
from netwright.text.envelope import render_envelope
from netwright.text.report import printable

VERSION = 1
_WIDTH, _MOST = 80, 6
_MOMENTS = {
    "boot": "in effect after the next boot",
    "provisioning": "at the next provisioning",
    "person": "for a person",
    "now": "for a person",
}
WORDS = {
    "applied": "applied",
    "undone": "not applied, it is as before",
    "refused": "not touched, as another change is under way",
    "untouched": "not touched",
    "unknown": "not known: it is applied, or the machine puts itself back; netwright status tells",
    "left": "not begun",
}
"""What has become of a machine, in words."""


def render_prospect(prospect: Prospect, remarks: Mapping[str, Sequence[str]]) -> str:
    """The plan for people, then what stays to be done by others."""
    rollout = prospect.rollout
    if rollout.machines:
        text = render_text(rollout).replace(f" to change since {rollout.state};", " to change;", 1)
    else:
        text = "Nothing to apply: the files are as OUT has them.\n"
    lines = [*_left(prospect), *_remarks(remarks)]
    return text + "".join(f"{printable(line)}\n" for line in lines)


def _left(prospect: Prospect) -> Iterator[str]:
    """Yield what apply does not do, each once with its machines."""
    nodes: dict[str, list[str]] = defaultdict(list)
    for node, plans in prospect.left.items():
        for one in plans:
            nodes[_what_is_left(one, node)].append(node)
    if nodes:
        yield from ("", "Not done by apply:")
    for what, where in nodes.items():
        yield from wrap(f"{list_some(where, _MOST)}: {what}", _WIDTH, initial_indent="  ", subsequent_indent="      ")


def _what_is_left(plan: FilePlan, node: str) -> str:
    one = plan.consequence
    commands = "; ".join(command.text for command in one.commands) if one.moment == "now" else ""
    words = [_MOMENTS[one.moment], *one.notes, *([commands] if commands else [])]
    return f"{plan.file.path.removeprefix(f'{node}.')}: {'; '.join(words)}"


def _remarks(remarks: Mapping[str, Sequence[str]]) -> Iterator[str]:
    lines = [f"{node}: {remark}" for node, some in remarks.items() for remark in some]
    yield from ("", *lines) if lines else ()


def render_result(result: Result) -> str:
    """A line on one machine."""
    why = f" ({result.why})" if result.why and result.outcome != "applied" else ""
    return printable(f"{result.node}: {WORDS[result.outcome]}{why}") + "\n"


def render_closing(found: Mapping[str, str], resume: str) -> str:
    """A line on all machines: what is applied and what not."""
    done = [node for node, outcome in found.items() if outcome == "applied"]
    left = [node for node, outcome in found.items() if outcome != "applied"]
    if not left:
        return f"{count(len(done), 'machine')}: applied.\n"
    applied = f"applied: {list_some(done, _MOST)}; " if done else ""
    return printable(f"{applied}not applied: {list_some(left, _MOST)}.{resume}") + "\n"


def prospect_object(prospect: Prospect, remarks: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The prospect as plain data."""
    return {
        "version": VERSION,
        "plan": rollout_object(prospect.rollout),
        "left": [
            {"node": node, "what": one.file.path, "in_effect": one.consequence.moment, "notes": one.consequence.notes}
            for node, plans in prospect.left.items()
            for one in plans
        ],
        "remarks": {node: [*some] for node, some in remarks.items() if some},
    }


def render_json(document: Mapping[str, Any], found: Mapping[str, str], results: Mapping[str, Result]) -> str:
    """All of it as one JSON object; each of `machines` has its outcome."""
    machines = [
        {"node": node, "outcome": outcome, "why": results[node].why if node in results else ""}
        for node, outcome in found.items()
    ]
    return render_envelope({**document, "machines": machines})
