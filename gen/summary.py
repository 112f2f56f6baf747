"""What a run did, for people and for machines."""

import json
from collections.abc import Iterator
from itertools import groupby

from gen.report import Report, render_json
from gen.write import Comparison, Outcome

LINES = 40
"""How many lines of a summary a person wants to see."""


def outcome_text(outcome: Outcome, out: str, warnings: int, *, dry_run: bool) -> str:
    """The closing summary of generate: what happened to which folders of OUT, and the sums."""
    would = "would be " if dry_run else ""
    lines = [
        f"{mark} {line}"
        for mark, paths in (("+", outcome.added), ("~", outcome.changed), ("-", outcome.pruned))
        for line in _by_node(paths, out)
    ]
    shown = lines if len(lines) <= LINES else [*lines[:LINES], f"  and {len(lines) - LINES} more"]
    sums = (
        f"{count(outcome.nodes, 'node')}, {count(outcome.files, 'file')}: {len(outcome.added)} {would}added, "
        f"{len(outcome.changed)} {would}changed, {len(outcome.pruned)} {would}pruned; {count(warnings, 'warning')}"
    )
    return "\n".join([*shown, sums]) + "\n"


def _by_node(paths: tuple[str, ...], out: str) -> Iterator[str]:
    """Each path, or for a node that comes or goes as a whole (its manifest does) one line with the number of files."""
    for node, group in groupby(paths, key=lambda path: path.split("/", 1)[0]):
        below = tuple(group)
        if f"{node}/manifest.json" in below and len(below) > 2:
            yield f"{out}/{node}  {count(len(below), 'file')}"
        else:
            yield from (f"{out}/{path}" for path in below)


def count(number: int, noun: str) -> str:
    """The number and its noun: 1 node, 2 nodes."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def outcome_json(outcome: Outcome, report: Report, *, dry_run: bool) -> str:
    """The outcome of generate as a JSON object."""
    return _dump(
        {
            "dry_run": dry_run,
            "nodes": outcome.nodes,
            "files": outcome.files,
            "added": outcome.added,
            "changed": outcome.changed,
            "pruned": outcome.pruned,
            "warnings": report.warnings,
            "findings": json.loads(render_json(report)),
        }
    )


def comparison_text(comparison: Comparison, out: str) -> str:
    """One line on whether OUT is as generated; what differs is said by the comparison's findings."""
    if not comparison.differs:
        return f"{out}: {comparison.nodes} nodes, {comparison.files} files, all as the topology says\n"
    return f"{out}: {count(len(comparison.differences), 'file')} not as the topology says\n"


def comparison_json(comparison: Comparison, report: Report) -> str:
    """The outcome of check as a JSON object."""
    return _dump(
        {
            "nodes": comparison.nodes,
            "files": comparison.files,
            "differences": [
                {"node": difference.node, "path": difference.path, "kind": str(difference.kind)}
                for difference in comparison.differences
            ],
            "findings": json.loads(render_json(report)),
        }
    )


def _dump(document: dict[str, object]) -> str:
    return json.dumps(document, indent=2) + "\n"
