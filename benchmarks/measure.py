"""What one run of a program costs, and the middle of several."""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

Preparation = Callable[[], None]


class BenchmarkError(Exception):
    """A measured program failed, so that its figures would mean nothing."""


class Usage(Struct, frozen=True, kw_only=True):
    """Wall and CPU time (user and system, children included) in seconds; the largest process's memory in MiB."""

    wall: float
    cpu: float
    memory: float


class Bench(Struct, frozen=True, kw_only=True):
    """A directory to work in, the environment of everything that is measured there, and how often it is."""

    directory: Path
    environment: dict[str, str]
    repeats: int

    def usage(self, command: Sequence[str], fine: Sequence[int] = (0,)) -> Usage:
        """What one run of a command costs; its output is thrown away. Raises BenchmarkError if it fails."""
        actions = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        if fine != (0,):  # what it finds is expected
            actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0))
        start = time.perf_counter()
        arguments = ["env", "-C", str(self.directory), *command]
        pid = os.posix_spawnp("env", arguments, self.environment, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
        wall = time.perf_counter() - start
        code = os.waitstatus_to_exitcode(status)
        if code not in fine:
            raise BenchmarkError(f"{' '.join(command)} ended with status {code}; mend that and measure again")
        return Usage(wall=wall, cpu=used.ru_utime + used.ru_stime, memory=used.ru_maxrss / 1024)

    def compare(
        self,
        command: Sequence[str],
        reference: Sequence[str],
        *,
        before: Preparation = lambda: None,
        before_reference: Preparation = lambda: None,
    ) -> tuple[Usage, Usage]:
        """The middle usage of a command and of its reference, run in turns so that both meet the same neighbours."""
        own, other = [], []
        for _ in range(self.repeats):
            before()
            own.append(self.usage(command))
            before_reference()
            other.append(self.usage(reference))
        return median(own), median(other)


def median(usages: Sequence[Usage]) -> Usage:
    """The middle of each figure."""
    return Usage(
        wall=statistics.median(usage.wall for usage in usages),
        cpu=statistics.median(usage.cpu for usage in usages),
        memory=statistics.median(usage.memory for usage in usages),
    )
