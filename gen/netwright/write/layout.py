"""Layout of a node's files below its folder in OUT, with the bytes and permission bits that they have there."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from netwright.files.artifact import NodeTree
from netwright.write.manifest import MANIFEST, ROOTFS, is_inside, render_manifest

PLAIN = 0o644
EXECUTABLE = 0o755


class Wanted(NamedTuple):
    """A file of OUT: bytes and mode, of which git keeps no more than whether it is executable."""

    content: bytes
    mode: int


def lay_out(tree: NodeTree) -> Mapping[str, Wanted]:
    """Every file of a node's folder, the manifest first, by path relative to that folder.

    Raises ValueError for a tree that has no such layout: a path that leads out, a file named twice, or a file where
    another one needs a directory.
    """
    if not is_inside(tree.node, absolute=False) or "/" in tree.node:
        raise ValueError(f"{tree.node!r} is not the name of a folder")
    wanted = {MANIFEST: Wanted(render_manifest(tree), PLAIN)}
    for file in tree.files:
        wanted[_below_rootfs(file.path)] = Wanted(file.content, EXECUTABLE if file.mode & 0o111 else PLAIN)
    for artifact in tree.artifacts:
        wanted[_beside_rootfs(artifact.path)] = Wanted(artifact.content, PLAIN)
    if len(wanted) != len(tree.files) + len(tree.artifacts) + 1:
        raise ValueError(f"{tree.node}: a file is generated twice")
    if not wanted.keys().isdisjoint(folders_of(wanted)):
        raise ValueError(f"{tree.node}: a file is generated where another one needs a directory")
    return wanted


def manifest_digest(wanted: Mapping[str, Wanted]) -> bytes:
    """Return a digest for all bytes and modes of a node's files: that of its manifest, which has those of the others.

    Empty for a node of which nothing is wanted.
    """
    return hashlib.sha256(wanted[MANIFEST].content).digest() if wanted else b""


@lru_cache(maxsize=4096)
def _below_rootfs(path: str) -> str:
    if not is_inside(path, absolute=True):
        raise ValueError(f"{path!r} is not an absolute path of a file")
    return ROOTFS + path


@lru_cache(maxsize=4096)
def _beside_rootfs(path: str) -> str:
    if not is_inside(path, absolute=False) or path.split("/", 1)[0] == ROOTFS:
        raise ValueError(f"{path!r} is not a path of a file next to {ROOTFS}/")
    return path


def folders_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The directories that hold some paths, each before those below it."""
    return tuple(dict.fromkeys(chain.from_iterable(map(_folders_above, paths))))


@lru_cache(maxsize=4096)
def _folders_above(path: str) -> tuple[str, ...]:
    parts = path.split("/")
    return tuple("/".join(parts[:length]) for length in range(1, len(parts)))
