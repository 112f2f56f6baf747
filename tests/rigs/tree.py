"""Trees of files: those below out/NODE, and those on a machine."""

import grp
import json
import os
import pwd
import stat
from pathlib import Path

from netwright.files.artifact import NodeFile


def read_node(directory: Path) -> tuple[NodeFile, ...]:
    """The files of out/NODE as they are to lie on the node: bytes from rootfs/, modes and owners from the manifest.

    Raises AssertionError if rootfs/ and the manifest name different files: then neither says what a node gets.
    """
    manifest = json.loads((directory / "manifest.json").read_text())
    listed = {entry["path"]: entry for entry in manifest["files"]}
    rootfs = directory / "rootfs"
    present = {f"/{path.relative_to(rootfs)}" for path in rootfs.rglob("*") if not path.is_dir()}
    assert listed.keys() == present
    return tuple(
        NodeFile(path=path, content=(rootfs / path[1:]).read_bytes(), mode=int(entry["mode"], 8), owner=entry["owner"])
        for path, entry in sorted(listed.items())
    )


def read_tree(root: str, directory: str) -> tuple[NodeFile, ...]:
    """The regular files below `directory` of a root, sorted by path, with their real modes and owners."""
    found = []
    for parent, _, names in os.walk(root + directory):
        for name in names:
            place = os.path.join(parent, name)
            status = os.lstat(place)
            if stat.S_ISREG(status.st_mode):
                with open(place, "rb") as file:
                    found.append(
                        NodeFile(
                            path=place.removeprefix(root),
                            content=file.read(),
                            mode=stat.S_IMODE(status.st_mode),
                            owner=f"{pwd.getpwuid(status.st_uid).pw_name}:{grp.getgrgid(status.st_gid).gr_name}",
                        )
                    )
    return tuple(sorted(found, key=lambda file: file.path))
