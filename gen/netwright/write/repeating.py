"""Repetitions in a diff, shown once: a change in the form that is delivered, and nodes that change alike."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from netwright.write.unified import FileDiff, NodeDiff

_ROOT = "rootfs/"


class AlikeNodes(Struct, frozen=True, kw_only=True):
    """The diff of one node, but for files that repeat what others show; these, and the nodes that change alike."""

    node: NodeDiff
    shown: tuple[FileDiff, ...]
    repeating: tuple[str, ...]
    others: tuple[str, ...] = ()


def fold_nodes(nodes: Iterable[NodeDiff]) -> tuple[AlikeNodes, ...]:
    """The nodes in groups of those whose files change by the same lines, in the order of their first."""
    groups: dict[object, AlikeNodes] = {}
    for node in nodes:
        own = _fold_files(node)
        key = _key(own)
        known = groups.get(key)
        groups[key] = own if known is None else replace(known, others=(*known.others, node.node))
    return tuple(groups.values())


def _fold_files(node: NodeDiff) -> AlikeNodes:
    changed = Counter(line for file in node.files if _is_root(node, file) for line in _changed(file))
    repeating = [file for file in node.files if not _is_root(node, file) and _repeats(file, changed)]
    return AlikeNodes(
        node=node,
        shown=tuple(file for file in node.files if file not in repeating),
        repeating=tuple(file.difference.path for file in repeating),
    )


def _is_root(node: NodeDiff, file: FileDiff) -> bool:
    return file.difference.path.startswith(f"{node.node}/{_ROOT}")


def _repeats(file: FileDiff, changed: Counter[str]) -> bool:
    """Return whether each changed line of the file is one below rootfs too, and nothing else concerns it."""
    own = Counter(_changed(file))
    return bool(own) and not own - changed and not any(line.startswith("!") for line in file.lines)


def _changed(file: FileDiff) -> list[str]:
    """The lines that come and go, with their sign, without indentation and the bar of a decoded source."""
    return [f"{line[0]}{line[1:].strip().removeprefix('|').strip()}" for line in _signed(file)]


def _signed(file: FileDiff) -> tuple[str, ...]:
    """The lines that come and go; those around them tell nodes apart that change alike."""
    return tuple(line for line in _body(file) if line.startswith(("+", "-")))


def _key(alike: AlikeNodes) -> object:
    """Return the key shared by nodes with the same changed lines, except for the node's name in their paths."""
    node = alike.node.node
    if not node:
        return node
    lines = tuple(
        (_nameless(node, file.difference.path), _signed(file), tuple(_nameless(node, line) for line in _head(file)))
        for file in alike.shown
    )
    return lines, tuple(_nameless(node, path) for path in alike.repeating)


def _nameless(node: str, path: str) -> str:
    return path.replace(f"{node}/", "*/", 1).replace(f"/{node}.", "/*.")


def _head(file: FileDiff) -> tuple[str, ...]:
    """The lines before the first hunk."""
    return file.lines[: len(file.lines) - len(_body(file))]


def _body(file: FileDiff) -> tuple[str, ...]:
    start = next((number for number, line in enumerate(file.lines) if line.startswith("@@")), len(file.lines))
    return file.lines[start:]
