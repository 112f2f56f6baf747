"""A cache of how OUT looked when it was exactly as generated, so that a run without changes builds nothing.

It works as git's index does: a file whose inode, size, mtime and ctime are those recorded has the recorded content. The
cache is never needed: without it, or with a broken one, a run is slower and does the same.
"""

import contextlib
import hashlib
import json
import os
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from gen.report import Report
from gen.write.layout import folders_of
from gen.write.place import Place
from gen.write.recorded import read_report, record_report
from gen.write.verdict import Verdict

_VERSION = 1
_FILE = struct.Struct("=Qqqq")
_FOLDER = struct.Struct("=Qq")
_CHECKSUM = 32
_BATCH = 500
_SECOND = 1_000_000_000
_TICK = 20_000_000
"""Nanoseconds within which two changes can get the same time stamp: the kernel's clock ticks every 1 to 10 ms."""
_COARSE_TICK = 2 * _SECOND
"""The same on file systems that keep whole seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamps:
    """Paths below OUT, separated by NUL, and for each in turn what lstat says of it."""

    files: bytes
    file_stamps: bytes
    folders: bytes
    folder_stamps: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """A run that left OUT as generated: how many files there were, and what was reported."""

    files: int
    report: Report


def take_stamps(out_fd: int, verdicts: Sequence[Verdict]) -> Iterator[tuple[int, Stamps | None]]:
    """How the files of nodes look now, for so many nodes at a time; None where one changed a moment ago.

    A file that is changed again within a tick of the clock looks the same, so a time stamp is good only when it is
    older than that. Nodes with fresh stamps get a second chance when all others are done. Raises OSError.
    """
    postponed = []
    for start in range(0, len(verdicts), _BATCH):
        batch = verdicts[start : start + _BATCH]
        stamps = _stamp(out_fd, batch)
        if stamps is None:
            postponed.append(batch)
        else:
            yield len(batch), stamps
    for batch in postponed:
        yield len(batch), _stamp(out_fd, batch)


def _stamp(out_fd: int, verdicts: Iterable[Verdict]) -> Stamps | None:
    files: list[str] = []
    folders = ["."]
    for verdict in verdicts:
        node = verdict.node
        files += [f"{node}/{path}" for path in verdict.paths]
        folders += [node, *(f"{node}/{folder}" for folder in folders_of(verdict.paths))]
    start = time.time_ns()
    file_stamps = [_stamp_file(out_fd, path) for path in files]
    folder_stamps = [_stamp_folder(out_fd, path) for path in folders]
    if any(_settled(stamp[-1]) > start for stamp in chain(file_stamps, folder_stamps)):
        return None
    return Stamps(
        files=_join(files),
        file_stamps=b"".join(_FILE.pack(*stamp) for stamp in file_stamps),
        folders=_join(folders),
        folder_stamps=b"".join(_FOLDER.pack(*stamp) for stamp in folder_stamps),
    )


def _settled(changed: int) -> int:
    """When the next change can no longer get the same time stamp."""
    return changed + (_TICK if changed % _SECOND else _COARSE_TICK)


def _stamp_file(out_fd: int, path: str | bytes) -> tuple[int, int, int, int]:
    status = os.lstat(path, dir_fd=out_fd)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _stamp_folder(out_fd: int, path: str | bytes) -> tuple[int, int]:
    """Inode and mtime, which changes with every entry; ctime would change when OUT is exchanged."""
    status = os.lstat(path, dir_fd=out_fd)
    return status.st_ino, status.st_mtime_ns


def _join(paths: Sequence[str]) -> bytes:
    return b"\0".join(map(os.fsencode, paths))


def save_index(place: Place, fingerprint: str, stamps: Sequence[Stamps], index: Index) -> None:
    """Keep what a run left in OUT for the next one; nothing happens where there is no cache directory to write to."""
    blobs = [blob for part in stamps for blob in (part.files, part.file_stamps, part.folders, part.folder_stamps)]
    head = {**_identity(place, fingerprint), "files": index.files, "report": record_report(index.report)}
    head["lengths"] = [len(blob) for blob in blobs]
    path = _cache_path(place)
    if path is None:
        return
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        new = f"{path}.{os.getpid()}"
        try:
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as stream:
                checksum = hashlib.sha256()
                for blob in (json.dumps(head).encode("ascii"), b"\n", *blobs):
                    checksum.update(blob)
                    stream.write(blob)
                stream.write(checksum.digest())
            os.replace(new, path)
        except OSError:
            os.unlink(new)


def find_index(place: Place, fingerprint: str) -> Index | None:
    """The index of the last run, if it had the same inputs and every file of OUT still looks as it did then."""
    path = _cache_path(place)
    if path is None or place.fd is None:
        return None
    try:
        with open(path, "rb") as stream:
            text = stream.read()
        content = memoryview(text)
        if hashlib.sha256(content[:-_CHECKSUM]).digest() != content[-_CHECKSUM:]:
            return None
        end = text.index(b"\n")
        head = json.loads(bytes(content[:end]))
        if any(head.get(key) != value for key, value in _identity(place, fingerprint).items()):
            return None
        for stamps in _cut(content[end + 1 : -_CHECKSUM], head["lengths"]):
            if not _still_so(place.fd, stamps):
                return None
        return Index(files=head["files"], report=read_report(head["report"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _identity(place: Place, fingerprint: str) -> dict[str, object]:
    return {"version": _VERSION, "out": place.path, "title": place.title, "fingerprint": fingerprint}


def _cut(content: memoryview, lengths: Sequence[int]) -> Iterator[Stamps]:
    start = 0
    blobs: list[bytes] = []
    for length in lengths:
        blobs.append(bytes(content[start : start + length]))
        start += length
        if len(blobs) == 4:
            files, file_stamps, folders, folder_stamps = blobs
            yield Stamps(files=files, file_stamps=file_stamps, folders=folders, folder_stamps=folder_stamps)
            blobs.clear()


def _still_so(out_fd: int, stamps: Stamps) -> bool:
    for path, stamp in zip(stamps.folders.split(b"\0"), _FOLDER.iter_unpack(stamps.folder_stamps), strict=True):
        if _stamp_folder(out_fd, path) != stamp:
            return False
    for path, stamp in zip(stamps.files.split(b"\0"), _FILE.iter_unpack(stamps.file_stamps), strict=True):
        if _stamp_file(out_fd, path) != stamp:
            return False
    return True


def _cache_path(place: Place) -> str | None:
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        return None
    name = hashlib.sha256(os.fsencode(place.path)).hexdigest()[:32]
    return os.path.join(base, "netwright", f"{name}.index")
