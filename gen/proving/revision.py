"""OUT and the topology as they were: another directory, or what git keeps of a revision."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gen.fabric import Fabric, weave
from gen.read import read_topology


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
    """The state that a name stands for: an existing directory first, else a git revision. Raises RevisionError."""
    if os.path.isdir(named):
        beside = Path(named).parent / os.path.relpath(topology, Path(out).parent)
        fabric = _read(beside) if beside.is_file() and not _is_same(beside, topology) else None
        yield Past(out=Path(named), fabric=fabric, topology=str(beside) if fabric is not None else None)
        return
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        target = Path(os.path.abspath(out))
        commit = _commit(named, target.parent)
        _extract(commit, target, Path(folder, "out"))
        fabric = _read_committed(commit, Path(os.path.abspath(topology)), Path(folder, "topology.yaml"))
        shown = f"{topology} of {named}" if fabric is not None else None
        yield Past(out=Path(folder, "out"), fabric=fabric, topology=shown)


def _is_same(path: Path, topology: str) -> bool:
    try:
        return path.samefile(topology)
    except OSError:
        return False


def _extract(commit: str, out: Path, folder: Path) -> None:
    """Writes what the commit keeps of OUT, byte by byte: `git archive` would obey .gitattributes."""
    listed = _git(out.parent, "ls-tree", "-r", "-z", commit, "--", f"{out.name}/")
    entries = [entry.split(b"\t", 1) for entry in listed.split(b"\0") if entry]
    if not entries:
        raise RevisionError(f"has no {out.name}; name a revision in which it is committed")
    files: list[tuple[bytes, list[bytes]]] = []
    for about, path in entries:
        mode, _, digest = about.split(b" ")[:3]
        below = path.split(b"/")[1:]
        if mode not in (b"100644", b"100755") or {b"", b".", b".."} & {*below}:
            raise RevisionError(f"has {os.fsdecode(path)}, which is no plain file; name a state that generate wrote")
        files.append((digest, below))
    try:
        _write_blobs(
            _git(out.parent, "cat-file", "--batch", feed=b"".join(one + b"\n" for one, _ in files)), files, folder
        )
    except OSError as error:
        raise RevisionError(f"can't be unpacked: {error.strerror}") from None


def _write_blobs(blobs: bytes, files: Sequence[tuple[bytes, list[bytes]]], folder: Path) -> None:
    for digest, below in files:
        head, _, blobs = blobs.partition(b"\n")
        if not head.startswith(digest) or b" blob " not in head:
            raise RevisionError(f"lacks {os.fsdecode(b'/'.join(below))} in this clone; fetch it with git fetch")
        size = int(head.rsplit(b" ", 1)[1])
        file = Path(folder, *map(os.fsdecode, below))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(blobs[:size])
        blobs = blobs[size + 1 :]


def _read_committed(commit: str, topology: Path, path: Path) -> Fabric | None:
    """The topology of the commit, None if it is not committed or says nothing that can be understood today."""
    try:
        path.write_bytes(_git(topology.parent, "show", f"{commit}:./{topology.name}"))
    except RevisionError:
        return None
    return _read(path)


def _read(path: Path) -> Fabric | None:
    read = read_topology(path)
    return weave(read.topology) if read.topology is not None else None


def _commit(revision: str, folder: Path) -> str:
    try:
        _git(folder, "rev-parse", "--git-dir")
    except RevisionError as error:
        raise RevisionError(f"is no directory, and {folder} is in no git repository: {error}") from None
    try:
        found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except RevisionError:
        shallow = _git(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"
        hint = "; this clone is shallow, fetch the revision (git fetch --unshallow origin)" if shallow else ""
        raise RevisionError(f"is neither a directory nor a git revision; name one or the other{hint}") from None
    return found.decode().strip()


def _git(folder: Path, *words: str, feed: bytes = b"") -> bytes:
    """What git prints. Raises RevisionError with its last words if it fails."""
    try:
        run = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *words],  # noqa: S607
            input=feed,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise RevisionError("is no directory, and git is not installed") from None
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip().splitlines()
        raise RevisionError(said[-1].removeprefix("fatal: ") if said else "git failed")
    return run.stdout
