"""The staging directory: the next state of OUT, built beside it out of written and hard-linked files."""

import contextlib
import os
import shutil
import stat
from collections.abc import Mapping
from functools import cached_property

from gen.write.layout import EXECUTABLE, PLAIN, Wanted, folders_of
from gen.write.verdict import Verdict

FOLDER = 0o755
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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
        fd = os.open(self.name, _OPEN_FOLDER, dir_fd=self.parent_fd)
        os.fchmod(fd, FOLDER)
        return fd

    def close(self) -> None:
        """Close the directory if it was ever opened."""
        if "fd" in self.__dict__:
            os.close(self.__dict__.pop("fd"))


def stage_node(stage_fd: int, out: str, wanted: Mapping[str, Wanted], verdict: Verdict) -> None:
    """Build a node's folder: changed files from their bytes, unchanged and foreign ones as links to those in OUT."""
    node = verdict.node
    make_folder(stage_fd, node)
    for folder in folders_of(tuple(wanted)):
        make_folder(stage_fd, f"{node}/{folder}")
    written = {*verdict.added, *verdict.changed, *verdict.odd_modes}
    for path, file in wanted.items():
        place = f"{node}/{path}"
        if path in written or not link_file(stage_fd, f"{out}/{place}", place):
            write_file(stage_fd, place, file)
    carry_foreign(stage_fd, out, verdict)


def link_node(stage_fd: int, out: str, verdict: Verdict) -> None:
    """Build the folder of a node that does not change out of links to what is there."""
    make_folder(stage_fd, verdict.node)
    apart = {f"{verdict.node}/{path}" for path in (*verdict.odd_modes, *verdict.foreign, *verdict.foreign_folders)}
    _link_folder(stage_fd, out, verdict.node, apart)
    for path in verdict.odd_modes:
        content, mode = _copy(f"{out}/{verdict.node}/{path}")
        write_file(stage_fd, f"{verdict.node}/{path}", Wanted(content, EXECUTABLE if mode & 0o100 else PLAIN))
    carry_foreign(stage_fd, out, verdict)


def _link_folder(stage_fd: int, out: str, folder: str, apart: set[str]) -> None:
    below = []
    with os.scandir(f"{out}/{folder}") as entries:
        for entry in entries:
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
            elif path not in apart and not link_file(stage_fd, f"{out}/{path}", path):
                content, mode = _copy(f"{out}/{path}")
                write_file(stage_fd, path, Wanted(content, mode))
    for path in below:
        if path not in apart:
            make_folder(stage_fd, path)
            _link_folder(stage_fd, out, path, apart)


def carry_foreign(stage_fd: int, out: str, verdict: Verdict) -> None:
    """Take over what netwright did not write, with the modes of its directories."""
    prefix = f"{verdict.node}/" if verdict.node else ""
    for path in verdict.foreign_folders:
        mode = stat.S_IMODE(os.lstat(f"{out}/{prefix}{path}").st_mode)
        make_folder(stage_fd, prefix + path, mode)
    for path in verdict.foreign:
        place = prefix + path
        if not link_file(stage_fd, f"{out}/{place}", place):
            content, mode = _copy(f"{out}/{place}")
            write_file(stage_fd, place, Wanted(content, mode))


def stage_changes(stage_fd: int, wanted: Mapping[str, Wanted], verdict: Verdict) -> None:
    """Write only what is new or different in a node's folder, to be renamed into OUT file by file."""
    changed = (*verdict.added, *verdict.changed)
    make_folder(stage_fd, verdict.node)
    for folder in folders_of(changed):
        make_folder(stage_fd, f"{verdict.node}/{folder}")
    for path in changed:
        write_file(stage_fd, f"{verdict.node}/{path}", wanted[path])


def make_folder(stage_fd: int, path: str, mode: int = FOLDER) -> None:
    """Make one directory; the mode is not subject to the umask."""
    os.mkdir(path, 0o700, dir_fd=stage_fd)
    os.chmod(path, mode, dir_fd=stage_fd)


def write_file(stage_fd: int, path: str, file: Wanted) -> None:
    """Write a new file; the mode is not subject to the umask."""
    fd = os.open(path, _CREATE, 0o600, dir_fd=stage_fd)
    try:
        os.fchmod(fd, file.mode)
        written = os.write(fd, file.content)
        while written < len(file.content):
            written += os.write(fd, file.content[written:])
    finally:
        os.close(fd)


def link_file(stage_fd: int, source: str, path: str) -> bool:
    """Link a file into the staging directory; False where the file system allows no link, and bytes have to do."""
    try:
        os.link(source, path, dst_dir_fd=stage_fd, follow_symlinks=False)
    except OSError as error:
        if isinstance(error, FileNotFoundError | FileExistsError):
            raise
        return False
    return True


def _copy(path: str) -> tuple[bytes, int]:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as stream:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "is neither a file nor a directory, and the file system can't link it", path)
        return stream.read(), stat.S_IMODE(status.st_mode)


def remove_folder(parent_fd: int, name: str) -> None:
    """Remove a directory and all below it, never through a symbolic link; nothing happens if it does not exist."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(name, dir_fd=parent_fd)
