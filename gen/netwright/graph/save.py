"""A picture written to a file, or why that can't be."""

import os

from netwright.files.whole_file import write_whole
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source


def save(path: str, text: str) -> Report:
    """Write a file in place of what was there, and report what went wrong; through symlinks, and into pipes as well."""
    try:
        write_whole(path, text)
    except OSError as error:
        message = f"can't be written: {_reason(path, error)}"
        diagnostic = Diagnostic(severity=Severity.ERROR, path=(), rule="picture_is_written", message=message)
        return Report.about(Source(name=path, text=None), [diagnostic])
    return Report()


def _reason(path: str, error: OSError) -> str | None:
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path or "."):
        return "it is a directory; name a file"
    return error.strerror if os.path.isdir(folder) else f"there is no directory {folder}; make it first"
