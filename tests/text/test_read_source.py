"""A topology's file is read, or it is said under the user's own name for it why not."""

import os
from pathlib import Path

import pytest

from netwright.text import load as load_module
from netwright.text.load import read_source


def write(directory: Path, content: bytes) -> str:
    path = directory / "topology.yaml"
    path.write_bytes(content)
    return str(path)


def titles(path: str) -> list[str]:
    source, report = read_source(path)
    assert source is None
    return [finding.title.removeprefix(os.path.dirname(path) + "/") for finding in report.findings()]


def test_the_text_comes_without_byte_order_mark_and_carriage_returns(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbfa: b\r\nc: d\r\n")

    source, report = read_source(path)

    assert source is not None
    assert (source.name, source.text, report.entries) == (path, "a: b\nc: d\n", ())


def test_a_missing_file_is_named_as_the_user_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    _, report = read_source("./typo.yaml")

    assert [finding.title for finding in report.findings()] == [
        "./typo.yaml: error: no such file; name the topology's file, or make one with `netwright init`"
    ]


def test_a_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.mkdir()

    assert titles(str(path)) == ["topology.yaml: error: is a directory; name the topology's file"]


def test_a_path_below_a_file_is_no_file(tmp_path: Path) -> None:
    path = write(tmp_path, b"a: b\n") + "/x.yaml"

    assert "no such file" in titles(path)[0]


def test_a_name_that_no_file_can_have_is_no_file() -> None:
    assert "no such file" in titles("a\0b")[0]


def test_a_loop_of_links_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.symlink_to("topology.yaml")

    assert titles(str(path)) == ["topology.yaml: error: can't be read: Too many levels of symbolic links"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused(tmp_path: Path, encoding: str) -> None:
    mark = b"" if encoding == "utf-16" else "\ufeff".encode(encoding)
    path = write(tmp_path, mark + "a: b\n".encode(encoding))

    assert titles(path) == ["topology.yaml: error: is UTF-16; save the file as UTF-8"]


def test_a_byte_that_is_not_utf_8_is_located(tmp_path: Path) -> None:
    path = write(tmp_path, "a: b\r\nñ: Zürich".encode() + b" \xe9\r\n")

    assert titles(path) == ["topology.yaml:2:11: error: byte 0xE9 is not UTF-8; save the file as UTF-8"]


def test_a_file_beyond_the_cap_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, b"")
    os.truncate(path, load_module.LARGEST_FILE + 1)

    assert titles(path) == ["topology.yaml: error: is larger than 64 MiB, the most that is read as one topology"]


def test_a_device_without_end_is_refused() -> None:
    source, report = read_source("/dev/zero")

    assert source is None
    assert [finding.diagnostic.rule for finding in report.findings()] == ["file_is_readable"]


def test_a_file_that_the_user_may_not_read_is_said_so(tmp_path: Path) -> None:
    """Root may read anything, so the reading happens in a child that gives up its rights."""
    path = write(tmp_path, b"a: b\n")
    for directory in (tmp_path, *tmp_path.parents[:3]):
        directory.chmod(directory.stat().st_mode | 0o011)
    os.chmod(path, 0)
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setuid(65534)
        os.write(sending, "\n".join(titles(path)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(sending)

    with os.fdopen(receiving) as said:
        assert said.read() == "topology.yaml: error: can't be read by this user (permission denied)"
