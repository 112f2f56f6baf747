"""Disturbances of an OUT of netwright's behind its back."""

import os
from pathlib import Path

import pytest

HOSTNAME = "lb1/rootfs/etc/hostname"


def rewrite(path: Path, content: bytes) -> None:
    """Replace a file's bytes and restore its mtime's look, in the same inode."""
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace_file(path: Path, content: bytes) -> None:
    """Put another file in a file's place, with its size and times."""
    before = path.stat()
    other = path.parent / "other"
    other.write_bytes(content)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    folder = path.parent.stat()
    other.rename(path)
    os.utime(path.parent, ns=(folder.st_atime_ns, folder.st_mtime_ns))


def _replace_folder_by_link(out: Path) -> None:
    (out / "lb1/rootfs").rename(out.parent / "elsewhere")
    (out / "lb1/rootfs").symlink_to(out.parent / "elsewhere")


DISTURBANCES = [
    pytest.param(lambda out: rewrite(out / HOSTNAME, b"lb9\n"), id="same-size-and-mtime"),
    pytest.param(lambda out: _replace_file(out / HOSTNAME, b"lb9\n"), id="other-file-of-the-same-size-and-mtime"),
    pytest.param(lambda out: (out / HOSTNAME).write_bytes(b"longer than before\n"), id="other-size"),
    pytest.param(lambda out: (out / HOSTNAME).unlink(), id="deleted"),
    pytest.param(lambda out: (out / HOSTNAME).chmod(0o755), id="mode"),
    pytest.param(lambda out: (out / "lb1/rootfs/etc/mine").write_bytes(b""), id="foreign-file"),
    pytest.param(lambda out: (out / "lb1").rename(out.parent / "lb1"), id="node-gone"),
    pytest.param(_replace_folder_by_link, id="link-to-the-same-files"),
]
"""Changes of lb1's folder, each of which generate and check have something to say about."""
