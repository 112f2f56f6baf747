"""The staging directory: the next state of OUT, built next to it out of written and hard-linked files."""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from netwright.files.system import ask_status
from netwright.write.layout import EXECUTABLE, PLAIN, Wanted, folders_of
from netwright.write.place import OPEN_FOLDER, let_go
from netwright.write.verdict import CLOSED, NodeChanges

FOLDER = 0o755
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def umask_cleared() -> Iterator[None]:
    """A block in which modes are what they are asked to be."""
    umask = os.umask(0)
    try:
        yield
    finally:
        os.umask(umask)


class Staging:
    """A directory to build in, made when the first file goes into it, so that a run without changes writes nothing."""

    def __init__(self, parent_fd: int, name: str) -> None:
        self.parent_fd = parent_fd
        self.name = name

    @cached_property
    def fd(self) -> int:
        """The open directory."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.name, FOLDER, dir_fd=self.parent_fd)
        return os.open(self.name, OPEN_FOLDER, dir_fd=self.parent_fd)

    def close(self) -> None:
        """Close the directory if it was ever opened."""
        if "fd" in self.__dict__:
            let_go(os.close, self.__dict__.pop("fd"))


def stage_node(stage_fd: int, out_fd: int | None, wanted: Mapping[str, Wanted], verdict: NodeChanges) -> None:
    """Build a node's folder: changed files from their bytes, unchanged and foreign ones as links to those in OUT."""
    _make_folders(stage_fd, verdict.node, wanted)
    written = {*verdict.added, *verdict.changed, *verdict.odd_modes}
    for path, file in wanted.items():
        place = f"{verdict.node}/{path}"
        if path in written or out_fd is None or not _link(out_fd, stage_fd, place):
            write_file(stage_fd, place, file)
    if out_fd is not None:
        carry_foreign(stage_fd, out_fd, verdict)


def link_node(stage_fd: int, out_fd: int, verdict: NodeChanges) -> None:
    """Build the folder of a node that does not change out of links to what is there."""
    _make_folders(stage_fd, verdict.node, verdict.paths)
    for path in verdict.paths:
        place = f"{verdict.node}/{path}"
        if path in verdict.odd_modes or not _link(out_fd, stage_fd, place):
            _copy(out_fd, stage_fd, place, like=False)
    carry_foreign(stage_fd, out_fd, verdict)


def carry_foreign(stage_fd: int, out_fd: int, verdict: NodeChanges) -> None:
    """Take over what netwright did not write, with the modes of its directories."""
    prefix = f"{verdict.node}/" if verdict.node else ""
    for path in verdict.foreign_folders:
        os.mkdir(prefix + path, CLOSED, dir_fd=stage_fd)
        folder_fd = os.open(prefix + path, OPEN_FOLDER, dir_fd=stage_fd)
        try:
            make_alike(folder_fd, os.lstat(prefix + path, dir_fd=out_fd))
        finally:
            os.close(folder_fd)
    for path in verdict.foreign:
        if not _link(out_fd, stage_fd, prefix + path):
            _copy(out_fd, stage_fd, prefix + path, like=True)


def make_alike(folder_fd: int, model: os.stat_result) -> None:
    """Give a directory the mode of another and, as far as we may, its owner and group."""
    made = os.fstat(folder_fd)
    if (made.st_uid, made.st_gid) != (model.st_uid, model.st_gid):
        with contextlib.suppress(PermissionError):
            os.chown(folder_fd, model.st_uid, model.st_gid)
    os.fchmod(folder_fd, stat.S_IMODE(model.st_mode))


def stage_changes(stage_fd: int, wanted: Mapping[str, Wanted], verdict: NodeChanges) -> None:
    """Write only what is new or different in a node's folder, to be renamed into OUT file by file."""
    changed = (*verdict.added, *verdict.changed)
    _make_folders(stage_fd, verdict.node, changed)
    for path in changed:
        write_file(stage_fd, f"{verdict.node}/{path}", wanted[path])


def _make_folders(stage_fd: int, node: str, paths: Iterable[str]) -> None:
    os.mkdir(node, FOLDER, dir_fd=stage_fd)
    for folder in folders_of(paths):
        os.mkdir(f"{node}/{folder}", FOLDER, dir_fd=stage_fd)


def write_file(stage_fd: int, path: str, file: Wanted) -> None:
    """Write a new file with exactly the mode that it is to have."""
    fd = os.open(path, _CREATE, 0o600, dir_fd=stage_fd)
    try:
        os.fchmod(fd, file.mode)
        written = os.write(fd, file.content)
        while written < len(file.content):
            written += os.write(fd, file.content[written:])
    finally:
        os.close(fd)


def _link(out_fd: int, stage_fd: int, path: str) -> bool:
    """Link a file of OUT into the staging directory; False where that is impossible, and its bytes have to do.

    Raises OSError for a file that lies on another file system, mounted inside OUT, or is immutable: no exchange can
    replace it.
    """
    try:
        os.link(path, path, src_dir_fd=out_fd, dst_dir_fd=stage_fd, follow_symlinks=False)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise
        if error.errno == errno.EPERM and ask_status(out_fd, path).is_immutable:
            raise OSError(errno.EPERM, "it is immutable; allow changes of it (chattr -i -a)", path) from error
        return False
    return True


def _copy(out_fd: int, stage_fd: int, path: str, *, like: bool) -> None:
    """Copy a file piece by piece, with its own mode or the one that generate gives."""
    with open(os.open(path, _OPEN, dir_fd=out_fd), "rb") as old:
        mode = stat.S_IMODE(os.fstat(old.fileno()).st_mode)
        if not stat.S_ISREG(os.fstat(old.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a file, and the file system can't link it", path)
        with open(os.open(path, _CREATE, 0o600, dir_fd=stage_fd), "wb") as new:
            os.fchmod(new.fileno(), mode if like else EXECUTABLE if mode & 0o100 else PLAIN)
            shutil.copyfileobj(old, new)
