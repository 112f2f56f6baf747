"""Removing directories: what a run left, and the state that it replaced."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable

from netwright.write.layout import folders_of
from netwright.write.place import OPEN_FOLDER
from netwright.write.verdict import NodeChanges


def remove_folder(parent_fd: int, name: str) -> None:
    """Remove a directory and all below it, never through a symbolic link; nothing happens if it does not exist."""
    try:
        shutil.rmtree(name, dir_fd=parent_fd)
    except FileNotFoundError:
        return
    except RecursionError:
        _remove_deep(parent_fd, name)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        _remove_deep(parent_fd, name)


def _remove_deep(parent_fd: int, name: str) -> None:
    """Remove what has more directories inside each other than can be open at a time.

    What lies below is moved up before it is removed.
    """
    top = os.open(name, OPEN_FOLDER, dir_fd=parent_fd)
    try:
        _empty(top, ".")
        folders = os.listdir(top)
        taken = {*folders}
        for folder in folders:
            for below in _empty(top, folder):
                place = _free_name(taken)
                os.rename(f"{folder}/{below}", place, src_dir_fd=top, dst_dir_fd=top)
                folders.append(place)
            os.rmdir(folder, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent_fd)


def _empty(top: int, folder: str) -> list[str]:
    """Remove the files and empty directories in a folder, and return the names of what is left."""
    fd = os.open(folder, OPEN_FOLDER, dir_fd=top)
    try:
        left = []
        with os.scandir(fd) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_folder in found:
            if not is_folder:
                os.unlink(name, dir_fd=fd)
            elif not _remove_if_empty(fd, name):
                left.append(name)
        return left
    finally:
        os.close(fd)


def _remove_if_empty(fd: int, name: str) -> bool:
    try:
        os.rmdir(name, dir_fd=fd)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _free_name(taken: set[str]) -> str:
    name = f"below-{len(taken)}"
    while name in taken:
        name += "-"
    taken.add(name)
    return name


def remove_nodes(top_fd: int, verdicts: Iterable[NodeChanges]) -> None:
    """Remove, from the state that was replaced, the files of nodes that are known to be there.

    What is left over after this is left to remove_folder, which has to look for it.
    """
    for verdict in verdicts:
        if verdict.added:
            continue
        with contextlib.suppress(OSError):
            for path in verdict.paths:
                os.unlink(f"{verdict.node}/{path}", dir_fd=top_fd)
            for folder in reversed(folders_of(verdict.paths)):
                os.rmdir(f"{verdict.node}/{folder}", dir_fd=top_fd)
            os.rmdir(verdict.node, dir_fd=top_fd)
