"""The same work on many nodes, split between forked processes where it pays."""

import contextlib
import gc
import itertools
import os
import pickle
import selectors
import signal
from collections.abc import Callable, Iterator, Sequence

from netwright.parallel.fault import OutputError, faults
from netwright.parallel.forking import Answer, Task, Work, await_end, describe_end, fork, raise_from_worker, receive

_DEAF = "can't hear from a process that shares the work"
FORK_FROM = 1000
"""Below so many nodes, starting a process costs more than it saves."""


def worker_count(tasks: int, asked: int | None) -> int:
    """Return how many processes share the work: as many as asked for, else one for each of up to four processors."""
    if asked is not None:
        return max(1, min(asked, tasks))
    return 1 if tasks < FORK_FROM else min(4, len(os.sched_getaffinity(0)))


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Leave reference cycles uncollected meanwhile: what a run allocates lives until its end."""
    enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


def share_out(
    tasks: Sequence[Task],
    work: Work[Task, Answer],
    *,
    workers: int,
    progress: Callable[[int], None] | None = None,
) -> list[Answer]:
    """The answers that `work` yields, in the order of the tasks, each with the number of tasks that it finished.

    `work` runs in `workers` processes, each with a contiguous slice of the tasks, and its answers are pickled; what it
    raises is raised here, with the worker's traceback as cause. `progress` hears how many tasks were finished. Raises
    OutputError if a worker dies.
    """
    if workers > 1:
        bounds = [len(tasks) * number // workers for number in range(workers + 1)]
        return _gather([tasks[start:end] for start, end in itertools.pairwise(bounds)], work, progress)
    answers = []
    for count, answer in work(tasks):
        answers.append(answer)
        if progress is not None:
            progress(count)
    return answers


def _gather(
    slices: list[Sequence[Task]],
    work: Work[Task, Answer],
    progress: Callable[[int], None] | None,
) -> list[Answer]:
    running: dict[int, int] = {}
    answers: list[list[Answer]] = [[] for _ in slices]
    finished: set[int] = set()
    with selectors.DefaultSelector() as ready:
        try:
            for number, tasks in enumerate(slices):
                with faults("netwright", "can't start a process to share the work"):
                    pid, fd = _start(tasks, work)
                    running[pid] = fd
                    ready.register(fd, selectors.EVENT_READ, number)
            for number, kind, content in _frames(ready):
                if kind == b"!":
                    raise_from_worker(content)
                if kind == b".":
                    finished.add(number)
                    continue
                count, answer = pickle.loads(content)  # noqa: S301 - from our own process
                answers[number].append(answer)
                if progress is not None:
                    progress(count)
        except BaseException:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
            raise
        finally:
            statuses = [_reap(pid, fd) for pid, fd in running.items()]
    for number, status in enumerate(statuses):
        if number not in finished or status != 0:
            raise OutputError(
                "netwright", f"a worker process ended before its work was done ({describe_end(status)}); run this again"
            )
    return [answer for batch in answers for answer in batch]


def _frames(ready: selectors.DefaultSelector) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield what the processes send, each with the number of its slice, until all of them have ended."""
    while ready.get_map():
        with faults("netwright", _DEAF):
            heard = ready.select()
        for key, _ in heard:
            with faults("netwright", _DEAF):
                frame = receive(key.fd)
            if frame is None:
                ready.unregister(key.fd)
            else:
                yield key.data, *frame


def _start(tasks: Sequence[Task], work: Work[Task, Answer]) -> tuple[int, int]:
    reading, writing = os.pipe()
    try:
        return fork(tasks, work, writing), reading
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)


def _reap(pid: int, fd: int) -> int:
    os.close(fd)
    return await_end(pid)
