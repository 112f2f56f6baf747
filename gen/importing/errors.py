"""Files that can't be imported."""

import os

from gen.report import Diagnostic, Report, Severity
from gen.source import Source
from gen.standard_input import input_name, read_input

LARGEST_FILE = 64 * 1024 * 1024


class ImportFileError(Exception):
    """A file can't be taken over; the report says why, and what would be right."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        diagnostic = Diagnostic(severity=Severity.ERROR, path=(), rule="imported_file_is_readable", message=message)
        self.report = Report.about(Source(name=input_name(name), text=None), [diagnostic])


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
