"""Rules of paths, owners and modes, shared by files, directories and links."""

import posixpath
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from netwright.butane.findings import Diagnostics
from netwright.text.source import TopologyPath


@lru_cache(maxsize=4096)
def path_problem(path: str) -> str | None:
    """Return what keeps the path from being absolute and clean, None if nothing does."""
    if not path:
        return "is missing; give an absolute path"
    if not path.startswith("/"):
        return f"{path} is not absolute; begin it with /"
    clean = clean_path(path)
    return None if clean == path else f"{path} is not in its simplest form; write {clean}"


def clean_path(path: str) -> str:
    """The absolute path without empty, `.` and `..` steps."""
    # POSIX lets two leading slashes mean something else and normpath keeps them; Ignition does not.
    return posixpath.normpath("/" + path.lstrip("/"))


def path_is_absolute_and_clean(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics, *, field: str) -> None:
    """A path begins with / and holds no `.`, `..`, double or closing slash.

    Passes: /etc/hosts. Fails: etc/hosts, /etc//hosts, /etc/../hosts, /etc/.
    """
    problem = path_problem(value[field])
    if problem:
        found.error((*path, field), "path_is_absolute_and_clean", problem)


def owner_is_id_or_name(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """An owner is given by number or by name.

    Passes: {id: 0}, {name: core}. Fails: {id: 500, name: core}.
    """
    if "id" in value and value.get("name"):
        found.error(
            path, "owner_is_id_or_name", f"both id {value['id']} and name {value['name']} are given; keep one of them"
        )


def mode_is_in_range(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A mode has at most the twelve permission bits; setuid, setgid and sticky are not applied by these versions.

    Passes: 0644. Warns: 04755. Fails: 010000.
    """
    mode = value.get("mode")
    if mode is None or 0 <= mode <= 0o777:
        return
    where = (*path, "mode")
    if not 0 <= mode <= 0o7777:
        found.error(where, "mode_is_in_range", f"{mode} is not a file mode; use 0 to 07777")
    if mode & 0o7000:
        found.warning(
            where,
            "mode_is_in_range",
            f"the setuid, setgid and sticky bits of {mode & 0xFFFFFFFF:#o} may not be applied; "
            f"use {mode & 0o777:04o} and set them on the machine",
        )


def mode_is_octal(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics, *, directory: bool) -> None:
    """A mode that only makes sense when its decimal digits are read as octal lacks its leading zero.

    Passes: 0644. Warns: 644.
    """
    mode = value.get("mode")
    if mode is None or mode < 0 or mode > 7777 or not set(str(mode)) <= set("01234567"):
        return
    meant = int(str(mode), 8)
    if not _is_usual(mode, directory=directory) and _is_usual(meant, directory=directory):
        found.warning(
            (*path, "mode"),
            "mode_is_octal",
            f"{mode} is decimal and means {mode:04o}; write {meant:04o} if that is meant",
        )


@lru_cache(maxsize=1024)
def _is_usual(mode: int, *, directory: bool) -> bool:
    """Return whether someone would want this mode: the owner may do what the group may, the group what others may."""
    if mode == 0:
        return True
    others, group, owner = mode & 7, mode >> 3 & 7, mode >> 6 & 7
    granted = 0
    for bits in (others, group, owner):
        read, execute = bits & 4, bits & 1
        if granted & ~bits or (execute and granted & 4 and not granted & 1) or (bits & 3 and not read):
            return False
        granted |= bits
    if not granted & 4:
        return False
    if directory:
        return bool(granted & 1) and not mode & 0o4000 and not (mode & 0o3000 and not granted & 2)
    return not mode & 0o1000 and not (mode & 0o6000 and (not granted & 1 or mode & 2))
