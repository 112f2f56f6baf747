"""OUT itself: where it lies, what it is, and that no other process is at work on it."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from netwright.parallel.fault import OutputError, explain, faults
from netwright.write.manifest import LARGEST_FILE, MANIFEST, BrokenManifestError, read_manifest

LINK = "is a symbolic link, and none is followed here; name the directory it points to"
"""Message for an OUT that is a link, from what writes it and from what reads it."""
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class OutFolder(Struct, frozen=True, kw_only=True):
    """OUT: `title` as the user wrote it, `path` absolute with its parents resolved, and both it and its parent open.

    `fd` is None where OUT does not exist, `parent_fd` where not even its parent does, which only a run that writes
    nothing can meet.
    """

    title: str
    path: str
    parent_fd: int | None
    fd: int | None

    @property
    def name(self) -> str:
        """OUT's own name in its directory."""
        return os.path.basename(self.path)

    def title_of(self, *parts: str) -> str:
        """A path below OUT as the user knows it; empty parts are left out."""
        return os.path.join(self.title, *filter(None, parts))


@contextlib.contextmanager
def hold(out: Path, *, writing: bool) -> Iterator[OutFolder]:
    """OUT, locked against other runs: readers share the lock, a writer has it alone and makes missing parents.

    The lock (flock) is on OUT's parent directory, so that no lock file is left behind, and OUT itself can be
    exchanged. Raises OutputError if OUT can't be held or is not a directory.
    """
    title = os.fspath(out)
    with faults(title, "can't be found from a current directory that is gone"):
        parent, name = os.path.split(os.path.abspath(out))
    if not name:
        raise OutputError(title, "is the root directory; name a directory to write the nodes' folders into")
    path = os.path.join(os.path.realpath(parent), name)
    if (folder := _folder_of_a_node(path)) is not None:
        where = f"{'is' if folder == path else 'lies in'} the folder of node {os.path.basename(folder)}"
        raise OutputError(title, f"{where}; name the directory that holds all nodes' folders")
    with contextlib.ExitStack() as stack:
        with faults(title, "can't be opened"):
            parent_fd = _open_parent(os.path.dirname(path), writing=writing)
        if parent_fd is None:
            yield OutFolder(title=title, path=path, parent_fd=None, fd=None)
            return
        stack.callback(let_go, os.close, parent_fd)
        _lock(parent_fd, title, writing=writing)
        # Not left to close(): whatever was forked meanwhile has the directory open too, and may live on.
        stack.callback(let_go, fcntl.flock, parent_fd, fcntl.LOCK_UN)
        fd = _open_out(parent_fd, name, title)
        if fd is not None:
            stack.callback(let_go, os.close, fd)
        yield OutFolder(title=title, path=path, parent_fd=parent_fd, fd=fd)


def let_go(call: Callable[..., object], *arguments: int) -> None:
    """Close or unlock a directory: all is done by then, and on the disk, whatever the system answers."""
    with contextlib.suppress(OSError):
        call(*arguments)


def _folder_of_a_node(path: str) -> str | None:
    """The directory that netwright wrote for a node, if the path is it or lies below it."""
    folder = path
    while folder != os.path.dirname(folder):
        with contextlib.suppress(OSError, BrokenManifestError):
            descriptor = os.open(f"{folder}/{MANIFEST}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as manifest:
                read_manifest(manifest.read(LARGEST_FILE), os.path.basename(folder))
            return folder
        folder = os.path.dirname(folder)
    return None


def _open_parent(parent: str, *, writing: bool) -> int | None:
    if writing:
        _make_folders(parent)
    try:
        return os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        if writing:
            raise
        return None


def _make_folders(path: str) -> None:
    """Make a directory and the missing ones above it; os.makedirs fails where a thousand are missing."""
    missing = []
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)


def _lock(parent_fd: int, title: str, *, writing: bool) -> None:
    try:
        fcntl.flock(parent_fd, (fcntl.LOCK_EX if writing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = "another netwright is at work in this directory; run this again when it has finished"
        raise OutputError(title, message) from error
    except OSError as error:
        message = f"can't be locked against other runs ({explain(error)}); use a directory on a local file system"
        raise OutputError(title, message) from error


def _open_out(parent_fd: int, name: str, title: str) -> int | None:
    with faults(title, "can't be opened"):
        try:
            kind = os.lstat(name, dir_fd=parent_fd).st_mode
        except FileNotFoundError:
            return None
        if stat.S_ISLNK(kind):
            raise OutputError(title, LINK)
        if not stat.S_ISDIR(kind):
            raise OutputError(title, "is not a directory; name one to write the nodes' folders into")
        return os.open(name, OPEN_FOLDER, dir_fd=parent_fd)
