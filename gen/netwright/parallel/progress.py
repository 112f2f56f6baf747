"""Progress for people: only on a terminal, and only once a run takes longer than a second."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

PATIENCE = 1.0
"""Seconds after which a person wants to see something move."""

_WIDTH = 70
"""Longest progress text; a longer one might fill more than one line, which could not be cleared."""


@contextmanager
def progress_bar(length: int, *, quiet: bool, what: str = "nodes") -> Iterator[Callable[[int], None]]:
    """A function to call with the number of nodes (or what else is counted) finished since its last call."""
    if quiet or not _is_shown():
        yield lambda _done: None
        return
    bar = _LateBar(length, what)
    try:
        yield bar.advance
    finally:
        bar.clear()


class _LateBar:
    def __init__(self, length: int, what: str) -> None:
        self._length, self._done, self._what = length, 0, what
        self._start = time.monotonic()
        self._shown = 0.0

    def advance(self, done: int) -> None:
        self._done += done
        now = time.monotonic()
        if now - self._start < PATIENCE or now - self._shown < 0.1:
            return
        self._shown = now
        width = 40 * self._done // max(self._length, 1)
        print(
            f"\r[{'#' * width}{'.' * (40 - width)}] {self._done}/{self._length} {self._what}\x1b[K",
            end="",
            file=sys.stderr,
            flush=True,
        )

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def progress_stages(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function to call with what is being done next, where it is unknown how far it is; "" clears the line.

    A timer shows it, as what takes long does not come by here.
    """
    if quiet or not _is_shown():
        yield lambda _what: None
        return
    stages = _Stages()
    before = signal.signal(signal.SIGALRM, stages.show_from_now)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield stages.enter
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        stages.enter("")


class _Stages:
    def __init__(self) -> None:
        self._what, self._is_due, self._is_shown = "", False, False

    def enter(self, what: str) -> None:
        self._what = what[:_WIDTH]
        if self._is_due:
            self._show()

    def show_from_now(self, _signal: int, _frame: FrameType | None) -> None:
        self._is_due = True
        self._show()

    def _show(self) -> None:
        """Past the stream: the signal may come while something is written to it."""
        if self._what or self._is_shown:
            shown = f"{self._what} ..." if self._what else ""
            with suppress(OSError):  # a terminal that is gone is no reason to stop
                os.write(sys.stderr.fileno(), f"\r\x1b[K{shown}".encode())
        self._is_shown = bool(self._what)


def _is_shown() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
