"""OUT and the topology as they were: another directory, or what git keeps of a revision."""

import contextlib
import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gen.fabric import Fabric, weave
from gen.read import read_topology


class RevisionError(Exception):
    """What was named is neither a directory nor a revision that holds OUT; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """A state of OUT, and the topology of its time, None where that is not known."""

    out: Path
    fabric: Fabric | None


@contextlib.contextmanager
def open_past(named: str, out: str, topology: str) -> Iterator[Past]:
    """The state that a name stands for: an existing directory first, else a git revision. Raises RevisionError."""
    if os.path.isdir(named):
        yield Past(out=Path(named), fabric=None)
        return
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        _extract(named, Path(os.path.abspath(out)), Path(folder))
        yield Past(
            out=Path(folder) / Path(os.path.abspath(out)).name,
            fabric=_read_past(named, Path(os.path.abspath(topology)), Path(folder)),
        )


def _extract(revision: str, out: Path, folder: Path) -> None:
    archive = _git(out.parent, "archive", "--format=tar", _commit(revision, out.parent), "--", out.name)
    if archive is None:
        raise RevisionError(f"has no {out.name}; name a revision in which it is committed")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise RevisionError(f"can't be unpacked: {error}") from None


def _read_past(revision: str, topology: Path, folder: Path) -> Fabric | None:
    """The topology of the revision, None if it is not committed or says nothing that can be understood today."""
    text = _git(topology.parent, "show", f"{_commit(revision, topology.parent)}:./{topology.name}")
    if text is None:
        return None
    path = folder / "topology.yaml"
    path = path if not path.exists() else folder / "topology of the revision.yaml"
    path.write_bytes(text)
    read = read_topology(path)
    return weave(read.topology) if read.topology is not None else None


def _commit(revision: str, folder: Path) -> str:
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is None:
        raise RevisionError("is neither a directory nor a git revision; name one or the other")
    return found.decode().strip()


def _git(folder: Path, *words: str) -> bytes | None:
    """What git prints, None if it fails."""
    try:
        run = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise RevisionError("is no directory, and git is not installed") from None
    return run.stdout if run.returncode == 0 else None
