"""A progress bar for people: only on a terminal, and only once a run takes longer than a second."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 1.0
"""Seconds after which a person wants to see something move."""


@contextmanager
def progress_bar(length: int, *, quiet: bool, what: str = "nodes") -> Iterator[Callable[[int], None]]:
    """A function to call with the number of nodes (or what else is counted) finished since its last call."""
    if quiet or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
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
            f"\r[{'#' * width}{'.' * (40 - width)}] {self._done}/{self._length} {self._what}",
            end="",
            file=sys.stderr,
            flush=True,
        )

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
