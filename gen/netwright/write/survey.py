"""Survey of a directory of OUT: names and kinds below it, without following a symbolic link."""

import os

from msgspec import Struct, field

DEEPEST_FOLDER = 100
"""Most directories inside each other that are looked at; generate makes no more than ten."""


class Contents(Struct, frozen=True, kw_only=True):
    """Everything below one directory, by path relative to it. `others` are sockets, pipes and devices."""

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    empty_folders: list[str] = field(default_factory=list)
    symlinks: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    too_deep: list[str] = field(default_factory=list)
    """Directories whose content was not looked at."""


def survey(top: str) -> Contents:
    """The whole content of a directory; raises OSError where it can't be read, so that nothing is overlooked."""
    found = Contents()
    _walk(top, "", found)
    return found


def _walk(folder: str, prefix: str, found: Contents) -> None:
    below: list[str] = []
    empty = True
    with os.scandir(folder) as entries:
        for entry in entries:
            empty = False
            path = prefix + entry.name
            if entry.is_file(follow_symlinks=False):
                found.files.append(path)
            elif entry.is_symlink():
                found.symlinks.append(path)
            elif entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            else:
                found.others.append(path)
    if empty and prefix:
        found.empty_folders.append(prefix[:-1])
    for name in below:
        found.folders.append(prefix + name)
        if prefix.count("/") >= DEEPEST_FOLDER:
            found.too_deep.append(prefix + name)
            continue
        _walk(f"{folder}/{name}", f"{prefix}{name}/", found)


def is_there(path: str, *, dir_fd: int | None = None) -> bool:
    """Return whether anything has this path; unlike os.path.lexists it raises OSError where that can't be told."""
    try:
        os.lstat(path, dir_fd=dir_fd)
    except FileNotFoundError:
        return False
    return True
