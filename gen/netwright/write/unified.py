"""The unified diff of one file of OUT, and which files of a node are worth showing."""

import json
from collections.abc import Iterator
from itertools import groupby

from msgspec import Struct

from netwright.write.comparison import Difference, Differences
from netwright.write.delivered import decode_sources
from netwright.write.hunks import unified_hunks
from netwright.write.layout import EXECUTABLE, Wanted
from netwright.write.manifest import MANIFEST
from netwright.write.objections import DifferenceKind

_NO_NEWLINE = "\\ No newline at end of file"


class FileDiff(Struct, frozen=True, kw_only=True):
    """One file's difference and its unified diff, header included, without line ends; counts of lines."""

    difference: Difference
    lines: tuple[str, ...]
    added: int
    removed: int


class NodeDiff(Struct, frozen=True, kw_only=True):
    """The differing files of one node; node is "" for what lies next to the nodes' folders."""

    node: str
    files: tuple[FileDiff, ...]

    @property
    def added(self) -> int:
        """Number of lines that generate would add."""
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        """Number of lines that generate would remove."""
        return sum(file.removed for file in self.files)


def diff_nodes(comparison: Differences) -> Iterator[NodeDiff]:
    """The diffs of all nodes that generate would change.

    Foreign files are left out, since generate leaves them alone, and so is a manifest that only follows the files
    next to it.
    """
    for node, group in groupby(comparison.differences, key=lambda difference: difference.node):
        differences = [difference for difference in group if difference.kind is not DifferenceKind.FOREIGN]
        if len(differences) > 1:
            differences = [difference for difference in differences if not _only_follows(difference)]
        if differences:
            files = tuple(_diff_file(difference, comparison.title) for difference in differences)
            yield NodeDiff(node=node, files=files)


def _only_follows(difference: Difference) -> bool:
    """Return whether a manifest's own difference is no more than digests, and entries of files that come or go."""
    if difference.path != f"{difference.node}/{MANIFEST}" or difference.kind is DifferenceKind.BROKEN:
        return False
    if difference.before is None or difference.after is None:
        return True
    before, after = _attributes(difference.before.content), _attributes(difference.after.content)
    return all(before[path] == after[path] for path in before.keys() & after.keys())


def _attributes(manifest: bytes) -> dict[str, tuple[object, object]]:
    document = json.loads(manifest)
    return {file["path"]: (file.get("mode"), file.get("owner")) for file in document["files"]}


def _diff_file(difference: Difference, title: str) -> FileDiff:
    name = f"{title}/{difference.path}"
    before, after = difference.before, difference.after
    if before is None and after is None:
        return FileDiff(difference=difference, lines=(f"! {name}: {difference.message}",), added=0, removed=0)
    head = [f"--- {name if before else '/dev/null'}", f"+++ {name if after else '/dev/null'}"]
    if difference.kind in (DifferenceKind.EDITED, DifferenceKind.IN_THE_WAY, DifferenceKind.BROKEN):
        head.insert(0, f"! {name}: {difference.message}")
    if before and after and _executable(before) != _executable(after):
        head.append(f"! mode {before.mode:04o} becomes {after.mode:04o}")
    old, new = _lines(before), _lines(after)
    if old is None or new is None:
        return FileDiff(difference=difference, lines=(*head, "! not text: the bytes differ"), added=0, removed=0)
    if difference.path.endswith(".ign"):
        old, new = _decoded(old, new)
    hunks = tuple(line for marked in unified_hunks(old, new) for line in marked.split("\n"))
    return FileDiff(
        difference=difference,
        lines=(*head, *hunks),
        added=sum(line.startswith("+") for line in hunks),
        removed=sum(line.startswith("-") for line in hunks),
    )


def _decoded(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Both texts with their `data:` sources in plain; as they are where only the way of encoding differs."""
    plain = decode_sources(old), decode_sources(new)
    return plain if plain[0] != plain[1] else (old, new)


def _executable(file: Wanted) -> bool:
    return bool(file.mode & EXECUTABLE & 0o111)


def _lines(file: Wanted | None) -> list[str] | None:
    """The lines of a text, the last one marked if it has no line end; None if it is not UTF-8 text."""
    if file is None or not file.content:
        return []
    try:
        text = file.content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    lines = text.split("\n")
    if lines[-1] == "":
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]}\n{_NO_NEWLINE}"]
