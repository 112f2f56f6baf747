"""Files that can't be imported."""

import os
from collections.abc import Iterable

from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source
from netwright.text.standard_input import input_name, read_input

LARGEST_FILE = 64 * 1024 * 1024


class ImportFileError(Exception):
    """A file can't be taken over; the report gives the reason, and what would be right."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self._name = name
        self._message = message

    def tell(self, severity: Severity = Severity.ERROR) -> Report:
        """Return the report: an error, or a warning where the rest goes on without the file."""
        diagnostic = Diagnostic(severity=severity, path=(), rule="imported_file_is_readable", message=self._message)
        return Report.about(Source(name=input_name(self._name), text=None), [diagnostic])


def tell_left_out(topology: str, sentences: Iterable[str], severity: Severity = Severity.WARNING) -> Report:
    """Return a warning for each thing that a draft leaves out; errors where nothing is left."""
    diagnostics = (
        Diagnostic(severity=severity, path=(), rule="draft_holds_all", message=f"left out: {sentence}")
        for sentence in sentences
    )
    return Report.about(Source(name=topology, text=None), diagnostics)


def read_bytes(path: str) -> bytes:
    """The bytes of a file, `-` being standard input; ImportFileError if they can't be had."""
    try:
        content = read_input(path, LARGEST_FILE)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ImportFileError(path, f"can't be read: {reason}") from None
    if content is None:
        raise ImportFileError(path, f"is larger than {LARGEST_FILE >> 20} MiB")
    return content
