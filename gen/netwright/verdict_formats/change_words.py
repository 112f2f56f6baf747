"""What a change does to flows, in the few words of a comment's first line."""

from collections.abc import Iterator, Sequence

from netwright.compare.change import Change, ChangeKind, Comparison, Effect
from netwright.text.counting import count
from netwright.text.markdown import code

MOST_NAMES = 5
_WORDS = {
    ChangeKind.BREAKS: "breaks",
    ChangeKind.OPENS: "opens",
    ChangeKind.CLOSES: "closes",
    ChangeKind.REPAIRS: "repairs",
    ChangeKind.REROUTES: "reroutes",
    ChangeKind.ADDS: "adds to",
    ChangeKind.TAKES: "takes from",
    ChangeKind.KEPT: "asks by another flow for",
}
_EFFECTS = {
    Effect.CLOSES: "closes",
    Effect.BLOCKED_NOW: "closes",
    Effect.ADMITTED: "opens",
    Effect.ARRIVES_NOW: "opens",
}
_ORDER = (
    *("breaks", "opens", "closes", "repairs", "reroutes", "adds to", "takes from"),
    *("asks by another flow for", "asks no longer for"),
)


def behaviour(comparison: Comparison) -> str:
    """What changes in behaviour, the most urgent first, such as: breaks `web`; opens `ssh`, `db`."""
    if not comparison.changes:
        return "no flow changes its verdict or its way"
    flows: dict[str, dict[str, None]] = {}
    for change in comparison.changes:
        flows.setdefault(word_of(change), {})[change.flow] = None
    return "; ".join(f"{word} {_names([*flows[word]])}" for word in _ORDER if word in flows)


def word_of(change: Change) -> str:
    """What a change does to a flow, in a word; of packets that no flow asks for any more, what now happens to them."""
    if change.effect is None or change.kind is ChangeKind.KEPT:
        return _WORDS.get(change.kind, str(change.kind))
    effects: dict[str, str] = {str(effect): word for effect, word in _EFFECTS.items()}
    return effects.get(change.effect, "asks no longer for")


def change_lines(changes: Sequence[Change]) -> Iterator[str]:
    """Yield an entry of a list for each change: the packets, and their way before and now."""
    for change in changes:
        more = change.classes - 1
        others = f" and {count(more, 'class', 'classes')} more" if more else ""
        ends = f"{change.sender} to {change.receiver} ({change.source} to {change.destination})"
        if change.effect is None:
            ends = f"{change.source} to {change.destination}"
        asked = f" ({change.kind}: {change.effect})" if change.effect is not None else ""
        yield f"- **{word_of(change)}** {code(change.flow)}{asked}: {code(f'{change.traffic} from {ends}')}{others}"
        yield f"  - before: {code(str(change.before)) if change.before.known else 'unassigned'}"
        yield f"  - now: {code(str(change.after)) if change.after.known else 'unassigned'}"


def _names(flows: Sequence[str]) -> str:
    shown = ", ".join(map(code, flows[:MOST_NAMES]))
    return f"{shown} and {len(flows) - MOST_NAMES} more" if len(flows) > MOST_NAMES else shown
