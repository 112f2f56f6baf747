"""Butane compiled once for all nodes that differ in nothing but what their files contain.

A quarter of a node's time, where compiling and dumping every node's document again is two thirds of it.
"""

import os
import re
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.butane.encoding import data_url, text_of
from netwright.files.artifact import NodeFile

_MARK = f"contents-of-{os.urandom(16).hex()}-"
"""Placeholder of a file's contents while shared Butane is compiled. No input contains it, and no output does."""
_GAP = re.compile(rf"data:,{_MARK}([0-9]+)")


class Provision(Struct, frozen=True, kw_only=True):
    """Provisioning of a node: its Butane, and the Ignition compiled from it."""

    butane: str
    ignition: str


class SharedButane(Struct, frozen=True, kw_only=True):
    """Butane, and Ignition in pieces: between two of them the contents of the file that `gaps` numbers."""

    butane: str
    pieces: tuple[str, ...]
    gaps: tuple[int, ...]

    def fill(self, files: Sequence[NodeFile]) -> Provision:
        """Return the provisioning of the node with these files."""
        ignition = [self.pieces[0]]
        for number, piece in zip(self.gaps, self.pieces[1:], strict=True):
            ignition += data_url(text_of(files[number].content)), piece
        return Provision(butane=self.butane, ignition="".join(ignition))


def mark_contents(files: Sequence[NodeFile], *, but: Callable[[NodeFile], bool]) -> tuple[NodeFile, ...]:
    """The files, in place of each one's contents the mark of its number, `but` some that stay."""
    return tuple(
        file if but(file) else replace(file, content=f"{_MARK}{number}".encode()) for number, file in enumerate(files)
    )


def share_butane(marked: Provision) -> SharedButane | None:
    """Return the Butane compiled from marked files; None where contents became more than a file's source."""
    pieces = _GAP.split(marked.ignition)
    if any(_MARK in piece for piece in (marked.butane, *pieces[::2])):
        return None
    return SharedButane(butane=marked.butane, pieces=tuple(pieces[::2]), gaps=tuple(map(int, pieces[1::2])))
