"""Changes between two states of OUT, as values and as text."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from netwright.text.counting import count
from netwright.verify import Finding, Flow
from netwright.verify.network_model.network import Network
from netwright.verify.proof.cases import Case
from netwright.verify_input.world import Course


class ChangeKind(StrEnum):
    """Effect on a flow, in the words that a report has for it; the most urgent first."""

    BREAKS = "breaks"
    LOST = "no longer asked for"
    KEPT = "still asked for"
    OPENS = "opens"
    CLOSES = "closes"
    REPAIRS = "repairs"
    REROUTES = "reroutes"
    ADDS = "adds to"
    TAKES = "takes from"


class Effect(StrEnum):
    """What now happens to packets that no flow asks for any more, in a report's words."""

    UNKNOWN = "whether it arrives is unknown"
    TRANSLATED = "arrives, with another source address"
    ARRIVES = "still arrives"
    ARRIVES_NOW = "arrives now"
    CLOSES = "closes"
    STILL_CLOSED = "did not arrive, and does not"
    BLOCKED = "is still blocked"
    BLOCKED_NOW = "is blocked now"
    ADMITTED = "was kept out, now arrives"
    STILL_ADMITTED = "arrived, and still does"


class Change(Struct, frozen=True, kw_only=True):
    """One flow and what a change does to it, in how many classes of packets, and one of them, the `case`.

    It breaks, repairs or reroutes the flow, opens or closes what only today's topology asks for, or adds to it or takes
    from it what is assigned in one state only. Where a flow of the other state asked for the packets, and today's flow
    of that name does not, `effect` is what now happens to them.
    """

    flow: str
    kind: ChangeKind
    classes: int
    case: Case
    source: str
    destination: str
    traffic: str
    before: Course
    after: Course
    sender: str
    receiver: str
    effect: str | None = None


class Earlier(Struct, frozen=True, kw_only=True):
    """The earlier state: the forms of its network and its flows.

    If `is_borrowed`, its own topology is unknown, so that today's decides how it is wired, and what it asks for.
    """

    forms: Sequence[Network]
    flows: Sequence[Flow]
    is_borrowed: bool = False


class Compared(Struct, frozen=True, kw_only=True):
    """Both states of a comparison while the files of the earlier one are there: below `out`, as networks, and the flows
    of either."""

    out: Path
    before: Earlier
    forms: Sequence[Network]
    flows: Sequence[Flow]
    changes: tuple[Change, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """The changes since another state of OUT: its name, that of its own topology (None: today's), nodes it lacks.

    If `flows_unknown`, it has no topology that can be read, so that flows which it alone had are missing.
    `standing` are the findings that it has too.
    """

    state: str
    topology: str | None
    absent: tuple[str, ...]
    changes: tuple[Change, ...]
    flows_unknown: bool = False
    standing: tuple[Finding, ...] = ()


def find_standing(before: Iterable[Finding], now: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of today that the other state has at the same nodes for the same cause."""
    known = {(one.kind, one.cause, one.nodes, one.severity) for one in before}
    return tuple(one for one in now if (one.kind, one.cause, one.nodes, one.severity) in known)


def describe_change(change: Change) -> str:
    """The change for people, on one line."""
    before, now = describe_courses(change)
    what = f"{change.kind} {change.flow}" if change.effect is None else f"{change.flow}: {change.kind}"
    return f"{what}: {describe_packets(change)}: before: {before}; now: {now}"


def describe_packets(change: Change) -> str:
    """The packets that a change concerns; what now happens to those that no flow asks for any more."""
    more = change.classes - 1
    classes = f" and {count(more, 'class', 'classes')} more" if more else ""
    if change.effect is None:
        return f"{change.traffic} from {change.source} to {change.destination}{classes}"
    ends = f"from {change.sender} to {change.receiver} ({change.source} to {change.destination})"
    return f"{change.traffic} {ends}{classes}: {change.effect}"


def describe_courses(change: Change) -> tuple[str, str]:
    """How the packets fared before, and how they do now."""
    was = str(change.before) if change.before.known else "was unassigned"
    now = str(change.after) if change.after.known else "is unassigned"
    return was, now
