"""Ignition judges what is compiled: it validates every config, and writes the tree that the document says."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from netwright.butane import compile_document, dump_ignition
from netwright.butane.encoding import bytes_of
from tests.butane.documents import Document, documents, documents_for_disk
from tests.rigs.ignition import IgnitionError, apply_ignition, validate_ignition

Node = tuple[str, int, int, int, bytes]
"""Kind, mode, user, group, and contents or target."""


def _compile(document: Document) -> str:
    compiled = compile_document(document)
    assert compiled.ignition is not None, compiled.diagnostics
    return dump_ignition(compiled.ignition)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_every_config_is_valid_to_ignition(document: Document) -> None:
    assert validate_ignition(_compile(document)) == ""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents_for_disk())
def test_ignition_writes_what_the_document_says(document: Document, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("root")

    apply_ignition(_compile(document), root)

    assert _tree(root) == _expected(document)


def test_applying_again_needs_overwrite(tmp_path: Path) -> None:
    file = {"path": "/a", "contents": {"inline": "new"}}
    document = {"variant": "flatcar", "version": "1.0.0", "storage": {"files": [file]}}
    (tmp_path / "a").write_text("old")

    with pytest.raises(IgnitionError, match="already"):
        apply_ignition(_compile(document), tmp_path)
    apply_ignition(_compile({**document, "storage": {"files": [{**file, "overwrite": True}]}}), tmp_path)

    assert (tmp_path / "a").read_text() == "new"


def test_the_rig_tells_what_ignition_refuses() -> None:
    with pytest.raises(IgnitionError, match="path not absolute"):
        validate_ignition('{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"a"}]}}')


def _tree(root: Path) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder) / name
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                kind, contents = "link", os.fsencode(os.readlink(path))
            elif stat.S_ISDIR(status.st_mode):
                kind, contents = "directory", b""
            else:
                kind, contents = "file", path.read_bytes()
                if name == "20-ignition.preset":  # this version of Ignition writes its lines in any order
                    contents = b"".join(sorted(contents.splitlines(keepends=True)))
            mode = 0 if kind == "link" else stat.S_IMODE(status.st_mode)
            found[f"/{path.relative_to(root)}"] = (kind, mode, status.st_uid, status.st_gid, contents)
    return found


def _expected(document: Document) -> dict[str, Node]:
    tree: dict[str, Node] = {}
    storage = document["storage"]
    for file in storage["files"]:
        parts = [*([file["contents"]] if "contents" in file else []), *file.get("append", [])]
        contents = b"".join(bytes_of(part["inline"]) for part in parts)
        tree[file["path"]] = ("file", file.get("mode", 0o644), *_owner(file), contents)
    for directory in storage["directories"]:
        tree[directory["path"]] = ("directory", directory.get("mode", 0o755), *_owner(directory), b"")
    for link in storage["links"]:
        tree[link["path"]] = ("link", 0, *_owner(link), link["target"].encode())
    _add_units(document["systemd"]["units"], tree)
    for path in list(tree):
        for parent in list(Path(path).parents)[:-1]:
            tree.setdefault(str(parent), ("directory", 0o755, 0, 0, b""))
    return tree


def _add_units(units: list[Document], tree: dict[str, Node]) -> None:
    presets = []
    for unit in units:
        path = f"/etc/systemd/system/{unit['name']}"
        if unit.get("contents"):
            tree[path] = ("file", 0o644, 0, 0, unit["contents"].encode())
        elif unit.get("mask"):
            tree[path] = ("link", 0, 0, 0, b"/dev/null")
        for dropin in unit.get("dropins", []):
            if "contents" in dropin:
                tree[f"{path}.d/{dropin['name']}"] = ("file", 0o644, 0, 0, dropin["contents"].encode())
        if "enabled" in unit:
            presets.append(f"{'enable' if unit['enabled'] else 'disable'} {unit['name']}\n".encode())
    if presets:
        tree["/etc/systemd/system-preset/20-ignition.preset"] = ("file", 0o644, 0, 0, b"".join(sorted(presets)))


def _owner(node: dict[str, Any]) -> tuple[int, int]:
    return node.get("user", {}).get("id", 0), node.get("group", {}).get("id", 0)
