"""A starter topology for a new project."""

import os
from pathlib import Path

from gen.report import Diagnostic, Report, Severity
from gen.schema import published_schema, starter_topology
from gen.source import Source

SCHEMA_FILE = "topology.schema.json"


def write_starter(topology: Path) -> tuple[Report, tuple[Path, ...]]:
    """Write the starter and the schema that its modeline names; what exists is never overwritten.

    Returns what went wrong, and the paths written.
    """
    schema = topology.parent / SCHEMA_FILE
    written: list[Path] = []
    for path, text in ((topology, starter_topology()), (schema, published_schema())):
        try:
            if path == schema and path.is_file() and path.read_text(encoding="utf-8") == text:
                continue
            _write_new(path, text)
        except OSError as error:
            return _refusal(path, error), tuple(written)
        written.append(path)
    return Report(), tuple(written)


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _refusal(path: Path, error: OSError) -> Report:
    if isinstance(error, FileExistsError):
        message = "exists already; name another file, or move it away"
    else:
        message = f"cannot be written: {error.strerror}"
    diagnostic = Diagnostic(severity=Severity.ERROR, path=(), rule="starter_is_new", message=message)
    return Report.about(Source(name=str(path), text=None), [diagnostic])
