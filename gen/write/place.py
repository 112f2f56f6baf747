"""OUT itself: where it lies, what it is, and that nobody else is at work on it."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gen.write.fault import OutputError, explain


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """OUT: `title` as the user wrote it, `path` absolute with its parents resolved, `parent_fd` its open directory.

    parent_fd is None where not even the parent exists, which only a run that writes nothing can meet.
    """

    title: str
    path: str
    parent_fd: int | None
    exists: bool

    @property
    def name(self) -> str:
        """OUT's own name in its directory."""
        return os.path.basename(self.path)

    def title_of(self, *parts: str) -> str:
        """A path below OUT as the user knows it; empty parts are left out."""
        return os.path.join(self.title, *filter(None, parts))


@contextlib.contextmanager
def hold(out: Path, *, writing: bool) -> Iterator[Place]:
    """OUT, locked against other runs: readers share the lock, a writer has it alone and makes missing parents.

    The lock (flock) is on OUT's parent directory, so that no lock file is left behind, and OUT itself can be
    exchanged. Raises OutputError if OUT can't be held or is not a directory.
    """
    title = os.fspath(out)
    parent, name = os.path.split(os.path.abspath(out))
    if not name:
        raise OutputError(title, "is the root directory; name a directory to write the nodes' folders into")
    parent = os.path.realpath(parent)
    try:
        parent_fd = _open_parent(parent, writing=writing)
    except OSError as error:
        raise OutputError(os.path.dirname(title) or ".", f"can't be opened: {explain(error)}") from error
    try:
        if parent_fd is not None:
            _lock(parent_fd, title, writing=writing)
        path = os.path.join(parent, name)
        yield Place(title=title, path=path, parent_fd=parent_fd, exists=_is_folder(path, title))
    finally:
        if parent_fd is not None:
            os.close(parent_fd)


def _open_parent(parent: str, *, writing: bool) -> int | None:
    if writing:
        os.makedirs(parent, exist_ok=True)
    elif not os.path.exists(parent):
        return None
    return os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _lock(parent_fd: int, title: str, *, writing: bool) -> None:
    try:
        fcntl.flock(parent_fd, (fcntl.LOCK_EX if writing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = "another netwright is at work in this directory; run this again when it has finished"
        raise OutputError(title, message) from error
    except OSError as error:
        message = f"can't be locked against other runs ({explain(error)}); use a directory on a local file system"
        raise OutputError(title, message) from error


def _is_folder(path: str, title: str) -> bool:
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OutputError(title, f"can't be read: {explain(error)}") from error
    if stat.S_ISLNK(kind):
        raise OutputError(title, "is a symbolic link, and none is followed here; name the directory that it points to")
    if not stat.S_ISDIR(kind):
        raise OutputError(title, "is not a directory; name one to write the nodes' folders into")
    return True
