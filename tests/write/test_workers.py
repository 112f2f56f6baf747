"""Work that is shared between processes answers as one process would, or fails loudly."""

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from netwright.files.artifact import NodeTree
from netwright.parallel.workers import share_out, worker_count
from netwright.write import generate
from tests.write.trees import messages, node_tree, snapshot, write


def double(tasks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Twice each task, one by one."""
    for task in tasks:
        yield 1, 2 * task


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_answers_keep_the_order_of_the_tasks(workers: int) -> None:
    heard: list[int] = []

    answers = share_out(range(11), double, workers=workers, progress=heard.append)

    assert answers == [2 * task for task in range(11)]
    assert sum(heard) == 11


def test_answers_longer_than_a_pipe_arrive() -> None:
    def long(tasks: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for task in tasks:
            yield 1, bytes([task]) * 3_000_000

    assert share_out((1, 2), long, workers=2) == [b"\1" * 3_000_000, b"\2" * 3_000_000]


@pytest.mark.parametrize(
    ("tasks", "asked", "count"), [(5, None, 1), (5, 2, 2), (1, 4, 1), (0, 4, 1), (5, 0, 1)], ids=str
)
def test_few_tasks_are_not_shared_unless_asked(tasks: int, asked: int | None, count: int) -> None:
    assert worker_count(tasks, asked) == count


class PickyError(Exception):
    """An exception that can be pickled and not read back."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} {other}")


@pytest.mark.parametrize("workers", [1, 2])
def test_exception_of_build_reaches_the_caller_with_its_traceback(tmp_path: Path, workers: int) -> None:
    def build(node: str) -> NodeTree:
        if node == "lb2":
            raise KeyError("a bug in a target")
        return node_tree(node)

    with pytest.raises(KeyError, match="a bug in a target") as caught:
        generate(tmp_path / "out", ("lb1", "lb2"), build, fingerprint="", workers=workers)

    shown = "".join(traceback.format_exception(caught.value))
    assert 'raise KeyError("a bug in a target")' in shown
    assert list(tmp_path.iterdir()) == []


def test_exception_that_cannot_travel_is_told_in_words(tmp_path: Path) -> None:
    def build(node: str) -> NodeTree:
        raise PickyError(1, 2)

    with pytest.raises(RuntimeError, match="PickyError: 1 2"):
        generate(tmp_path / "out", ("lb1", "lb2"), build, fingerprint="", workers=2)


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed by SIGKILL"),
        (lambda: os._exit(0), "exit status 0"),
        (lambda: os._exit(3), "exit status 3"),
    ],
    ids=["killed", "exit-0", "exit-3"],
)
def test_worker_that_dies_is_an_error_and_leaves_no_trace(tmp_path: Path, end: Callable[[], None], ending: str) -> None:
    write(tmp_path / "home/out", ("lb1", "lb2"))
    before = snapshot(tmp_path / "home")

    def build(node: str) -> NodeTree:
        if node == "lb2":
            end()
        return node_tree(node, "two")

    outcome = generate(tmp_path / "home/out", ("lb1", "lb2"), build, fingerprint="", workers=2)

    assert messages(outcome.report) == [
        f"netwright: error: a worker process ended before its work was done ({ending}); run this again"
    ]
    assert snapshot(tmp_path / "home") == before


def test_bug_in_one_worker_ends_the_others_at_once(tmp_path: Path) -> None:
    def build(node: str) -> NodeTree:
        if node == "lb1":
            raise KeyError("a bug in a target")
        time.sleep(3)
        (tmp_path / "went on").touch()
        return node_tree(node)

    with pytest.raises(KeyError):
        generate(tmp_path / "out", ("lb1", "lb2"), build, fingerprint="", workers=2)

    assert list(tmp_path.iterdir()) == []


def test_workers_of_a_killed_run_do_not_go_on_without_it(tmp_path: Path) -> None:
    def build(node: str) -> NodeTree:
        (tmp_path / f"started-{node}").touch()
        signal.alarm(60)
        signal.pause()
        return node_tree(node)

    run = os.fork()
    if run == 0:
        generate(tmp_path / "home/out", ("lb1", "lb2"), build, fingerprint="", workers=2)
        os._exit(0)
    while len(list(tmp_path.glob("started-*"))) < 2:
        time.sleep(0.01)
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)

    deadline = time.monotonic() + 30
    while (outcome := generate(tmp_path / "home/out", ("lb1",), node_tree, fingerprint="")).report.errors:
        assert time.monotonic() < deadline, messages(outcome.report)
        time.sleep(0.01)
    assert outcome.written == 5
