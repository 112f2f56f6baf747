"""A judgement as text, and as one JSON object."""

from collections.abc import Iterator
from typing import Any

from msgspec import to_builtins

from netwright.compare.change import Change, Comparison, describe_change
from netwright.matrix.matrix import Matrix
from netwright.matrix.shades import title
from netwright.repair.repair import Repair, Search, describe_repair
from netwright.text.counting import count
from netwright.text.envelope import render_envelope
from netwright.text.report import printable
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import render_text
from netwright.verify.proof.printing import verification_object

MOST_REASONS = 12


def render_plain(judgement: Judgement, *, colour: bool = False) -> str:
    """Render a verification for people at a terminal, with the words in colour by which they look for a failure."""
    drift = [*map(printable, judgement.drift.lines()), "", ""] if judgement.drift is not None else []
    return "\n".join(drift) + render_text(
        judgement.verification, tuple(_sections(judgement)), in_full=judgement.lists_assumptions, colour=colour
    )


def _sections(judgement: Judgement) -> Iterator[str]:
    if judgement.search is not None:
        yield ""
        yield from _repair_lines(judgement.search)
    if judgement.comparison is not None:
        yield from ("", *comparison_lines(judgement.comparison))
    if judgement.matrix is not None:
        yield from ("", *matrix_lines(judgement.matrix))


def _repair_lines(search: Search) -> Iterator[str]:
    if search.summary:
        yield search.summary
        return
    yield "What would repair it, each generated and verified:"
    for repair in search.repairs:
        yield f"  - {describe_repair(repair)}"
        yield from (f"    {line}" for line in repair.typed)


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Return the lines of a comparison, one for each change."""
    topology = f", wired by {comparison.topology}" if comparison.topology is not None else ""
    if not comparison.changes:
        yield f"Against {comparison.state}{topology}: no flow changes its verdict or its way."
    else:
        yield f"Against {comparison.state}{topology}:"
        yield from (f"  {describe_change(change)}" for change in comparison.changes)
    if comparison.flows_unknown:
        yield f"  {comparison.state} has no topology that can be read: today's flows are compared, and no others"
    if comparison.absent:
        yield f"  {comparison.state} has no {', '.join(comparison.absent[:8])}"


def matrix_lines(matrix: Matrix) -> list[str]:
    """The matrix as a table, sources on the left, and below it what stops the rest."""
    rows = [["", *(party.name for party in matrix.destinations)]]
    for source, cells in zip(matrix.sources, matrix.cells, strict=True):
        rows.append([source.name, *(f"{cell.verdict}{'*' if cell.spread else ''}" for cell in cells)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    reasons = matrix.reasons()
    causes = [
        f"  {count(cells, 'cell')}: {reason.verdict} at {reason.node}: {reason.cause}"
        for reason, cells in reasons[:MOST_REASONS]
    ]
    more = [f"  and {count(len(reasons) - MOST_REASONS, 'reason')} more"] if len(reasons) > MOST_REASONS else []
    spread = any(cell.spread for row in matrix.cells for cell in row)
    note = ["* of very many pairs, an even spread was judged"] if spread else []
    why = ["What stops the rest:", *causes, *more] if causes else []
    return [f"{title(matrix)}, rows to columns, there and back:", *table, *note, *why]


def render_object(judgement: Judgement) -> str:
    """The verification, and under further keys what else was asked for."""
    document = verification_object(judgement.verification)
    document["outdated"] = to_builtins(judgement.drift) if judgement.drift is not None else None
    search = judgement.search
    document["repairs"] = [_repair_object(repair) for repair in search.repairs] if search is not None else []
    document["repairs_tried"] = search.tried if search is not None else 0
    if judgement.comparison is not None:
        document["against"] = {"state": judgement.comparison.state, "topology": judgement.comparison.topology}
        changes = judgement.comparison.changes
        document["changes"] = [{**_change_object(change), "text": describe_change(change)} for change in changes]
    if judgement.matrix is not None:
        cells = [cell for row in judgement.matrix.cells for cell in row]
        document["matrix"] = [{**to_builtins(cell), "verdict": cell.verdict} for cell in cells]
    return render_envelope(document)


def _change_object(change: Change) -> dict[str, Any]:
    return {name: to_builtins(getattr(change, name)) for name in change.__struct_fields__ if name != "case"}


def _repair_object(repair: Repair) -> dict[str, Any]:
    return {key: value for key, value in to_builtins(repair).items() if key != "typed"}
