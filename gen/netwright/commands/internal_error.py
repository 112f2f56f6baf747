"""The message of an unforeseen error: one line, and a file to attach to a report."""

import contextlib
import os
import sys
import tempfile
import traceback

from netwright import NOT_ENOUGH_MEMORY, lacks_memory

INTERNAL_ERROR = 70
"""EX_SOFTWARE of sysexits.h. Never 1, which means that something differs."""
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def explain_fault(error: BaseException) -> str | None:
    """Return what ended the run if it is no mistake of ours: too little memory, a broken installation; else None."""
    if lacks_memory(error):
        return NOT_ENOUGH_MEMORY
    if isinstance(error, ImportError):
        return f"it is not completely installed ({error}); install it again"
    if isinstance(error, OSError) and _is_own(error):
        return f"its own file {error.filename} can't be read ({error.strerror}); install it again"
    return None


def _is_own(error: OSError) -> bool:
    """Return whether the file is one of the code's, or was wanted by an import."""
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    if any(name.startswith("<frozen importlib") for name in frames[-3:]) or frames[-1:] == [
        f"{_PACKAGE}/files/resources.py"
    ]:
        return isinstance(error.filename, str)
    name = os.path.abspath(error.filename) if isinstance(error.filename, str) else ""
    return any(f"{name}{os.sep}".startswith(f"{folder}{os.sep}") for folder in _own_folders())


def _own_folders() -> tuple[str, ...]:
    beside = os.path.dirname(os.path.dirname(_PACKAGE))
    return (_PACKAGE, *(os.path.join(beside, name) for name in ("templates", "schema")))


def describe_internal_error(error: BaseException) -> str:
    """Return the line for people; the traceback goes into a file of its own, and with it nothing that could be secret.

    No arguments, variables of the environment or texts are in it but the exception's own message.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.relpath(frames[-1].filename, os.path.dirname(_PACKAGE))}:{frames[-1].lineno}" if frames else "?"
    said = f"internal error ({type(error).__name__} in {place}), please report it"
    try:
        path = _write(error)
    except (OSError, MemoryError, RecursionError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else type(failure).__name__
        return f"{said}; a file with the traceback can't be written: {reason}"
    return f"{said} and attach {path}, which has the traceback"


def _write(error: BaseException) -> str:
    from netwright import __version__  # noqa: PLC0415 - needed now only

    python = ".".join(map(str, sys.version_info[:3]))
    text = f"netwright {__version__}, Python {python}, {sys.platform}\n" + "".join(traceback.format_exception(error))
    fd, path = tempfile.mkstemp(prefix="netwright-error-", suffix=".txt")
    try:
        with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
    return path
