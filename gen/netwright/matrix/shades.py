"""Look of a matrix, as a picture and on a page: kinds of cells, their words and colours."""

from collections.abc import Mapping

from netwright.matrix.matrix import Cell, Matrix
from netwright.text.counting import count
from netwright.verify import FindingKind, Outcome

LEGEND: Mapping[str, str] = {
    "all": "all pairs get an answer",
    "some": "some pairs do",
    "refused": "none: a rule or a route refuses them",
    "lost": "none: they get lost on the way",
    "unknown": "unknown",
    "blank": "nothing to judge",
}
"""The kinds of cells, in words. A refusal is meant, as a rule; what gets lost may be a fault, if a flow asks for it."""

GLYPHS: Mapping[str, str] = {"all": "", "some": "◐", "refused": "–", "lost": "✕", "unknown": "?", "blank": "·"}

SHORT: Mapping[FindingKind, str] = {
    Outcome.NO_ROUTE: "no route",
    Outcome.UNREACHABLE_ROUTE: "discarded",
    Outcome.ARP_UNANSWERED: "no ARP",
    Outcome.RPF_DROP: "rp_filter",
    Outcome.FORWARDING_OFF: "no forward",
    Outcome.FILTERED: "filtered",
    Outcome.CT_INVALID: "ct invalid",
    Outcome.LOOP: "loop",
    Outcome.WRONG_NODE: "wrong node",
    Outcome.NAT_APPLIED: "NAT",
    Outcome.NO_DEVICE: "no device",
    Outcome.NO_CARRIER: "no carrier",
    Outcome.WRONG_DEVICE: "device",
    Outcome.VLAN_MISMATCH: "VLAN",
    Outcome.NO_PEER: "no peer",
    Outcome.NO_HANDSHAKE: "handshake",
    Outcome.SOURCE_NOT_ALLOWED: "source",
    Outcome.UNKNOWN: "unknown",
}
"""Verdicts in a cell's words."""

LIGHT: Mapping[str, tuple[str, str]] = {
    "all": ("#d7e8f6", "#123a5c"),
    "some": ("#ffc94d", "#3a2a00"),
    "refused": ("#667285", "#ffffff"),
    "lost": ("#8a5a83", "#ffffff"),
    "unknown": ("#ffffff", "#4a5361"),
    "blank": ("#f1f3f5", "#6b7480"),
    "paper": ("#ffffff", "#1f2933"),
    "note": ("#ffffff", "#56606c"),
}
DARK: Mapping[str, tuple[str, str]] = {
    "all": ("#1d3f5e", "#d7e8f6"),
    "some": ("#e0a526", "#241a00"),
    "refused": ("#8b97a8", "#11161c"),
    "lost": ("#c79bc0", "#2a1427"),
    "unknown": ("#14191f", "#c3cbd5"),
    "blank": ("#1c232b", "#8b95a1"),
    "paper": ("#14191f", "#e6ebf0"),
    "note": ("#14191f", "#a4afbb"),
}
"""Fill and ink. Kinds differ in lightness as well as in hue, and in their glyph: no colour alone carries a meaning."""


_STOPPED: Mapping[FindingKind, str] = {
    Outcome.FILTERED: "refused",
    Outcome.UNREACHABLE_ROUTE: "refused",
    Outcome.UNKNOWN: "unknown",
}


def kind_of(cell: Cell) -> str:
    """The kind of a cell, a key of LEGEND: what stops none of its pairs, or most of them if none gets through."""
    if cell.verdict == "-":
        return "blank"
    if cell.verdict != "none":
        return cell.verdict
    return _STOPPED.get(cell.reasons[0].verdict, "lost")


def shares(cell: Cell) -> str:
    """For how many of its pairs a cell stands, in words."""
    share = f"{cell.arrived} of {count(cell.judged, 'class pair')}"
    return f"{share} (an even spread of {cell.classes})" if cell.spread else share


def tip(cell: Cell, most: int = 4) -> str:
    """All about a cell, a line each: who to whom, for how many pairs, and what stops the rest."""
    lines = [f"{cell.source} to {cell.destination}: {shares(cell) if cell.judged else LEGEND['blank']}"]
    for reason in cell.reasons[:most]:
        lines.append(f"{reason.verdict} at {reason.node} ({reason.classes}): {reason.cause}")
        lines.append(f"   {reason.source} to {reason.destination}")
    if len(cell.reasons) > most:
        lines.append(f"and {count(len(cell.reasons) - most, 'reason')} more")
    return "\n".join(lines)


def title(matrix: Matrix) -> str:
    """Return the title of a matrix."""
    return f"Who reaches whom by {'ping' if matrix.traffic == 'icmp' else matrix.traffic}"


def kinds_in(*matrices: Matrix) -> tuple[str, ...]:
    """The kinds that occur, in the legend's order."""
    met = {kind_of(cell) for matrix in matrices for row in matrix.cells for cell in row}
    return tuple(kind for kind in LEGEND if kind in met)
