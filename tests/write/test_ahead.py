"""Work that another process does ahead is there when it is asked for, or fails loudly."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from netwright.parallel.ahead import Ahead
from netwright.parallel.fault import OutputError
from tests.children import await_ends, children
from tests.write.test_workers import PickyError, double


def test_answers_come_in_the_order_of_the_tasks() -> None:
    with closing(Ahead(range(11), double)) as ahead:
        assert ahead.collect() == [2 * task for task in range(11)]


def test_answers_longer_than_a_pipe_wait_in_memory() -> None:
    def long(tasks: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for task in tasks:
            yield 1, bytes([task]) * 3_000_000

    before = children()
    with closing(Ahead((1, 2), long)) as ahead:
        await_ends(children() - before)

        assert ahead.collect() == [b"\1" * 3_000_000, b"\2" * 3_000_000]


def test_exception_is_raised_where_answers_are_collected() -> None:
    def fail(tasks: Sequence[int]) -> Iterator[tuple[int, int]]:
        yield 1, 1
        raise PickyError(len(tasks), 2)

    with closing(Ahead((1, 2, 3), fail)) as ahead, pytest.raises(RuntimeError, match="PickyError: 3 2"):
        ahead.collect()


def test_process_that_dies_is_an_error() -> None:
    def die(tasks: Sequence[int]) -> Iterator[tuple[int, int]]:
        yield 1, tasks[0]
        os.kill(os.getpid(), signal.SIGKILL)

    with closing(Ahead((1,), die)) as ahead, pytest.raises(OutputError) as caught:
        ahead.collect()

    assert caught.value.message.startswith("a process ended before its work was done (killed by SIGKILL)")


def test_process_that_nobody_needs_is_ended() -> None:
    def wait(tasks: Sequence[int]) -> Iterator[tuple[int, int]]:
        signal.pause()
        yield 1, tasks[0]

    before = set(os.listdir("/proc/self/fd")), children()

    Ahead((1,), wait).close()

    assert (set(os.listdir("/proc/self/fd")), children()) == before
