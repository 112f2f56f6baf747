"""Requests that `netwright verify` refuses before any work: an OUT that is none, a picture too large to draw."""

import os
from pathlib import Path

import pytest

from netwright.commands.verify_request import Refusal, check_out, check_picture
from tests.netwright import TOPOLOGY, netwright


def _make_manifest(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")


def _refusal(out: Path) -> str:
    with pytest.raises(Refusal) as refused:
        check_out(str(out), ["a", "b", "c"])
    return str(refused.value).removeprefix(str(out))


def test_out_with_all_nodes_is_fine(tmp_path: Path) -> None:
    for name in "abc":
        _make_manifest(tmp_path / name)

    check_out(str(tmp_path), ["a", "b", "c"])


@pytest.mark.parametrize("ending", ["", "/", "/."])
def test_out_that_is_a_link_is_refused_as_generate_does(tmp_path: Path, ending: str) -> None:
    for name in "abc":
        _make_manifest(tmp_path / "real" / name)
    (tmp_path / "out").symlink_to("real")

    with pytest.raises(Refusal, match="is a symbolic link, and none is followed here; name the directory"):
        check_out(f"{tmp_path}/out{ending}", ["a", "b", "c"])


def test_out_that_does_not_exist_is_named_itself(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "out") == ": error: does not exist; run netwright generate first"


def test_out_that_is_a_file_or_a_pipe_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")

    refusals = {_refusal(tmp_path / name) for name in ("file", "pipe")}

    assert refusals == {": error: is no directory; name the one that netwright generate wrote"}


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("b", "a/manifest.json: error: is missing, and so is that of 1 other node; run netwright generate first"),
        ("", "a/manifest.json: error: is missing, and so is that of 2 other nodes; run netwright generate first"),
        ("ab", "c/manifest.json: error: is missing; run netwright generate first"),
    ],
)
def test_nodes_that_were_never_generated_are_counted(tmp_path: Path, there: str, said: str) -> None:
    for name in there:
        _make_manifest(tmp_path / name)

    assert _refusal(tmp_path) == f"/{said}"


def test_a_manifest_that_is_no_file_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "a/manifest.json").mkdir(parents=True)

    assert _refusal(tmp_path) == "/a/manifest.json: error: is no regular file; remove it, and run netwright generate"


def test_out_that_may_not_be_read_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")

    assert _refusal(tmp_path) == "/a/manifest.json: error: can't be read: Too many levels of symbolic links"


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        ("missing/reach.svg", "can't be written: there is no directory {folder}/missing; make it first"),
        ("folder.html", "can't be written: it is a directory; name a file"),
    ],
)
def test_a_picture_that_nobody_could_draw_is_refused(tmp_path: Path, picture: str, said: str) -> None:
    (tmp_path / "folder.html").mkdir()
    path = f"{tmp_path}/{picture}"

    with pytest.raises(Refusal) as refused:
        check_picture(path)

    assert str(refused.value) == f"{path}: error: {said.format(folder=tmp_path)}"


def test_a_picture_beside_the_topology_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    check_picture("reach.svg")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--against", ""), "--against names nothing; name a directory or a git revision"),
        (("--matrix-out", ""), "--matrix-out: an empty name is no picture by its name; "),
        (("--matrix", "--matrix-traffic", "tcp/0"), "write icmp, tcp/PORT or udp/PORT (1 to 65535), as tcp/443"),
    ],
    ids=["against", "picture", "port"],
)
def test_a_value_that_says_nothing_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)

    run = netwright("verify", *arguments, cwd=tmp_path)

    assert (run.status, run.stdout) == (2, "")
    assert said in run.stderr
