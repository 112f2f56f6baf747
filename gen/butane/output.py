"""Writes a file whole or not at all."""

import os
import stat
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace the file at `path` at once, so that nobody sees half of it; raises OSError.

    What is no regular file, such as /dev/stdout, is written to as it is. The file behind a symbolic link is replaced,
    not the link; an existing file keeps its mode.
    """
    target = Path(os.path.realpath(path))
    contents = text.encode("utf-8")
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        with target.open("wb") as stream:
            stream.write(contents)
        return
    staged = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(contents)
            if mode is not None:
                os.fchmod(stream.fileno(), stat.S_IMODE(mode))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(staged, target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def _mode(target: Path) -> int | None:
    try:
        return os.stat(target).st_mode
    except FileNotFoundError:
        return None
