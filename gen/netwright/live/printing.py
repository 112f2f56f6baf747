"""A status as a table for people, and as JSON."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import to_builtins
from msgspec.structs import replace

from netwright.live.difference import Aspect, Difference
from netwright.live.status import NodeStatus
from netwright.text.counting import count, list_some
from netwright.text.envelope import render_envelope
from netwright.text.report import Report, printable

_MOST_NODES = 6
_MOST_DETAILS = 200
_WORDS = {"missing": "missing", "extra": "extra", "different": "differ"}


def render_table(statuses: Sequence[NodeStatus], *, details: bool) -> str:
    """Return a line a node, what differs where details are wanted, and a closing line."""
    lines = [*_table(statuses)]
    remarks = [f"{one.node}: {remark}" for one in statuses for remark in _notes(one)]
    if remarks:
        lines += ["", *remarks]
    if details and any(one.differences for one in statuses):
        lines += ["", *_details(statuses)]
    lines += ["", _closing(statuses)]
    if not details and any(one.differences for one in statuses):
        lines.append("--details lists what differs.")
    return "\n".join(map(printable, lines)) + "\n"


def render_json(statuses: Sequence[NodeStatus], report: Report | None = None) -> str:
    """Return one JSON object, with findings about the topology."""
    document = {
        "as_reviewed": all(one.is_as_reviewed for one in statuses),
        "nodes": [{**to_builtins(one), "as_reviewed": one.is_as_reviewed} for one in statuses],
    }
    return render_envelope(document, report)


def _table(statuses: Sequence[NodeStatus]) -> Iterator[str]:
    shown = [aspect for aspect in Aspect if any(one.problem is None for one in statuses)]
    rows = [("node", *map(str, shown))]
    rows += [
        (one.node, one.problem) if one.problem is not None else (one.node, *(_cell(one, aspect) for aspect in shown))
        for one in statuses
    ]
    widths = [max((len(row[column]) for row in rows if len(row) > 2 or not column), default=0) for column in range(9)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()


def _cell(status: NodeStatus, aspect: Aspect) -> str:
    kinds = [one.kind for one in status.of(aspect)]
    found = [f"{kinds.count(kind)} {word}" for kind, word in _WORDS.items() if kind in kinds]
    if aspect in status.unread:
        found.append("?")
    return ", ".join(found) or "ok"


def _notes(status: NodeStatus) -> Iterator[str]:
    yield from status.remarks
    by_reason: dict[str, list[str]] = defaultdict(list)
    for aspect, reason in status.unread.items():
        by_reason[reason].append(str(aspect))
    yield from (f"{', '.join(aspects)} not read: {reason}" for reason, aspects in by_reason.items())


def _details(statuses: Sequence[NodeStatus]) -> Iterator[str]:
    """Yield each difference once, with the nodes that have it, and the line that asks the first of them."""
    nodes: dict[Difference, list[str]] = defaultdict(list)
    places: dict[Difference, str | None] = {}
    for status in statuses:
        for one in status.differences:
            anywhere = replace(one, place=None)
            nodes[anywhere].append(status.node)
            places.setdefault(anywhere, one.place)
    ordered = sorted(nodes.items(), key=lambda entry: [*Aspect].index(entry[0].aspect))
    for one, where in ordered[:_MOST_DETAILS]:
        place = f" ({places[one]})" if places[one] is not None else ""
        yield f"{one.aspect}: {one.describe()}: {list_some(where, _MOST_NODES)}{place}"
    if len(ordered) > _MOST_DETAILS:
        yield f"and {count(len(ordered) - _MOST_DETAILS, 'other difference')}; --format json has all"


def _closing(statuses: Sequence[NodeStatus]) -> str:
    unknown = [one.node for one in statuses if one.problem is not None]
    other = [one.node for one in statuses if one.differences]
    partly = [one.node for one in statuses if not one.differences and one.unread and one.problem is None]
    if not (unknown or other or partly):
        return f"{count(len(statuses), 'node')}: as reviewed."
    found = [
        f"{count(len(nodes), 'node')} {what}: {list_some(nodes, _MOST_NODES)}"
        for nodes, what in (
            (other, "not as reviewed"),
            (unknown, "of which nothing is known"),
            (partly, "not wholly read"),
        )
        if nodes
    ]
    return f"{'; '.join(found)} (of {len(statuses)})."
