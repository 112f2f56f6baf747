"""OUT and the topology as they were: another directory, or what git keeps of a revision."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gen.fabric import Fabric, weave
from gen.git import GitError, NoSuchRevisionError, Repository, find_repository
from gen.read import read_topology

_DEEPEST = 100
"""So many folders inside each other are unpacked; generate writes no more than ten."""


class RevisionError(Exception):
    """What was named is neither a directory nor a revision that holds OUT; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """A state of OUT, and the topology of its time with its name, None where that is not known."""

    out: Path
    fabric: Fabric | None
    topology: str | None


@contextlib.contextmanager
def open_past(named: str, out: str, topology: str) -> Iterator[Past]:
    """The state that a name stands for: an existing directory, or a git revision. Raises RevisionError."""
    if os.path.isdir(named):
        _refuse_two_meanings(named, out)
        beside = Path(named).parent / os.path.relpath(topology, Path(out).parent)
        fabric = _read(beside) if beside.is_file() and not _is_same(beside, topology) else None
        yield Past(out=Path(named), fabric=fabric, topology=str(beside) if fabric is not None else None)
        return
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        target = _real(out)
        try:
            repository = _repository(os.path.dirname(target))
            commit = repository.resolve(named)
            _extract(repository, commit, target, Path(folder, "out"))
        except NoSuchRevisionError as error:
            hint = str(error)
            raise RevisionError(f"is neither a directory nor a git revision; name one or the other{hint}") from None
        except GitError as error:
            raise RevisionError(str(error)) from None
        fabric = _read_committed(repository, commit, _real(topology), Path(folder, "topology.yaml"))
        shown = f"{topology} of {named}" if fabric is not None else None
        yield Past(out=Path(folder, "out"), fabric=fabric, topology=shown)


def _refuse_two_meanings(named: str, out: str) -> None:
    """Raise RevisionError for a directory with the name of a revision: a change request can contain `origin/main/`."""
    if named.startswith((".", "/")) or named.endswith("/"):
        return
    with contextlib.suppress(GitError):
        repository = find_repository(os.path.dirname(_real(out)))
        if repository is not None and repository.resolve(named):
            raise RevisionError(f"is both a directory and a git revision; write ./{named} for the directory")


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
    if found is None:
        raise GitError(f"is no directory, and {folder} is in no git repository; name a directory with a state of OUT")
    return found


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
        for blob, content in zip(blobs, repository.read_all(blobs), strict=True):
            place = folder
            for step in blob.steps[:-1]:
                place /= step
                place.mkdir(exist_ok=True)
            (place / blob.steps[-1]).write_bytes(content)
    except OSError as error:
        raise RevisionError(f"can't be unpacked: {error.strerror}") from None


def _read_committed(repository: Repository, commit: str, topology: str, path: Path) -> Fabric | None:
    """The topology of the commit, None if it is not committed or says nothing that can be understood today."""
    try:
        path.write_bytes(repository.read(commit, topology))
    except GitError:
        return None
    return _read(path)


def _read(path: Path) -> Fabric | None:
    read = read_topology(path)
    return weave(read.topology) if read.topology is not None else None
