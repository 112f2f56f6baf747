"""Work on many nodes that is begun before its answers are needed."""

import os
import pickle
import signal
from collections.abc import Sequence
from typing import Generic

from netwright.parallel.fault import OutputError, faults
from netwright.parallel.forking import Answer, Task, Work, await_end, describe_end, fork, raise_from_worker, receive


class Ahead(Generic[Answer]):
    """Work that another process does while this one does something else; its answers wait in memory."""

    def __init__(self, tasks: Sequence[Task], work: Work[Task, Answer]) -> None:
        """Starts `work` on the tasks, which is as in `share_out`. Raises OutputError if no process is to be had."""
        self._pid: int | None = None
        with faults("netwright", "can't start a process to work ahead"):
            self._fd = os.memfd_create("netwright")
            try:
                self._pid = fork(tasks, work, self._fd)
            except BaseException:
                os.close(self._fd)
                raise

    def collect(self) -> list[Answer]:
        """The answers in their order, once the other process has ended; to be asked for once. Raises OutputError."""
        if self._pid is None:
            raise ValueError("its answers are already collected")
        status = await_end(self._pid)
        self._pid = None
        os.lseek(self._fd, 0, os.SEEK_SET)
        answers: list[Answer] = []
        while (frame := receive(self._fd)) is not None:
            kind, content = frame
            if kind == b"!":
                raise_from_worker(content)
            if kind == b".":
                return answers
            answers.append(pickle.loads(content)[1])  # noqa: S301 - from our own process
        ending = describe_end(status)
        raise OutputError("netwright", f"a process ended before its work was done ({ending}); run this again")

    def close(self) -> None:
        """Ends the other process, if its answers have not been asked for."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)
            await_end(self._pid)
            self._pid = None
        os.close(self._fd)
