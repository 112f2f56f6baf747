"""A starter topology for a new project."""

import os
from pathlib import Path

from netwright.schema.topology_schema import published_schema, starter_topology
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source

SCHEMA_FILE = "topology.schema.json"


def write_starter(topology: Path, text: str | None = None) -> tuple[Report, tuple[Path, ...]]:
    """Write the starter, or `text`, and the schema that its modeline names; what exists is never overwritten.

    Returns what went wrong, and the paths written: both, one where the schema is there already, or none.
    """
    schema = topology.parent / SCHEMA_FILE
    wanted = {topology: text if text is not None else starter_topology(), schema: published_schema()}
    written: list[Path] = []
    for path, content in wanted.items():
        try:
            if path == schema and _holds(path, content):
                continue
            _write_new(path, content)
        except OSError as error:
            for before in written:
                before.unlink()
            return _refusal(path, error), ()
        written.append(path)
    return Report(), tuple(written)


def _holds(path: Path, text: str) -> bool:
    content = text.encode()
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
    except BaseException:
        path.unlink()
        raise


def _refusal(path: Path, error: OSError) -> Report:
    if isinstance(error, FileExistsError):
        message = "exists already; name another file, or move it away"
    else:
        message = f"can't be written: {error.strerror}"
    diagnostic = Diagnostic(severity=Severity.ERROR, path=(), rule="starter_is_new", message=message)
    return Report.about(Source(name=str(path), text=None), [diagnostic])
