"""The processes that this one has started."""

import os
from pathlib import Path


def children() -> set[int]:
    """Their numbers, of those that nobody has waited for."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def await_ends(pids: set[int]) -> None:
    """Until all of them have ended; they are left to who started them."""
    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
