"""Input files, of which `-` is standard input, as everywhere on a command line."""

import errno
import os
import sys

STANDARD_INPUT = "-"


def input_name(path: str) -> str:
    """Return the name of an input file in messages."""
    return "<stdin>" if path == STANDARD_INPUT else path


def read_input(path: str, most: int) -> bytes | None:
    """The file's bytes, None if there are more than `most` (a pipe, too, whose size is not known before).

    Raises OSError.
    """
    if path == STANDARD_INPUT:
        if sys.stdin is None:
            raise OSError(errno.EBADF, "standard input is closed")
        content = sys.stdin.buffer.read(most + 1)
    elif "\0" in path:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    else:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    return content if len(content) <= most else None
