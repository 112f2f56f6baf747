"""The summary of a run, for people and for machines."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from netwright.text.counting import count
from netwright.text.envelope import render_envelope
from netwright.text.report import Report, printable

if TYPE_CHECKING:
    from netwright.write import Changes, Differences

LINES = 40
"""Number of summary lines shown to a person."""


def outcome_text(outcome: "Changes", out: str, warnings: int, *, dry_run: bool) -> str:
    """The closing summary of generate: what happened to which folders of OUT, and the sums."""
    would = "would be " if dry_run else ""
    lines = [
        f"{mark} {line}"
        for mark, paths in (
            ("+", _by_node(outcome.added, out)),
            ("~", (f"{out}/{path}" for path in outcome.changed)),
            ("-", _by_node(outcome.pruned, out)),
        )
        for line in paths
    ]
    shown = lines if len(lines) <= LINES else [*lines[:LINES], f"  and {len(lines) - LINES} more"]
    sums = (
        f"{count(outcome.nodes, 'node')}, {count(outcome.files, 'file')}: {len(outcome.added)} {would}added, "
        f"{len(outcome.changed)} {would}changed, {len(outcome.pruned)} {would}pruned; {count(warnings, 'warning')}"
    )
    return "".join(f"{printable(line)}\n" for line in (*shown, sums))


def _by_node(paths: tuple[str, ...], out: str) -> Iterator[str]:
    """Each path, or for a node that comes or goes as a whole (its manifest does) one line with the number of files."""
    for node, group in groupby(paths, key=lambda path: path.split("/", 1)[0]):
        below = tuple(group)
        if f"{node}/manifest.json" in below and len(below) > 2:
            yield f"{out}/{node}  {count(len(below), 'file')}"
        else:
            yield from (f"{out}/{path}" for path in below)


def outcome_json(outcome: "Changes", report: Report, *, dry_run: bool) -> str:
    """The outcome of generate as a JSON object."""
    return render_envelope(
        {
            "dry_run": dry_run,
            "nodes": outcome.nodes,
            "files": outcome.files,
            "added": outcome.added,
            "changed": outcome.changed,
            "pruned": outcome.pruned,
            "warnings": report.warnings,
        },
        report,
    )


def validation_text(topology: str, nodes: int, warnings: int) -> str:
    """One line on a topology without errors."""
    return f"{printable(topology)}: {count(nodes, 'node')}, {count(warnings, 'warning')}\n"


def comparison_text(comparison: "Differences", out: str) -> str:
    """One line on whether OUT is as generated; the comparison's findings name what differs."""
    if comparison.differs:
        sums = f"{count(len(comparison.differences), 'file')} not as generated"
    else:
        sums = f"{count(comparison.nodes, 'node')}, {count(comparison.files, 'file')}, all as generated"
    return f"{printable(out)}: {sums}\n"


def comparison_json(comparison: "Differences") -> str:
    """The outcome of check as a JSON object."""
    differences = [
        {"node": difference.node, "path": difference.path, "kind": str(difference.kind)}
        for difference in comparison.differences
    ]
    return _comparison_json(comparison, differences)


def diff_json(comparison: "Differences") -> str:
    """The outcome of diff as a JSON object: as that of check, each difference with its message and unified diff."""
    from netwright.write import render_diff_json  # noqa: PLC0415 - only diff needs what renders differences

    return _comparison_json(comparison, json.loads(render_diff_json(comparison)))


def _comparison_json(comparison: "Differences", differences: object) -> str:
    return render_envelope(
        {"nodes": comparison.nodes, "files": comparison.files, "differences": differences}, comparison.report
    )
