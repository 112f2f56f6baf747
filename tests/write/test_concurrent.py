"""Only one run at a time works on OUT, and whoever reads meanwhile sees a whole tree."""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netwright.files.artifact import NodeTree
from netwright.write import compare, generate
from tests.write.trees import Files, building, messages, node_tree, snapshot, write

NODES = ("lb1", "lb2")
BUSY = "error: another netwright is at work in this directory; run this again when it has finished"


@contextmanager
def locked(folder: Path, kind: int) -> Iterator[None]:
    """A directory locked as another run locks it."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, kind)
        yield
    finally:
        os.close(fd)


@pytest.mark.parametrize("in_place", [False, True], ids=["exchanged", "in-place"])
def test_second_run_is_refused_and_changes_nothing(tmp_path: Path, in_place: bool) -> None:
    out = tmp_path / "home/out"
    write(out)
    before = snapshot(out.parent)

    with locked(out.parent, fcntl.LOCK_EX):
        outcome = generate(out, NODES, building({"lb1": "two"}), fingerprint="2", in_place=in_place)

    assert messages(outcome.report) == [f"{out}: {BUSY}"]
    assert snapshot(out.parent) == before


def test_run_that_starts_in_the_middle_of_another_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "home/out"
    refused: list[str] = []

    def build(node: str) -> NodeTree:
        refused.extend(messages(generate(out, NODES, building(), fingerprint="2").report))
        return node_tree(node)

    outcome = generate(out, ("lb1",), build, fingerprint="1")

    assert refused == [f"{out}: {BUSY}"]
    assert outcome.written == 5


def test_readers_share_and_exclude_writers(tmp_path: Path) -> None:
    out = tmp_path / "home/out"
    write(out)

    with locked(out.parent, fcntl.LOCK_SH):
        comparison = compare(out, NODES, building())
        outcome = generate(out, NODES, building(), fingerprint="2")
    with locked(out.parent, fcntl.LOCK_EX):
        excluded = compare(out, NODES, building())

    assert messages(comparison.report) == []
    assert messages(outcome.report) == [f"{out}: {BUSY}"]
    assert messages(excluded.report) == [f"{out}: {BUSY}"]


def test_lock_ends_with_the_run_and_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "home/out"

    write(out)

    with locked(out.parent, fcntl.LOCK_EX | fcntl.LOCK_NB):
        assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_lock_ends_with_the_run_even_if_a_process_that_was_forked_lives_on(tmp_path: Path) -> None:
    children: list[int] = []

    def build(node: str) -> NodeTree:
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
        return node_tree(node)

    generate(tmp_path / "out", ("lb1",), build, fingerprint="1")

    again = generate(tmp_path / "out", ("lb1",), building(), fingerprint="2")
    os.kill(children[0], signal.SIGKILL)
    os.waitpid(children[0], 0)
    assert messages(again.report) == []


@pytest.mark.parametrize(
    ("nodes", "texts"),
    [(NODES, {"lb1": "two", "lb2": "two"}), (NODES, {"lb2": "two"}), (("lb2", "lb3"), {})],
    ids=["all-change", "one-changes", "one-goes-one-comes"],
)
def test_reader_sees_the_old_tree_until_the_end(tmp_path: Path, nodes: tuple[str, ...], texts: dict[str, str]) -> None:
    out = tmp_path / "home/out"
    write(out)
    old = snapshot(out)
    seen: list[Files] = []

    def watch(build: Callable[[str], NodeTree]) -> Callable[[str], NodeTree]:
        def look(node: str) -> NodeTree:
            seen.append(snapshot(out))
            return build(node)

        return look

    generate(out, nodes, watch(building(texts)), fingerprint="2", progress=lambda _: seen.append(snapshot(out)))

    assert seen == [old] * len(seen)
    assert len(seen) >= 3
    assert snapshot(out) != old


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    out = tmp_path / "home/out"
    write(out)
    for left in (out.parent / ".out.netwright-staging", out / ".netwright-staging"):
        (left / "lb1/rootfs").mkdir(parents=True)
        (left / "lb1/rootfs/x").write_text("half")
        (left / "link").symlink_to(tmp_path)

    outcome = write(out)

    assert outcome.written == 0
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert sorted(path.name for path in out.iterdir()) == ["lb1", "lb2"]
    assert tmp_path.exists()


def test_staging_name_taken_by_a_link_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "home/out"
    write(out)
    (out.parent / ".out.netwright-staging").symlink_to(tmp_path)

    outcome = generate(out, NODES, building({"lb1": "two"}), fingerprint="2")

    assert outcome.report.errors == 1
    assert "can't be cleared of what an interrupted run left" in messages(outcome.report)[0]
