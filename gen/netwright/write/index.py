"""A cache of how OUT looked when it was as generated: what did not change since need not be read, or even built.

The cache is never needed: without it, or with a broken one, a run is slower and does the same.
"""

import contextlib
import hashlib
import json
import os
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from netwright.files.cache import cache_directory
from netwright.text.report import Report
from netwright.write.place import OutFolder
from netwright.write.recorded import read_report, record_report
from netwright.write.stamps import Stamps, look_the_same, stamp_folder

_VERSION = 3
_NODE = struct.Struct("=6I")
_CHECKSUM = 32
_LARGEST = 256 * 1024 * 1024
"""The most bytes of an index; one of 50,000 nodes has 80 million."""
_MOST_OTHERS = 50
_LARGEST_OTHERS = 256 * 1024 * 1024
"""Number of indexes of other OUTs that are kept, and bytes that all of them may have."""


class LastRun(Struct, frozen=True, kw_only=True):
    """A run that left OUT as generated: its inputs, OUT's own stamp, how many files there were, what was reported."""

    fingerprint: str
    title: str
    top: tuple[int, int]
    files: int
    report: Report


class Index(Struct, frozen=True, kw_only=True):
    """The stamps of nodes; `last` is there only if they are those of all nodes that the run generated."""

    nodes: Mapping[str, Stamps] = field(default_factory=dict)
    last: LastRun | None = None

    @property
    def is_exact(self) -> bool:
        """Return whether nothing lay among the files of any node that was not generated."""
        return all(stamps.digest for stamps in self.nodes.values())

    def find_run(self, place: OutFolder, fingerprint: str) -> LastRun | None:
        """The last run, if it had the same inputs and all that it left in OUT still looks as it did then."""
        last = self.last
        if last is None or place.fd is None or (last.fingerprint, last.title) != (fingerprint, place.title):
            return None
        with contextlib.suppress(OSError):
            if stamp_folder(place.fd, ".") == last.top:
                return last if all(look_the_same(place.fd, stamps) for stamps in self.nodes.values()) else None
        return None


def save_index(place: OutFolder, stamps: Sequence[Stamps], last: LastRun | None) -> None:
    """Keep what a run left in OUT for the next one; nothing happens where there is no cache directory to write to."""
    path = _cache_path(place)
    if path is None:
        return
    content = _content(place, stamps, last)
    if len(content) > _LARGEST:
        return
    _prune(os.path.dirname(path), but=os.path.basename(path))
    with contextlib.suppress(OSError):
        new = f"{path}.{os.getpid()}"
        try:
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as stream:
                stream.write(content)
            os.replace(new, path)
        except OSError:
            os.unlink(new)


def _content(place: OutFolder, stamps: Sequence[Stamps], last: LastRun | None) -> bytes:
    head = json.dumps({"version": _VERSION, "out": place.path, "last": _record_run(last) if last else None})
    content = b"".join((head.encode("ascii"), b"\n", *_pack(stamps)))
    return content + hashlib.sha256(content).digest()


def _prune(folder: str, *, but: str) -> None:
    """Remove the indexes that were not written for longest, but one, until the rest are few and small enough."""
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:
            others = [(entry, entry.stat(follow_symlinks=False)) for entry in entries if _is_other(entry.name, but)]
        kept = size = 0
        for entry, status in sorted(others, key=lambda found: -found[1].st_mtime_ns):
            kept, size = kept + 1, size + status.st_size
            if kept > _MOST_OTHERS or size > _LARGEST_OTHERS:
                os.unlink(entry.path)


def _is_other(name: str, but: str) -> bool:
    """Return whether a file of the cache is an index, or what a killed run left of one."""
    return ".index" in name and name != but


def _record_run(last: LastRun) -> dict[str, Any]:
    return {
        "fingerprint": last.fingerprint,
        "title": last.title,
        "top": last.top,
        "files": last.files,
        "report": record_report(last.report),
    }


def _pack(stamps: Iterable[Stamps]) -> Iterator[bytes]:
    for node, *rest in stamps:
        fields = (os.fsencode(node), *rest)
        yield _NODE.pack(*map(len, fields))
        yield from fields


def read_index(place: OutFolder) -> Index:
    """Return what is known of OUT from earlier runs; an empty index where there is none, or it can't be trusted."""
    path = _cache_path(place)
    if path is None or place.fd is None:
        return Index()
    try:
        content = _read_own(path)
        body = len(content) - _CHECKSUM
        if hashlib.sha256(memoryview(content)[:body]).digest() != content[body:]:
            return Index()
        end = content.index(b"\n")
        head = json.loads(content[:end])
        if (head["version"], head["out"]) != (_VERSION, place.path):
            return Index()
        nodes = {stamps.node: stamps for stamps in _unpack(content, end + 1, body)}
        return Index(nodes=nodes, last=_read_run(head["last"]) if head["last"] else None)
    except (OSError, ValueError, KeyError, TypeError, IndexError, struct.error):
        return Index()


def _read_own(path: str) -> bytes:
    """The bytes of a file that no other user can have written. Raises OSError or ValueError."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise ValueError("not ours alone")
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("larger than any index")
    return content


def _read_run(recorded: Any) -> LastRun:
    inode, mtime = recorded["top"]
    return LastRun(
        fingerprint=recorded["fingerprint"],
        title=recorded["title"],
        top=(inode, mtime),
        files=recorded["files"],
        report=read_report(recorded["report"]),
    )


def _unpack(content: bytes, start: int, end: int) -> Iterator[Stamps]:
    while start < end:
        lengths = _NODE.unpack_from(content, start)
        start += _NODE.size
        fields = []
        for length in lengths:
            fields.append(content[start : start + length])
            start += length
        node, *rest = fields
        yield Stamps(os.fsdecode(node), *rest)


def _cache_path(place: OutFolder) -> str | None:
    directory = cache_directory()
    if directory is None:
        return None
    name = hashlib.sha256(os.fsencode(place.path)).hexdigest()[:32]
    return os.path.join(directory, f"{name}.index")
