"""A report kept from one run to the next, as plain JSON values."""

from typing import Any

from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Position, Source


def record_report(report: Report) -> dict[str, Any]:
    """The report as JSON values; every source is there once."""
    sources = {id(source): source for source, _ in report.entries}
    numbers = {key: number for number, key in enumerate(sources)}
    return {
        "sources": [[source.name, source.text] for source in sources.values()],
        "entries": [[numbers[id(source)], *_record(diagnostic)] for source, diagnostic in report.entries],
    }


def _record(diagnostic: Diagnostic) -> list[Any]:
    position = diagnostic.position
    return [
        diagnostic.severity,
        diagnostic.path,
        diagnostic.message,
        diagnostic.rule,
        diagnostic.related,
        diagnostic.on_key,
        [position.line, position.column] if position else None,
    ]


def read_report(recorded: Any) -> Report:
    """The report that was recorded. Raises ValueError, KeyError, TypeError or IndexError for anything else."""
    sources = [Source(name=name, text=text) for name, text in recorded["sources"]]
    return Report(entries=tuple((sources[number], _read(values)) for number, *values in recorded["entries"]))


def _read(values: list[Any]) -> Diagnostic:
    severity, path, message, rule, related, on_key, position = values
    return Diagnostic(
        severity=Severity(severity),
        path=tuple(path),
        message=message,
        rule=rule,
        related=tuple(tuple(other) for other in related),
        on_key=on_key,
        position=Position(line=position[0], column=position[1]) if position else None,
    )
