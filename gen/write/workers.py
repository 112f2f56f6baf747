"""The same work on many nodes, split between forked processes where it pays."""

import contextlib
import gc
import itertools
import os
import pickle
import selectors
import signal
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from gen.write.fault import OutputError, faults
from gen.write.system import die_with

FORK_FROM = 1000
"""Below so many nodes, starting a process costs more than it saves."""

_LENGTH = struct.Struct("=cQ")

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class WorkerError(Exception):
    """The traceback of a worker, as the cause of the exception that the worker raised."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def worker_count(tasks: int, asked: int | None) -> int:
    """How many processes share the work: as many as asked for, else one for each of up to four processors."""
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
    work: Callable[[Sequence[Task]], Iterator[tuple[int, Answer]]],
    *,
    workers: int,
    progress: Callable[[int], None] | None = None,
) -> list[Answer]:
    """The answers that `work` yields, in the order of the tasks, each beside the number of tasks that it finished.

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
    work: Callable[[Sequence[Task]], Iterator[tuple[int, Answer]]],
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
            while ready.get_map():
                for key, _ in ready.select():
                    with faults("netwright", "can't hear from a process that shares the work"):
                        frame = _receive(key.fd)
                    if frame is None:
                        ready.unregister(key.fd)
                        continue
                    kind, content = frame
                    if kind == b"!":
                        _raise(content)
                    if kind == b".":
                        finished.add(key.data)
                        continue
                    count, answer = pickle.loads(content)  # noqa: S301 - from our own process
                    answers[key.data].append(answer)
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
                "netwright", f"a worker process ended before its work was done ({_ending(status)}); run this again"
            )
    return [answer for batch in answers for answer in batch]


def _start(tasks: Sequence[Task], work: Callable[[Sequence[Task]], Iterator[tuple[int, Answer]]]) -> tuple[int, int]:
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die_with(parent)
        os.close(reading)
        status = _serve(tasks, work, writing)
    finally:
        os._exit(status)


def _serve(tasks: Sequence[Task], work: Callable[[Sequence[Task]], Iterator[tuple[int, Answer]]], fd: int) -> int:
    try:
        for finished in work(tasks):
            _send(fd, b"=", pickle.dumps(finished, protocol=5))
        _send(fd, b".", b"")
    except BaseException as error:
        _send(fd, b"!", _pack(error))
        return 1
    return 0


def _pack(error: BaseException) -> bytes:
    import traceback  # noqa: PLC0415 - only our own bugs need it

    text = "".join(traceback.format_exception(error))
    try:
        content = pickle.dumps((error, text))
        pickle.loads(content)  # noqa: S301 - some exceptions can be pickled but not read back
    except Exception:
        return pickle.dumps((RuntimeError(f"{type(error).__name__}: {error}"), text))
    return content


def _raise(content: bytes) -> None:
    error, text = pickle.loads(content)  # noqa: S301 - from our own process
    if isinstance(error, OutputError):
        raise error
    raise error from WorkerError(text)


def _send(fd: int, kind: bytes, content: bytes) -> None:
    left = memoryview(_LENGTH.pack(kind, len(content)) + content)
    while left:
        left = left[os.write(fd, left) :]


def _receive(fd: int) -> tuple[bytes, bytes] | None:
    """The next frame, None at the end of the stream or of a writer that died in the middle of one."""
    head = _read(fd, _LENGTH.size)
    if head is None:
        return None
    kind, length = _LENGTH.unpack(head)
    content = _read(fd, length)
    return None if content is None else (kind, content)


def _read(fd: int, length: int) -> bytes | None:
    chunks = []
    while length:
        chunk = os.read(fd, min(length, 1 << 20))
        if not chunk:
            return None
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


def _reap(pid: int, fd: int) -> int:
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _ending(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
