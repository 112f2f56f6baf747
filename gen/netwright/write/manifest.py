"""manifest.json of a node's folder: what was generated there, with the mode and owner that git does not keep."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache

from netwright.files.artifact import NodeTree
from netwright.text.natural import natural_key

MANIFEST = "manifest.json"
LARGEST_FILE = 64 * 1024 * 1024
"""The most bytes of one file of OUT that are read, a manifest's too."""
ROOTFS = "rootfs"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_quote = json.encoder.encode_basestring_ascii


class BrokenManifestError(ValueError):
    """A manifest that netwright did not write like this; the message names what is wrong in it."""


def digest(content: bytes) -> str:
    """The SHA-256 of a file's bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def render_manifest(tree: NodeTree) -> bytes:
    """The bytes of a node's manifest.json: JSON indented by 2, files and artifacts in natural order."""
    files = sorted(tree.files, key=lambda file: natural_key(file.path))
    artifacts = sorted(tree.artifacts, key=lambda artifact: natural_key(artifact.path))
    listed = []
    for file in files:
        before, after = _file_entry(file.path, file.mode, file.owner)
        listed.append(before + digest(file.content) + after)
    beside = [_artifact_entry(artifact.path) + digest(artifact.content) + '"\n    }' for artifact in artifacts]
    text = f'{{\n  "node": {_quote(tree.node)},\n  "files": {_list(listed)},\n  "artifacts": {_list(beside)}\n}}\n'
    return text.encode("ascii")


# json.dumps with an indent runs in Python and takes longer than all else that is done for a node; the entries around
# the digests are the same for thousands of nodes.
def _list(entries: list[str]) -> str:
    return "[\n    " + ",\n    ".join(entries) + "\n  ]" if entries else "[]"


@lru_cache(maxsize=4096)
def _file_entry(path: str, mode: int, owner: str) -> tuple[str, str]:
    return (
        f'{{\n      "path": {_quote(path)},\n      "sha256": "',
        f'",\n      "mode": "{mode:04o}",\n      "owner": {_quote(owner)}\n    }}',
    )


@lru_cache(maxsize=4096)
def _artifact_entry(path: str) -> str:
    return f'{{\n      "path": {_quote(path)},\n      "sha256": "'


def read_manifest(content: bytes, node: str) -> Mapping[str, str]:
    """The SHA-256 of every file that a manifest lists, by path relative to the node's folder.

    Raises BrokenManifestError for everything that netwright would not have written, above all for paths that lead out
    of the folder.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BrokenManifestError("it is not JSON") from error
    if not isinstance(document, dict):
        raise BrokenManifestError("it is not a JSON object")
    if document.get("node") != node:
        raise BrokenManifestError(f'its "node" is not "{node}"')
    listed: dict[str, str] = {}
    for key, prefix in (("files", ROOTFS), ("artifacts", "")):
        entries = document.get(key)
        if not isinstance(entries, list):
            raise BrokenManifestError(f'its "{key}" is not a list')
        for number, entry in enumerate(entries):
            path, sha256 = _read_entry(entry, f"{key}[{number}]", absolute=key == "files")
            place = prefix + path
            if place in listed or place == MANIFEST:
                raise BrokenManifestError(f"{key}[{number}] lists {path} once more")
            listed[place] = sha256
    return listed


def _read_entry(entry: object, where: str, *, absolute: bool) -> tuple[str, str]:
    if not isinstance(entry, dict):
        raise BrokenManifestError(f"{where} is not an object")
    path, sha256 = entry.get("path"), entry.get("sha256")
    if not isinstance(path, str) or not is_inside(path, absolute=absolute):
        raise BrokenManifestError(f"{where}.path leads out of the node's folder")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise BrokenManifestError(f"{where}.sha256 is not a SHA-256")
    return path, sha256


def is_inside(path: str, *, absolute: bool) -> bool:
    """Return whether a path names a file below its root without `.`, `..`, empty parts or NUL."""
    parts = path.split("/")
    if absolute and parts.pop(0) != "":
        return False
    return bool(parts) and "\0" not in path and not any(part in ("", ".", "..") for part in parts)
