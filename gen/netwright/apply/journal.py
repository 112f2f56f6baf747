"""What an apply has come to, kept on this side so that it can be resumed."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from netwright.apply.comparing import digest_of
from netwright.files.whole_file import write_whole_bytes
from netwright.verify.reading.disk import read_file

VERSION = 1
_LARGEST = 1 << 24


class Journal(Struct, frozen=True, kw_only=True):
    """An apply of `out`, of which `digest` stands for all files: the nodes, the state that they came from (--against),
    and the outcome of each that is decided."""

    version: int
    digest: str
    nodes: tuple[str, ...]
    against: str | None
    outcomes: Mapping[str, str]

    @property
    def left(self) -> tuple[str, ...]:
        """The nodes to which it was not applied."""
        return tuple(node for node in self.nodes if self.outcomes.get(node) != "applied")


def digest_of_out(out: Path, nodes: tuple[str, ...]) -> str:
    """Return a digest of the manifests of nodes, which have those of all files."""
    found = hashlib.sha256()
    for node in nodes:
        content = read_file(f"{out}/{node}/manifest.json")
        found.update(f"{node} {digest_of(content) if isinstance(content, bytes) else ''}\n".encode())
    return found.hexdigest()


def journal_path(out: Path) -> Path:
    """The file of the journal, in the user's folder for states (XDG_STATE_HOME, ~/.local/state)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.local/state")
    return Path(base, "netwright", f"apply-{digest_of(os.fsencode(os.path.realpath(out)))[:16]}.json")


def read_journal(path: Path) -> Journal | None:
    """Return the journal, None where there is none that is understood."""
    content = read_file(str(path), _LARGEST)
    try:
        journal = msgspec.json.decode(content, type=Journal) if isinstance(content, bytes) else None
    except (msgspec.MsgspecError, RecursionError):
        return None
    return journal if journal is not None and journal.version == VERSION else None


def write_journal(path: Path, journal: Journal) -> None:
    """Keep the journal; once it is applied to all, there is nothing to resume. Raises OSError."""
    if journal.left:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole_bytes(str(path), msgspec.json.encode(journal))
    else:
        path.unlink(missing_ok=True)
