"""OUT and the topology as they were: what git keeps of a revision, or another directory."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from netwright.files.git import Repository, find_bare_repository, find_repository
from netwright.files.git_process import GitError, NoSuchRevisionError
from netwright.production.read import read_topology
from netwright.topology.resolved import ResolvedTopology, resolve_topology

_DEEPEST = 100
"""Most folders inside each other that are unpacked; generate writes no more than ten."""


_LARGEST = 4 << 30
"""So many bytes of OUT are unpacked; they are compressed in a repository, and may name themselves."""


class RevisionError(Exception):
    """The name is neither a directory nor a revision that holds OUT; the message gives the reason."""


class Past(Struct, frozen=True, kw_only=True):
    """A state of OUT, and the topology of its time with its name, None where that is not known, or today's.

    With `flows_unknown` it is not known.
    """

    out: Path
    resolved: ResolvedTopology | None
    topology: str | None
    flows_unknown: bool


@contextlib.contextmanager
def open_past(named: str, out: str, topology: str) -> Iterator[Past]:
    """The state that a name stands for: a git revision, or with a slash a directory. Raises RevisionError.

    No revision starts with `/` or `.`, or ends with `/`: what a change request contains cannot stand for one.
    """
    if named.startswith(_STARTS) or named.endswith("/"):
        yield _open_directory(named, out, topology)
        return
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        target = _real(out)
        try:
            repository = _repository(os.path.dirname(target))
            commit = repository.resolve(named)
            _extract(repository, commit, target, Path(folder, "out"))
        except NoSuchRevisionError as error:
            raise RevisionError(_unknown(named, str(error))) from None
        except GitError as error:
            raise RevisionError(_unknown(named, "") if os.path.isdir(named) else str(error)) from None
        resolved = _read_committed(repository, commit, _real(topology), Path(folder, "topology.yaml"))
        shown = f"{topology} of {named}" if resolved is not None else None
        yield Past(out=Path(folder, "out"), resolved=resolved, topology=shown, flows_unknown=resolved is None)


_STARTS = ("/", "./", "../")


def _open_directory(named: str, out: str, topology: str) -> Past:
    """The state in a directory, with the topology next to it, as today's is next to OUT."""
    if not os.path.isdir(named):
        raise RevisionError(f"is no directory; name a directory with a slash ({named}), or a git revision (HEAD)")
    beside = Path(named).parent / os.path.relpath(topology, Path(out).parent)
    if beside.is_file() and _is_same(beside, topology):
        return Past(out=Path(named), resolved=None, topology=None, flows_unknown=False)
    resolved = _read(beside) if beside.is_file() else None
    shown = str(beside) if resolved is not None else None
    return Past(out=Path(named), resolved=resolved, topology=shown, flows_unknown=resolved is None)


def _unknown(named: str, hint: str) -> str:
    if os.path.isdir(named):
        return f"is no git revision{hint}; write {named}/ for the directory"
    return f"is no git revision{hint}; name one, or a directory with a slash ({named}/)"


def _real(path: str) -> str:
    """The absolute path with every link of its folder resolved, as git sees it."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def _is_same(path: Path, topology: str) -> bool:
    try:
        return path.samefile(topology)
    except OSError:
        return False


def _repository(folder: str) -> Repository:
    found = find_repository(folder)
    if found is not None:
        return found
    if (bare := find_bare_repository(folder)) is not None:
        right = "work in a clone, or in a work tree of it (git worktree add)"
        raise GitError(f"is no git revision here: {bare} is a bare git repository, without a work tree; {right}")
    raise GitError(f"is no git revision, as {folder} is in no git repository; name a directory with a slash (DIR/)")


def _extract(repository: Repository, commit: str, out: str, folder: Path) -> None:
    """Write what the commit keeps of OUT."""
    name = os.path.basename(out)
    blobs = repository.list_files(commit, out)
    if not blobs:
        raise RevisionError(f"has no {name}; name a revision in which it is committed")
    for blob in blobs:
        if len(blob.steps) > _DEEPEST:
            shown = "/".join((name, *blob.steps[:3]))
            raise RevisionError(f"has more than {_DEEPEST} folders inside each other in {shown}; name another state")
        if blob.mode not in ("100644", "100755") or {"", ".", ".."} & {*blob.steps}:
            shown = "/".join((name, *blob.steps))
            raise RevisionError(f"has {shown}, which is no plain file; name a state that generate wrote")
    try:
        folder.mkdir()
        left = _LARGEST
        for blob, content in zip(blobs, repository.read_all(blobs), strict=True):
            left -= len(content)
            if left < 0:
                raise RevisionError(f"has more than {_LARGEST >> 30} GiB in {name}; name another state")
            place = folder
            for step in blob.steps[:-1]:
                place /= step
                place.mkdir(exist_ok=True)
            (place / blob.steps[-1]).write_bytes(content)
    except OSError as error:
        raise RevisionError(f"can't be unpacked: {error.strerror}") from None


def _read_committed(repository: Repository, commit: str, topology: str, path: Path) -> ResolvedTopology | None:
    """The topology of the commit, None if it is not committed or can't be understood today."""
    try:
        path.write_bytes(repository.read(commit, topology))
    except GitError:
        return None
    return _read(path)


def _read(path: Path) -> ResolvedTopology | None:
    read = read_topology(path)
    return resolve_topology(read.topology) if read.topology is not None else None
