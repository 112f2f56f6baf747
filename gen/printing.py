"""What the commands print: text as UTF-8, with nothing in it that a terminal or a CI service would obey."""

import os
import re
import sys
from typing import NoReturn, TextIO

from gen.report import Report, errors_only, render_text

BAD_INPUT = 2
_COMMAND = re.compile(r"^(\s*:):", re.MULTILINE)


def print_text(text: str, *, to_stderr: bool = False) -> None:
    """Write text as UTF-8, whatever the locale says: files and pipes outlive it.

    GitHub takes `::` at the start of a line, after any blanks, for a command; so may an unchanged line of a diff begin.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    if not text or stream is None:
        return
    try:
        stream.flush()
        stream.buffer.write(_COMMAND.sub(r"\1\\x3a", text).encode("utf-8", "backslashreplace"))
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"the output can't be written: {error.strerror}")


def print_json(text: str) -> None:
    """Write JSON, `##[` and `##vso[` escaped in it: they are commands anywhere in a line."""
    print_text(text.replace("##", "#\\u0023"))


def print_findings(report: Report, *, quiet: bool) -> None:
    """Write the findings, or with `quiet` only the errors, to stderr."""
    print_text(render_text(errors_only(report) if quiet else report, colour=has_colours(sys.stderr)), to_stderr=True)


def has_colours(stream: TextIO | None) -> bool:
    """Whether colours are welcome; a stream is None where it was closed before we started."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()


def fail(message: str) -> NoReturn:
    """Exit as for bad input, with a last word on stderr."""
    if sys.stderr is not None:
        print(f"netwright: {message}", file=sys.stderr)
    # What is still in the buffer of a full disk would be tried again at exit, and end in a traceback.
    sys.stdout = None
    sys.exit(BAD_INPUT)
