"""Printing by the commands: text as UTF-8, with nothing in it that a terminal or a CI service would obey."""

import contextlib
import errno
import os
import re
import sys
from typing import NoReturn, TextIO

from netwright.text.report import EXCERPT, Report, errors_only, escape_hashes, printable, render_text
from netwright.text.report import has_colours as has_colours  # noqa: PLC0414 (offered here too)
from netwright.text.wrapping import wrap

BAD_INPUT = 2
USUAL_COLUMNS = 80
GUTTER = len("12345 | ")
"""Columns before a line of a file that is shown below a message."""
_COMMAND = re.compile(r"^(\s*:):", re.MULTILINE)
_OBEYED = re.compile(
    r"(?!\x1b\[[0-9;]*m)[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
    r"|##[^\s\[]*\["
)
"""Characters a terminal would act on, except line ends, tabs and colours, and the start of a CI service's command."""


def print_text(text: str, *, to_stderr: bool = False) -> None:
    """Write text as UTF-8, whatever the locale is: files and pipes outlive it.

    GitHub takes `::` at the start of a line, after any blanks, for a command; so may an unchanged line of a diff begin.
    A file's name may hold any character: what would be obeyed is escaped, whichever part put the text together.
    """
    _write(_COMMAND.sub(r"\1\\x3a", harmless(text)), sys.stderr if to_stderr else sys.stdout)


def print_lines(text: str, *, to_stderr: bool = False) -> None:
    """Write a report for people; on a terminal its long lines are broken at the last column."""
    columns = terminal_columns(sys.stderr if to_stderr else sys.stdout)
    print_text(text if columns is None else wrap(text, columns), to_stderr=to_stderr)


def terminal_columns(stream: TextIO | None) -> int | None:
    """Return the columns of the terminal that a stream is, 80 where it does not tell; None if it is none."""
    if stream is None or not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_COLUMNS
    except OSError:
        return USUAL_COLUMNS


def print_commands(text: str) -> None:
    """Write text in which a line that begins with `::` is a command to GitHub, made by `netwright.text.annotations`."""
    _write(harmless(text), sys.stdout)


def _write(text: str, stream: TextIO | None) -> None:
    if not text or stream is None:
        return
    try:
        stream.flush()
        stream.buffer.write(text.encode("utf-8", "backslashreplace"))
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        fail_to_print(error)


def harmless(text: str) -> str:
    """The text with everything escaped that a terminal or a CI service would obey, but for colours."""
    return _OBEYED.sub(lambda found: printable(found[0]), text)


def print_json(text: str) -> None:
    """Write JSON; `##[` and `##vso[`, which are commands anywhere in a line, are escaped in it."""
    print_text(escape_hashes(text))


def print_findings(report: Report, *, quiet: bool) -> None:
    """Write the findings, or with `quiet` only the errors, to stderr."""
    columns = terminal_columns(sys.stderr)
    room = columns - GUTTER if columns is not None else EXCERPT
    shown = render_text(errors_only(report) if quiet else report, colour=has_colours(sys.stderr), width=room)
    print_lines(shown, to_stderr=True)


def print_annotations(report: Report, *, quiet: bool) -> None:
    """Write the findings, or with `quiet` only the errors, as commands to GitHub to stdout."""
    from netwright.text.annotations import render_annotations  # noqa: PLC0415 (only this format needs it)

    print_commands(render_annotations(errors_only(report) if quiet else report))


def fail(message: str, status: int = BAD_INPUT) -> NoReturn:
    """Exit as for bad input, or with another status; with a last word on stderr, if one can be written."""
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            print(f"netwright: {printable(message)}", file=sys.stderr, flush=True)
    # What is still in the buffer of a full disk would be tried again at exit, and end in a traceback.
    sys.stdout = sys.stderr = None
    sys.exit(status)


def fail_to_print(error: OSError) -> NoReturn:
    """Exit with a last word on why nothing can be printed."""
    reason = "standard output is closed" if error.errno == errno.EBADF else error.strerror
    fail(f"the output can't be written: {reason}")
