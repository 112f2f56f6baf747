"""Files below out/ as bytes, and nothing else that may lie there: no links, pipes, devices, or gigabytes."""

import errno
import os
import stat
from collections.abc import Iterator

from msgspec import Struct

LARGEST_FILE = 16 * 1024 * 1024
DEEPEST_FOLDER = 32


class Unread(Struct, frozen=True, kw_only=True):
    """Reason for which something that is there was not read."""

    reason: str


def read_file(path: str, largest: int = LARGEST_FILE) -> bytes | Unread | None:
    """The file's bytes, None if there is no such file; `largest` is how many it may have.

    A link is not followed: what it leads to is no file of ours, and would stand in our messages. A pipe is not waited
    for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Unread(reason=_explain(error))
    except ValueError:  # a NUL or a surrogate: no file has such a name
        return None
    try:
        return _read(descriptor, largest)
    except OSError as error:
        return Unread(reason=_explain(error))
    finally:
        os.close(descriptor)


def _read(descriptor: int, largest: int) -> bytes | Unread:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return Unread(reason="is no regular file")
    if status.st_size > largest:
        return Unread(reason=f"is larger than {largest // 1024 // 1024} MiB, the most that is read")
    # One byte more than there is: a read that fills what it was given may not have come to the end.
    content = os.read(descriptor, status.st_size + 1)
    if len(content) >= status.st_size:
        return content
    parts = [content]
    while part := os.read(descriptor, LARGEST_FILE):
        parts.append(part)
    return b"".join(parts)


def _explain(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a symbolic link, which generate never writes"
    return f"can't be read: {error.strerror}"


def walk(root: str) -> Iterator[tuple[str, bytes | Unread]]:
    """All files below a directory by their path from it, /etc/... ; nothing if there is no such directory."""
    folders = [("", 0)]
    while folders:
        below, depth = folders.pop()
        try:
            if os.path.islink(f"{root}{below}"):
                yield below, Unread(reason="is a symbolic link, which generate never writes")
                continue
            entries = [*os.scandir(f"{root}{below}")]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            yield below, Unread(reason=_explain(error))
            continue
        for entry in entries:
            path = f"{below}/{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                found = read_file(f"{root}{path}")
                yield path, found if found is not None else Unread(reason="went away while it was read")
            elif depth < DEEPEST_FOLDER:
                folders.append((path, depth + 1))
            else:
                yield path, Unread(reason=f"is nested deeper than {DEEPEST_FOLDER} directories")
