"""Local files: what is read, and what never is."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from netwright.butane import Budget, FilesDir, GivenFiles, LocalFileError, compile_document, transpile
from netwright.butane.local import DEEPEST_FOLDER, TreeFile, TreeLink
from netwright.text.source import Source


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A files directory, beside a secret that must never be read."""
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "files"
    (root / "sub").mkdir(parents=True)
    (root / "a").write_bytes(b"A\xff")
    (root / "sub" / "b").write_text("B")
    (root / "out").symlink_to("../secret")
    (root / "in").symlink_to("a")
    (root / "up").symlink_to("..")
    (root / "down").symlink_to("sub")
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize("name", ["a", "./a", "sub/../a", "//a", "/a"])
def test_a_file_is_read_however_its_way_is_written(files: Path, name: str) -> None:
    assert FilesDir(files).read(name) == b"A\xff"


REFUSED = {
    "parent": ("../secret", "../secret lies outside the files directory"),
    "parent-behind-a-directory": ("sub/../../secret", "lies outside the files directory"),
    "link-out": ("out", "out leads through the symbolic link out; name the file itself"),
    "link-within": ("in", "in leads through the symbolic link in"),
    "directory-link-out": ("up/secret", "up/secret leads through the symbolic link up"),
    "directory-link-within": ("down/b", "down/b leads through the symbolic link down"),
    "pipe": ("pipe", "pipe is not a regular file"),
    "directory": ("sub", "sub is not a regular file"),
    "root": (".", ". is a directory"),
    "missing": ("c", "c can't be read: No such file or directory"),
    "below-a-file": ("a/b", "a/b can't be read: Not a directory"),
    "null": ("a\0", "can't be read"),
    "too-long": ("a" * 5000, "can't be read"),
}


@pytest.mark.parametrize(("name", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_regular_file_beneath_the_directory_is_refused(files: Path, name: str, words: str) -> None:
    with pytest.raises(LocalFileError) as error:
        FilesDir(files).read(name)

    assert words in str(error.value)


def test_a_device_is_refused_without_opening_it_for_long() -> None:
    with pytest.raises(LocalFileError, match="zero is not a regular file"):
        FilesDir(Path("/dev")).read("zero")


def test_a_files_directory_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match="the files directory can't be opened: No such file or directory"):
        FilesDir(tmp_path / "none").read("a")


def test_a_tree_is_walked_in_lexical_order(files: Path) -> None:
    (files / "sub" / "b").chmod(0o711)
    (files / "sub-first").write_text("C")

    entries = list(FilesDir(files).walk("."))

    kinds = [entry.path if isinstance(entry, TreeFile | TreeLink) else str(entry) for entry in entries]
    assert kinds == [
        "a", "down", "in", "out",
        "pipe is neither a file, a directory nor a symbolic link; remove it",
        "sub/b", "sub-first", "up",
    ]  # fmt: skip
    assert entries[2] == TreeLink(path="in", target="a")
    assert entries[5] == TreeFile(path="sub/b", contents=b"B", executable=True)


def test_a_tree_behind_a_link_is_refused(files: Path) -> None:
    with pytest.raises(LocalFileError, match="up leads through the symbolic link up"):
        list(FilesDir(files).walk("up"))


def _with_trees(root: Path, storage: dict[str, Any]) -> tuple[Any, list[str]]:
    document = {"variant": "flatcar", "version": "1.0.0", "storage": storage}
    compiled = compile_document(document, local=FilesDir(root))
    return compiled.ignition, [diagnostic.message for diagnostic in compiled.diagnostics]


def test_trees_fill_files_and_links_that_leave_contents_out(files: Path) -> None:
    ignition, findings = _with_trees(
        files,
        {
            "trees": [{"local": "sub", "path": "/opt"}],
            "files": [{"path": "/opt/b", "mode": 0o600, "overwrite": True, "user": {"id": 1}}],
        },
    )

    assert findings == []
    assert json.dumps(ignition["storage"]["files"]) == json.dumps(
        [
            {
                "overwrite": True,
                "path": "/opt/b",
                "user": {"id": 1},
                "contents": {"compression": "", "source": "data:,B"},
                "mode": 0o600,
            }
        ]
    )


CONFLICTS = {
    "contents": ({"files": [{"path": "/b", "contents": {"inline": "x"}}]}, "/b already has contents or a target"),
    "link": ({"links": [{"path": "/b", "target": "x"}]}, "/b is something else in storage"),
    "directory": ({"directories": [{"path": "/b"}]}, "/b is something else in storage"),
    "other-tree": ({"trees": [{"local": "sub"}, {"local": "sub"}]}, "/b already has contents or a target"),
}


@pytest.mark.parametrize(("storage", "words"), CONFLICTS.values(), ids=CONFLICTS.keys())
def test_trees_do_not_replace_what_is_written(files: Path, storage: dict[str, Any], words: str) -> None:
    ignition, [message] = _with_trees(files, {"trees": [{"local": "sub"}], **storage})

    assert ignition is None
    assert words in message


def test_a_tree_needs_an_absolute_path(files: Path) -> None:
    ignition, messages = _with_trees(files, {"trees": [{"local": "sub", "path": "opt"}]})

    assert ignition is None
    assert messages == ["opt/b is not absolute; begin it with /"]


def test_keys_of_users_come_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"one\r\n\ntwo\n")
    text = (
        "variant: flatcar\nversion: 1.1.0\npasswd:\n  users:\n    - name: core\n"
        "      ssh_authorized_keys: [zero]\n      ssh_authorized_keys_local: [keys]\n"
    )

    result = transpile(Source(name="a.bu", text=text), files_dir=tmp_path)

    assert result.ignition is not None
    assert json.loads(result.ignition)["passwd"]["users"] == [
        {"name": "core", "sshAuthorizedKeys": ["zero", "one", "two"]}
    ]


def test_given_files_are_read_without_a_disk() -> None:
    given = GivenFiles({"etc/a": b"1", "etc/b/c": b"2", "usr/d": b"3"})

    assert given.read("etc/a") == b"1"
    assert [entry.path for entry in given.walk("etc") if isinstance(entry, TreeFile)] == ["a", "b/c"]
    with pytest.raises(LocalFileError, match="etc/z is not among the files"):
        given.read("etc/z")


MIB = 1024 * 1024


def _sparse(file: Path, size: int) -> None:
    with file.open("wb") as stream:
        stream.truncate(size)


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    _sparse(tmp_path / "fits", 8 * MIB)
    _sparse(tmp_path / "large", 8 * MIB + 1)
    _sparse(tmp_path / "huge", 20 * 1024 * MIB)

    assert len(FilesDir(tmp_path).read("fits")) == 8 * MIB
    for name in ("large", "huge"):
        with pytest.raises(LocalFileError, match=f"{name} is larger than 8 MiB"):
            FilesDir(tmp_path).read(name)


def test_an_endless_file_is_refused() -> None:
    with pytest.raises(LocalFileError, match=r"larger than|can't be read"):
        FilesDir(Path("/proc/self")).read("pagemap")


def test_files_of_a_document_have_a_size_together(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "e"):
        _sparse(tmp_path / name, 8 * MIB)
    local = FilesDir(tmp_path)

    *entries, last = local.walk(".")

    assert [type(entry) for entry in entries] == [TreeFile] * 4
    assert str(last) == "e makes the local files larger than 32 MiB together"


def test_a_budget_can_be_raised(tmp_path: Path) -> None:
    _sparse(tmp_path / "large", 9 * MIB)

    assert len(FilesDir(tmp_path, Budget(64)).read("large")) == 9 * MIB


PRIVATE = (".git/config", "sub/.git/config", ".GIT/config", ".hg/hgrc", ".svn/entries", ".jj/repo", ".git")


@pytest.mark.parametrize("name", PRIVATE)
def test_what_belongs_to_version_control_is_not_read(files: Path, name: str) -> None:
    (files / name).parent.mkdir(exist_ok=True)
    (files / name).write_text("token")

    with pytest.raises(LocalFileError, match="belongs to version control"):
        FilesDir(files).read(name)
    with pytest.raises(LocalFileError, match="belongs to version control"):
        list(FilesDir(files).walk(name))


def test_a_tree_with_a_repository_is_told(files: Path) -> None:
    (files / "sub/.git").mkdir()
    (files / "sub/.git/config").write_text("token")

    repository, file = FilesDir(files).walk("sub")

    assert str(repository).startswith(".git belongs to version control (.git, .hg, .jj, .svn), which may hold secrets")
    assert isinstance(file, TreeFile)


class Secrets:
    """Withholds every b, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Sequence[str]]] = []

    def reasons(self, folder: str, names: Sequence[str]) -> Mapping[str, str]:
        self.asked.append((folder, names))
        return {name: "is a secret" for name in names if name == "b"}


def test_what_is_withheld_is_not_read(files: Path) -> None:
    secrets = Secrets()
    local = FilesDir(files, withheld=secrets)

    with pytest.raises(LocalFileError, match=r"sub/b is a secret"):
        local.read("sub/b")
    assert [str(entry) for entry in local.walk("./sub/../sub")] == ["b is a secret"]
    assert secrets.asked == [("sub", ("b",)), ("", ("sub",)), ("sub", ["b"])]


def test_deep_folders_are_refused(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(DEEPEST_FOLDER + 2):
        folder /= "a"
        folder.mkdir()

    entries = list(FilesDir(tmp_path).walk("."))

    assert [str(entry) for entry in entries] == ["a/a/a has more than 100 folders inside each other; remove some"]
