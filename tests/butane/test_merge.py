"""Fragments merged into a document."""

from pathlib import Path
from typing import Any

import pytest

from netwright.butane import (
    FilesDir,
    Fragment,
    compile_document,
    dump_butane,
    dump_ignition,
    load_fragment,
    merge_documents,
    transpile,
)
from netwright.text.report import Report, render_text
from netwright.text.source import Source

BASE: dict[str, Any] = {
    "variant": "flatcar",
    "version": "1.0.0",
    "storage": {"files": [{"path": "/etc/hostname", "mode": 0o644, "contents": {"inline": "master1\n"}}]},
    "systemd": {"units": [{"name": "netwright.service", "enabled": True}]},
}
GENERATED = Source(name="master1", text=None)


def _fragment(text: str, *, name: str = "a.bu", files_dir: Path | None = None, version: str = "1.0.0") -> Fragment:
    loaded = load_fragment(
        Source(name=name, text=text), version=version, local=None if files_dir is None else FilesDir(files_dir)
    )
    assert loaded.fragment is not None, render_text(loaded.report)
    return loaded.fragment


def _titles(report: Report) -> list[str]:
    return [finding.title for finding in report.findings()]


def test_lists_are_appended_in_the_order_of_the_fragments() -> None:
    one = _fragment("storage: {files: [{path: /a}], links: [{path: /l, target: a}]}\n")
    two = _fragment("storage: {files: [{path: /b}]}\npasswd: {users: [{name: core}]}\n", name="b.bu")

    merged = merge_documents(BASE, [one, two], base_source=GENERATED)

    assert merged.report == Report()
    assert [file["path"] for file in merged.document["storage"]["files"]] == ["/etc/hostname", "/a", "/b"]
    assert merged.document["storage"]["links"] == [{"path": "/l", "target": "a"}]
    assert merged.document["passwd"] == {"users": [{"name": "core"}]}
    assert len(BASE["storage"]["files"]) == 1


CONFLICTS = {
    "file": (
        "storage: {files: [{path: /x}]}", "storage: {files: [{path: /x}]}",
        "b.bu:1:19: error: storage.files[0]: /x is already defined at a.bu:1:19; keep one of them",
    ),
    "file-and-link": (
        "storage: {files: [{path: /x}]}", "storage: {links: [{path: /x, target: y}]}",
        "b.bu:1:19: error: storage.links[0]: /x is already defined at a.bu:1:19; keep one of them",
    ),
    "unit": (
        "systemd: {units: [{name: a.service}]}", "\nsystemd:\n  units:\n    - name: b.service\n    - name: a.service\n",
        "b.bu:5:7: error: systemd.units[1]: a.service is already defined at a.bu:1:19; keep one of them",
    ),
    "user": (
        "passwd: {users: [{name: core}]}", "passwd: {users: [{name: core}]}",
        "b.bu:1:18: error: passwd.users[0]: core is already defined at a.bu:1:18; keep one of them",
    ),
    "kernel-argument": (
        "kernel_arguments: {should_exist: [a]}", "kernel_arguments: {should_not_exist: [a]}",
        "b.bu:1:39: error: kernel_arguments.should_not_exist[0]: a is already defined at a.bu:1:35; keep one of them",
    ),
    "value": (
        "ignition: {timeouts: {http_total: 1}}", "ignition: {timeouts: {http_total: 2}}",
        "b.bu:1:35: error: ignition.timeouts.http_total: http_total has another value at a.bu:1:35; keep one of them",
    ),
    "generated": (
        "", "storage: {files: [{path: /etc/hostname}]}",
        ("b.bu:1:19: error: storage.files[0]: /etc/hostname is already defined at master1 (storage.files[0]); "
        "keep one of them"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("one", "two", "title"), CONFLICTS.values(), ids=CONFLICTS.keys())
def test_what_two_texts_define_is_told_with_both_places(one: str, two: str, title: str) -> None:
    fragments = [_fragment(one), _fragment(two, name="b.bu")]

    merged = merge_documents(BASE, fragments, base_source=GENERATED)

    assert _titles(merged.report) == [title]


def test_the_same_value_from_two_texts_is_no_conflict() -> None:
    text = "ignition: {timeouts: {http_total: 1}, config: {replace: {source: https://x}}}"

    merged = merge_documents(BASE, [_fragment(text), _fragment(text, name="b.bu")], base_source=GENERATED)

    assert merged.report == Report()
    assert merged.document["ignition"]["timeouts"] == {"http_total": 1}


def test_findings_of_the_merged_document_are_told_in_their_own_texts() -> None:
    one = _fragment("storage: {links: [{path: /l, target: a}]}\n")
    two = _fragment("storage: {files: [{path: /l/b}, {path: c}]}\n", name="b.bu")
    merged = merge_documents(BASE, [one, two], base_source=GENERATED)
    compiled = compile_document(merged.document)

    report = merged.attribute(compiled.diagnostics)

    assert _titles(report) == [
        (
            "b.bu:1:19: error: storage.files[0]: the file /l/b lies below the link /l; "
            "use the link's target as its path; see a.bu:1:19"
        ),
        "b.bu:1:40: error: storage.files[1].path: c is not absolute; begin it with /",
    ]


def test_local_files_are_embedded_so_that_the_merged_text_needs_none(tmp_path: Path) -> None:
    (tmp_path / "tree" / "bin").mkdir(parents=True)
    (tmp_path / "tree" / "bin" / "run").write_text("#!/bin/sh\n")
    (tmp_path / "tree" / "bin" / "run").chmod(0o755)
    (tmp_path / "tree" / "bin" / "data").write_bytes(b"\xff\x00")
    (tmp_path / "tree" / "link").symlink_to("bin")
    (tmp_path / "unit").write_text("[Service]\nExecStart=/opt/bin/run\n")
    (tmp_path / "keys").write_text("ssh-ed25519 AAAA one\nssh-ed25519 AAAA two\n")
    text = (
        "variant: flatcar\nversion: 1.1.0\n"
        "storage: {trees: [{local: tree, path: /opt}], files: [{path: /k, contents: {local: keys}}]}\n"
        "passwd: {users: [{name: core, ssh_authorized_keys_local: [keys]}]}\n"
        "systemd: {units: [{name: a.service, contents_local: unit,"
        " dropins: [{name: b.conf, contents_local: unit}]}]}\n"
    )
    base = {**BASE, "version": "1.1.0"}
    alone = transpile(Source(name="a.bu", text=text), files_dir=tmp_path)

    fragment = _fragment(text, files_dir=tmp_path, version="1.1.0")
    merged = merge_documents(base, [fragment], base_source=GENERATED)
    compiled = compile_document(merged.document)
    again = transpile(Source(name="master1.bu", text=dump_butane(merged.document)))
    embedded = compile_document({"variant": "flatcar", "version": "1.1.0", **fragment.document})

    assert "local" not in dump_butane(merged.document)
    assert compiled.ignition is not None
    assert again.ignition == dump_ignition(compiled.ignition)
    assert embedded.ignition is not None
    assert alone.ignition == dump_ignition(embedded.ignition)


def test_findings_about_a_trees_files_are_told_at_the_tree(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hostname").write_text("other")
    fragment = _fragment("storage:\n  trees:\n    - local: .\n", files_dir=tmp_path)

    merged = merge_documents(BASE, [fragment], base_source=GENERATED)

    assert _titles(merged.report) == [
        (
            "a.bu:3:7: error: storage.trees[0]: /etc/hostname is already defined at master1 (storage.files[0]); "
            "keep one of them"
        )
    ]


REFUSED = {
    "unknown-key": ("storage: {file: []}", "a.bu:1:11: error: storage.file: the key file is unknown in version 1.0.0"),
    "other-variant": ("variant: fcos", "a.bu:1:10: error: variant: the variant fcos is not supported"),
    "newer-version": ("version: 1.1.0", "a.bu:1:10: error: version: the fragment needs version 1.1.0"),
    "unknown-version": ("version: 1.9.0", "a.bu:1:10: error: version: version 1.9.0 of variant flatcar"),
    "wrong-type": ("storage: []", "a.bu:1:10: error: storage: [] is a list"),
    "not-yaml": ("storage: [", "a.bu:1:1: error: the text is not YAML"),
    "list": ("- a", "a.bu:1:1: error: the document is not a mapping"),
    "outside": (
        "storage: {files: [{path: /a, contents: {local: ../a}}]}",
        "a.bu:1:48: error: storage.files[0].contents.local: ../a lies outside the files directory",
    ),
}


@pytest.mark.parametrize(("text", "start"), REFUSED.values(), ids=REFUSED.keys())
def test_a_broken_fragment_is_told_where_it_breaks(text: str, start: str, tmp_path: Path) -> None:
    loaded = load_fragment(Source(name="a.bu", text=text), version="1.0.0", local=FilesDir(tmp_path))

    assert loaded.fragment is None
    assert [title[: len(start)] for title in _titles(loaded.report)] == [start]


def test_an_older_fragment_fits_a_newer_document() -> None:
    assert _fragment("variant: flatcar\nversion: 1.0.0\n", version="1.1.0").document == {}


def test_an_empty_fragment_adds_nothing() -> None:
    assert merge_documents(BASE, [_fragment("# nothing yet\n")], base_source=GENERATED).document == BASE
