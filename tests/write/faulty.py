"""Runs of generate into which strace injects a fault.

As a program it is the runner: it has everything imported, and forks for each line that it reads a process that stops
itself, to be traced from its first system call on.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from netwright.write import generate
from tests.write.trees import building

SCENARIOS = {
    "fresh": (1, ("lb1", "lb2"), {}),
    "one-node": (1, ("lb1", "lb2", "lb3"), {"lb2": "two"}),
    "several-nodes": (2, ("lb1", "lb2", "lb4"), {"lb2": "two"}),
    "unchanged": (1, ("lb1", "lb2", "lb3"), {}),
}
"""The number of workers, the nodes, and their texts, for an OUT that has lb1 to lb3."""


TRACEBACK = 3
"""The exit status of a run that raised something."""


class Run(Struct, frozen=True, kw_only=True):
    """One run: the scenario, where OUT is, and whether it is written in place."""

    scenario: str
    out: Path
    in_place: bool = False

    def generate(self) -> int:
        """The exit status of the run, as the command would have it."""
        workers, nodes, texts = SCENARIOS[self.scenario]
        outcome = generate(
            self.out, nodes, building(texts), fingerprint=self.scenario, workers=workers, in_place=self.in_place
        )
        return 2 if outcome.report.errors else 0


class Runner:
    """A process that forks runs, each stopped before its first step."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.write.faulty"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.process.communicate()

    def run(self, run: Run, strace: list[str]) -> int:
        """The exit status of a run under strace with some options; negative for the signal that ended it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(run.scenario, run.out, run.in_place, sep="\t", file=self.process.stdin, flush=True)
        pid = int(self.process.stdout.readline())
        _wait_for(pid, "State:\tT")
        with subprocess.Popen(
            ["strace", "-f", "-qq", "-p", str(pid), *strace], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as tracer:
            _wait_for(pid, f"TracerPid:\t{tracer.pid}")
            os.kill(pid, signal.SIGCONT)
            return int(self.process.stdout.readline())

    def trace(self, run: Run, log: Path, calls: str) -> list[tuple[str, str]]:
        """Some system calls of a run, in order, with their arguments."""
        self.run(run, ["-o", str(log), "-e", f"trace={calls}"])
        lines = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
        return [(line.split("(")[0], line) for line in lines if "(" in line and not line.startswith(("<", "+", "-"))]

    def count_calls(self, run: Run, log: Path) -> dict[str, int]:
        """Return how often the busiest process of a run makes each system call that has to do with files."""
        self.run(run, ["-o", str(log), "-e", "trace=file,desc"])
        lines = [line.split(maxsplit=1) for line in log.read_text().splitlines() if "(" in line]
        counts = Counter((pid, rest.split("(")[0]) for pid, rest in lines if not rest.startswith(("<", "+", "-")))
        return {call: max(n for (_, other), n in counts.items() if other == call) for _, call in counts}


def _wait_for(pid: int, line: str) -> None:
    while f"{line}" not in Path(f"/proc/{pid}/status").read_text():
        time.sleep(0.0005)


def serve() -> None:
    """Fork a stopped run for each line of standard input; print its process id, and at its end its status."""
    for line in sys.stdin:
        scenario, out, in_place = line.rstrip("\n").split("\t")
        pid = os.fork()
        if pid == 0:
            status = TRACEBACK
            try:
                os.kill(os.getpid(), signal.SIGSTOP)
                status = Run(scenario=scenario, out=Path(out), in_place=in_place == "True").generate()
            finally:
                os._exit(status)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
