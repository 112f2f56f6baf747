"""Stamps of a node's files from when their content was known: while they look so, they have that content.

It works as git's index does: a file whose inode, size, mtime and ctime are those recorded has the recorded content, and
a directory whose inode and mtime are those recorded has the same entries.
"""

import os
import struct
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from netwright.write.layout import folders_of
from netwright.write.verdict import NodeChanges

_FILE = struct.Struct("=Qqqq")
_FOLDER = struct.Struct("=Qq")
_BATCH = 500
_SECOND = 1_000_000_000
_TICK = 20_000_000
"""Nanoseconds within which two changes can get the same time stamp: the kernel's clock ticks every 1 to 10 ms."""
_COARSE_TICK = 2 * _SECOND
"""The same on file systems that keep whole seconds."""


class Stamps(NamedTuple):
    """Paths below OUT, separated by NUL, and for each in turn the result of lstat.

    `digest` is that of the manifest if it lists all that is there; empty where there is more.
    """

    node: str
    digest: bytes
    files: bytes
    file_stamps: bytes
    folders: bytes
    folder_stamps: bytes


def take_stamps(
    out_fd: int, verdicts: Sequence[NodeChanges], *, done: int, settled: int | None = None
) -> Iterator[tuple[int, list[Stamps]]]:
    """Take stamps of the files of nodes, so many nodes at a time, without those that may be others' work.

    Times are in nanoseconds. What changed after `done` was not done by us. And a file that is changed again within a
    tick of the clock looks the same: only a change older than that by `settled`, or by now, is the last one. Nodes
    with fresh changes get a second chance when all others are done. Raises OSError.
    """
    postponed: list[NodeChanges] = []
    for start in range(0, len(verdicts), _BATCH):
        batch = verdicts[start : start + _BATCH]
        stamps = [_stamp(out_fd, verdict, done, settled) for verdict in batch]
        postponed += (verdict for verdict, stamp in zip(batch, stamps, strict=True) if stamp is None)
        yield len(batch), [stamp for stamp in stamps if stamp is not None]
    again = (_stamp(out_fd, verdict, done, settled) for verdict in postponed)
    yield 0, [stamp for stamp in again if stamp is not None]


def _stamp(out_fd: int, verdict: NodeChanges, done: int, settled: int | None) -> Stamps | None:
    node = verdict.node
    files = [f"{node}/{path}" for path in verdict.paths]
    folders = [node, *(f"{node}/{folder}" for folder in folders_of(verdict.paths))]
    settled = settled or time.time_ns()
    file_stamps = [_stamp_file(out_fd, path) for path in files]
    folder_stamps = [stamp_folder(out_fd, path) for path in folders]
    if not all(_is_last(stamp[-1], done, settled) for stamp in chain(file_stamps, folder_stamps)):
        return None
    return Stamps(
        node=node,
        digest=verdict.digest if verdict.is_exact else b"",
        files=_join(files),
        file_stamps=b"".join(_FILE.pack(*stamp) for stamp in file_stamps),
        folders=_join(folders),
        folder_stamps=b"".join(_FOLDER.pack(*stamp) for stamp in folder_stamps),
    )


def stamp_top(out_fd: int, *, done: int, settled: int | None = None) -> tuple[int, int] | None:
    """The stamp of OUT itself; None where its last change may be others' work, as for take_stamps."""
    settled = settled or time.time_ns()
    stamp = stamp_folder(out_fd, ".")
    return stamp if _is_last(stamp[-1], done, settled) else None


def _is_last(changed: int, done: int, settled: int) -> bool:
    return changed <= done and changed + (_TICK if changed % _SECOND else _COARSE_TICK) <= settled


def _stamp_file(out_fd: int, path: str | bytes) -> tuple[int, int, int, int]:
    status = os.lstat(path, dir_fd=out_fd)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def stamp_folder(out_fd: int, path: str | bytes) -> tuple[int, int]:
    """Inode and mtime, which changes with every entry; ctime would change when OUT is exchanged."""
    status = os.lstat(path, dir_fd=out_fd)
    return status.st_ino, status.st_mtime_ns


def _join(paths: Sequence[str]) -> bytes:
    return b"\0".join(map(os.fsencode, paths))


def look_the_same(out_fd: int, stamps: Stamps) -> bool:
    """Return whether every file and directory of a node looks as it did; what can't be asked does not."""
    try:
        for path, folder in zip(stamps.folders.split(b"\0"), _FOLDER.iter_unpack(stamps.folder_stamps), strict=True):
            if stamp_folder(out_fd, path) != folder:
                return False
        for path, file in zip(stamps.files.split(b"\0"), _FILE.iter_unpack(stamps.file_stamps), strict=True):
            if _stamp_file(out_fd, path) != file:
                return False
    except (OSError, ValueError, struct.error):
        return False
    return True
