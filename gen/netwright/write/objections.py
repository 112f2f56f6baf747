"""Objections to changing a node's folder in OUT."""

from enum import StrEnum
from typing import NamedTuple

from netwright.write.manifest import LARGEST_FILE, MANIFEST
from netwright.write.survey import DEEPEST_FOLDER


class DifferenceKind(StrEnum):
    """Difference between a path in OUT and what is generated."""

    MISSING = "missing"
    OUTDATED = "outdated"
    STALE = "stale"
    EDITED = "edited"
    FOREIGN = "foreign"
    IN_THE_WAY = "in-the-way"
    BROKEN = "broken"
    SYMLINK = "symlink"


class Objection(NamedTuple):
    """Something in OUT that would be lost or followed: its path below the node's folder, what is wrong, what is right.

    --force overrides it if it is forcible: symbolic links, and directories in the way, are never replaced.
    """

    path: str
    kind: DifferenceKind
    message: str
    forcible: bool


def symlink(path: str) -> Objection:
    """Return the objection to a symbolic link: behind it may lie anything, so it is neither followed nor replaced."""
    return Objection(
        path,
        DifferenceKind.SYMLINK,
        "is a symbolic link, and none is followed here; put what it points to in its place",
        False,
    )


def too_deep(path: str) -> Objection:
    """Return the objection to a directory inside of so many others that nothing of ours can be in it."""
    more = f"has more than {DEEPEST_FOLDER} directories inside each other, which generate never makes; remove it"
    return Objection("/".join(path.split("/")[:3]), DifferenceKind.FOREIGN, more, False)


def not_a_folder() -> Objection:
    """Return the objection to a file in the place of a node's folder."""
    return Objection(
        "", DifferenceKind.IN_THE_WAY, "is not a directory, but a node's files belong there; move it away", False
    )


def broken(reason: str) -> Objection:
    """Return the objection to a manifest in which nothing can be believed."""
    message = f"is not a manifest that netwright wrote ({reason}); restore it, or pass --force to write it again"
    return Objection(MANIFEST, DifferenceKind.BROKEN, message, True)


LARGE = f"larger than {LARGEST_FILE >> 20} MiB, the most that is read"
"""Message for a file that is not read."""


def too_large(path: str) -> Objection:
    """Return the objection to a file that is not read."""
    return Objection(path, DifferenceKind.EDITED, f"is {LARGE}; move it away, or pass --force to lose it", True)


def edited(path: str) -> Objection:
    """Return the objection to a generated file that is another one now."""
    message = "edited by hand since it was generated; move the change into the topology, or pass --force to lose it"
    return Objection(path, DifferenceKind.EDITED, message, True)


def edited_and_unwanted(path: str) -> Objection:
    """Return the objection to such a file that is not generated any more."""
    message = "edited by hand since it was generated, and no longer generated; move it, or pass --force to delete it"
    return Objection(path, DifferenceKind.EDITED, message, True)


def in_the_way(path: str) -> Objection:
    """Return the objection to a foreign file in the place of a generated one."""
    message = "not written by netwright, and in the way of a generated file; move it, or pass --force to replace it"
    return Objection(path, DifferenceKind.IN_THE_WAY, message, True)


def folder_in_the_way(path: str) -> Objection:
    """Return the objection to a directory in the place of a generated file."""
    message = "a directory with files that netwright did not write, where a file is generated; move it away"
    return Objection(path, DifferenceKind.IN_THE_WAY, message, False)
