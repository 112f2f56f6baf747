"""Small node trees to write, and what came of them."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from netwright.files.artifact import Artifact, NodeFile, NodeTree
from netwright.text.report import Report
from netwright.write import Changes, generate

Files = Mapping[str, tuple[bytes, int] | None]
NOTHING_FOUND = Report()


def node_tree(
    node: str, text: str = "one", *, extra: tuple[NodeFile, ...] = (), report: Report = NOTHING_FOUND
) -> NodeTree:
    """A node with three files, of which `text` changes one, and an artifact."""
    return NodeTree(
        node=node,
        files=(
            NodeFile(path="/etc/hostname", content=f"{node}\n".encode()),
            NodeFile(path="/etc/systemd/network/10-eth0.network", content=f"[Match]\nName={text}\n".encode()),
            NodeFile(path="/opt/bin/start", content=b"#!/bin/sh\n", mode=0o750, owner="root:wheel"),
            *extra,
        ),
        artifacts=(Artifact(path=f"{node}.ign", content=b"{}\n"),),
        report=report,
    )


def building(texts: Mapping[str, str] | None = None) -> Callable[[str], NodeTree]:
    """A build in which some nodes have another text."""
    return lambda node: node_tree(node, (texts or {}).get(node, "one"))


def write(out: Path, nodes: tuple[str, ...] = ("lb1", "lb2"), **texts: str) -> Changes:
    """Return what generating small trees for the nodes did; it must have worked."""
    outcome = generate(out, nodes, building(texts), fingerprint=f"{nodes} {texts}")
    assert outcome.report.errors == 0, messages(outcome.report)
    return outcome


def messages(report: Report) -> list[str]:
    """The titles of all findings."""
    return [finding.title for finding in report.findings()]


def snapshot(top: Path) -> Files:
    """Every path below a directory: bytes and mode of files, None for directories."""
    found: dict[str, tuple[bytes, int] | None] = {}
    for folder, folders, files in os.walk(top):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), top)] = None
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as stream:
                found[os.path.relpath(path, top)] = (stream.read(), stat.S_IMODE(os.lstat(path).st_mode))
    return found


def times(top: Path) -> Mapping[str, tuple[int, int, int]]:
    """Inode, mtime and ctime of everything below a directory, and of itself and what holds it."""
    paths = [top.parent, top, *top.rglob("*")]
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in paths}
