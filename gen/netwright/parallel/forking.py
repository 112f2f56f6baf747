"""A forked process that works on tasks and writes its answers, pickled, into a file descriptor."""

import os
import pickle
import signal
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from netwright.files.system import die_with, hold_interrupt
from netwright.parallel.fault import OutputError

_LENGTH = struct.Struct("=cQ")

Task = TypeVar("Task")
Answer = TypeVar("Answer")
Work: TypeAlias = Callable[[Sequence[Task]], Iterator[tuple[int, Answer]]]
"""Yields answers, each with the number of tasks that it finished."""


class WorkerError(Exception):
    """The traceback of a worker, as the cause of the exception that the worker raised."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def fork(tasks: Sequence[Task], work: Work[Task, Answer], fd: int) -> int:
    """The process that does the work and writes its answers into `fd`."""
    parent = os.getpid()
    with hold_interrupt():
        pid = os.fork()
        if not pid:
            _reset_handlers()
    if pid:
        return pid
    status = 1
    try:
        die_with(parent)
        status = _serve(tasks, work, fd)
    finally:
        os._exit(status)


def _reset_handlers() -> None:
    """Let signals end the process, as far as they are not ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _serve(tasks: Sequence[Task], work: Work[Task, Answer], fd: int) -> int:
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


def raise_from_worker(content: bytes) -> None:
    """Raises what the worker raised."""
    error, text = pickle.loads(content)  # noqa: S301 - from our own process
    if isinstance(error, OutputError):
        raise error
    raise error from WorkerError(text)


def _send(fd: int, kind: bytes, content: bytes) -> None:
    left = memoryview(_LENGTH.pack(kind, len(content)) + content)
    while left:
        left = left[os.write(fd, left) :]


def receive(fd: int) -> tuple[bytes, bytes] | None:
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


def await_end(pid: int) -> int:
    """Return how the process ended: its exit status, or a signal's number below zero."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def describe_end(status: int) -> str:
    """The same in words."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
