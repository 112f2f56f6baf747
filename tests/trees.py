"""Directory trees as tests compare them: every file with its kind, its x-bit and its bytes, as git would keep it."""

import difflib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct


class Entry(Struct, frozen=True, kw_only=True):
    """Entry at a path: "file", "executable", "empty directory" or "other", and the bytes of a file."""

    kind: str
    content: bytes = b""


Tree = Mapping[str, Entry]


def read_tree(root: Path) -> Tree:
    """Everything below a directory by relative path, sorted; nothing if there is no such directory."""
    return dict(sorted(_entries(root))) if root.exists() else {}


def _entries(root: Path) -> Iterator[tuple[str, Entry]]:
    for directory, folders, files in os.walk(root):
        links = [name for name in folders if os.path.islink(os.path.join(directory, name))]
        for name in (*links, *files):
            path = os.path.join(directory, name)
            yield os.path.relpath(path, root), _entry(path)
        if not folders and not files:
            yield os.path.relpath(directory, root), Entry(kind="empty directory")


def _entry(path: str) -> Entry:
    mode = os.lstat(path).st_mode
    if not stat.S_ISREG(mode):
        return Entry(kind="other")
    return Entry(kind="executable" if mode & 0o111 else "file", content=Path(path).read_bytes())


def describe_differences(expected: Tree, found: Tree) -> str:
    """Return the differences of two trees, for people: paths missing, unexpected or of another kind, and diffs."""
    return "".join(_differences(expected, found))


def _differences(expected: Tree, found: Tree) -> Iterator[str]:
    for path in sorted({*expected, *found}):
        before, after = expected.get(path), found.get(path)
        if before == after:
            continue
        if before is None or after is None:
            yield f"{path}: {'unexpected' if before is None else 'missing'}\n"
            continue
        if before.kind != after.kind:
            yield f"{path}: {after.kind}, expected {before.kind}\n"
        yield from _lines(path, before.content, after.content)


def _lines(path: str, before: bytes, after: bytes) -> Iterator[str]:
    old, new = (content.decode(errors="backslashreplace").splitlines() for content in (before, after))
    for line in difflib.unified_diff(old, new, f"expected/{path}", f"found/{path}", lineterm=""):
        yield f"{line}\n"


def changed_paths(before: Tree, after: Tree) -> set[str]:
    """The paths that came, went or are different."""
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}
