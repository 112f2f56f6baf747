"""Writes a file whole or not at all."""

import os
import stat


def write_whole(path: str, text: str) -> None:
    """Replace the file at `path` by a text in UTF-8, as write_whole_bytes does it."""
    write_whole_bytes(path, text.encode("utf-8"))


def write_whole_bytes(path: str, content: bytes) -> None:
    """Replace the file at `path` at once, so that half of it is never seen; raises OSError.

    What is no regular file, such as /dev/stdout, is written to as it is. The file behind a symbolic link is replaced,
    not the link; an existing file keeps its mode.
    """
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        # Opened by its own name: what /dev/stdout leads to may have no name (a pipe).
        with open(path, "wb") as stream:
            stream.write(content)
        return
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    beside = os.path.join(folder, f".{name[:60]}.{os.getpid()}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            if mode is not None:
                os.fchmod(stream.fileno(), stat.S_IMODE(mode))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise


def _mode(target: str) -> int | None:
    try:
        return os.stat(target).st_mode
    except FileNotFoundError:
        return None
