"""A file written whole or not at all."""

import os
import stat

from gen.report import Diagnostic, Report, Severity
from gen.source import Source


def save(path: str, text: str) -> Report:
    """Write a file in place of what was there, and report what went wrong; through symlinks, and into pipes as well."""
    try:
        target = os.path.realpath(path)
        if _is_regular_or_new(target):
            _replace(target, text.encode())
        else:
            with open(target, "wb") as file:
                file.write(text.encode())
    except OSError as error:
        message = f"can't be written: {error.strerror}"
        diagnostic = Diagnostic(severity=Severity.ERROR, path=(), rule="picture_is_written", message=message)
        return Report.about(Source(name=path, text=None), [diagnostic])
    return Report()


def _is_regular_or_new(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True


def _replace(path: str, content: bytes) -> None:
    """Write beside the file and rename; until then the old one is untouched."""
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name[:200]}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
