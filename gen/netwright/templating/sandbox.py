"""Templates of the user's, rendered in a child process that can neither run for long, nor grow, nor write files."""

import os
import pickle
import re
import resource
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import BaseLoader, DictLoader, Environment, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from netwright.files.system import hold_interrupt

SECONDS = 5.0
"""Time limit of one template."""
TOTAL_SECONDS = 60.0
FILE_SECONDS = 0.01
"""Time limit of all files of a process together: one for each of them, and one for the run."""
MEMORY = 256 * 1024 * 1024
"""Bytes the child may grow by."""
TEXT_LIMIT = 8 * 1024 * 1024
"""The longest text, in bytes, that a template may make."""
_LENGTH = struct.Struct("!Q")
_ADDRESS = re.compile(r"<[^<>\n]* at 0x[0-9a-f]+>")

TakeNotes = Callable[[], Sequence[str]]
"""The words noted since the last time; none has a space."""
MakeEnvironment = Callable[[type[Environment], BaseLoader], Environment]


class SandboxError(Exception):
    """A template failed; `template` and `line` are its place (line None: unknown)."""

    def __init__(self, message: str, *, template: str, line: int | None = None) -> None:
        super().__init__(message)
        self.template = template
        self.line = line


class Sandbox:
    """A child process that renders templates, started when the first one is asked for."""

    def __init__(
        self, sources: Mapping[str, str], make_environment: MakeEnvironment, take_notes: TakeNotes = tuple
    ) -> None:
        """`sources` are all templates by name; `make_environment` makes ours of a class and a loader; `take_notes` is
        asked there after each text what functions of ours noted."""
        self._sources = dict(sources)
        self._make_environment = make_environment
        self._take_notes = take_notes
        self._owner = 0
        self._child = 0
        self._files = 0
        self._spent = 0.0
        self._requests = self._answers = -1

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """The text that a template makes of the values; SandboxError if it makes none."""
        return self.render_noting(template, values)[0]

    def render_noting(self, template: str, values: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
        """The text, and what was noted as it was made."""
        if self._owner != os.getpid():
            self._start()
        request = pickle.dumps((template, dict(values)))
        self._files += 1
        total = TOTAL_SECONDS + FILE_SECONDS * self._files
        start = time.monotonic()
        try:
            _send(self._requests, request)
            failed, text, where, line, notes = _parse_answer(_receive(self._answers, SECONDS))
            self._spent += time.monotonic() - start
            if self._spent > total:
                raise SandboxError(f"takes longer than {total:g} seconds in {self._files} files", template=template)
        except TimeoutError:
            self.close()
            raise SandboxError(f"takes longer than {SECONDS:g} seconds", template=template) from None
        except (EOFError, BrokenPipeError, ValueError):
            self.close()
            raise SandboxError("needs too much memory or time", template=template) from None
        if failed:
            raise SandboxError(text, template=where or template, line=line)
        return text, notes

    def close(self) -> None:
        """End the child, if this process started it."""
        if self._owner != os.getpid():
            return
        os.close(self._requests)
        os.close(self._answers)
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        self._owner = 0

    def _start(self) -> None:
        requests_out, self._requests = os.pipe()
        self._answers, answers_in = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        with hold_interrupt():  # until the child ignores it
            child = os.fork()
            if child == 0:
                try:
                    os.close(self._requests)
                    os.close(self._answers)
                    self._serve(requests_out, answers_in)
                finally:
                    os._exit(1)
        os.close(requests_out)
        os.close(answers_in)
        self._owner, self._child = os.getpid(), child

    def _serve(self, requests: int, answers: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        environment = self._make_environment(ImmutableSandboxedEnvironment, DictLoader(self._sources))
        environment.globals["range"] = _short_range
        _limit()
        while True:
            template, values = pickle.loads(_receive(requests, None))  # noqa: S301 (from our own parent process)
            self._take_notes()  # of one that failed
            try:
                text = environment.get_template(template).render(values)
                if len(text) > TEXT_LIMIT:
                    raise MemoryError
                _refuse_addresses(text)
                _send(answers, _answer(failed=False, text=text, notes=self._take_notes()))
            except TemplateError as error:
                line = getattr(error, "lineno", None) or _line(error, template, self._sources)
                _send(answers, _answer(failed=True, text=error.message or "fails", where=template, line=line))
            except MemoryError:
                _send(answers, _answer(failed=True, text="needs too much memory", where=template))
            except Exception as error:
                text, line = f"{error}" or "fails", _line(error, template, self._sources)
                _send(answers, _answer(failed=True, text=text, where=template, line=line))


def _refuse_addresses(text: str) -> None:
    """Raise ValueError for the text that Python has for a function or generator, which differs from run to run."""
    if found := _ADDRESS.search(text):
        raise ValueError(f"prints {found[0][:60]}, which no two runs have alike; call it, or make a list of it")


def _short_range(*limits: int) -> range:
    numbers = range(*limits)
    if len(numbers) > 100_000:
        raise OverflowError("range is longer than 100000")
    return numbers


def _limit() -> None:
    with open("/proc/self/statm", encoding="ascii") as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _line(error: BaseException, template: str, sources: Mapping[str, str]) -> int | None:
    """The line of the template where the error arose: Jinja rewrites tracebacks to template lines."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in {"<template>", template} and template in sources:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _answer(*, failed: bool, text: str, where: str = "", line: int | None = None, notes: Sequence[str] = ()) -> bytes:
    head = f"{int(failed)}\n{where}\n{line if line is not None else ''}\n{' '.join(notes)}\n"
    return head.encode() + text.encode("utf-8", "replace")


def _parse_answer(answer: bytes) -> tuple[bool, str, str, int | None, tuple[str, ...]]:
    """Return the child's answer: failed, text, template, line, notes. Plain text: the child is not to be trusted."""
    failed, where, line, notes, text = answer.decode().split("\n", 4)
    return failed != "0", text, where, int(line) if line else None, tuple(notes.split())


def _send(descriptor: int, message: bytes) -> None:
    data = memoryview(_LENGTH.pack(len(message)) + message)
    while data:
        data = data[os.write(descriptor, data) :]


def _receive(descriptor: int, seconds: float | None) -> bytes:
    (length,) = _LENGTH.unpack(_read(descriptor, _LENGTH.size, seconds))
    if length > 2 * TEXT_LIMIT and seconds is not None:
        raise ValueError(length)
    return _read(descriptor, length, seconds)


def _read(descriptor: int, length: int, seconds: float | None) -> bytes:
    parts, missing = [], length
    while missing:
        if seconds is not None and not select.select([descriptor], [], [], seconds)[0]:
            raise TimeoutError
        part = os.read(descriptor, min(missing, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
