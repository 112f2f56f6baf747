"""Changes of many machines in the order of their steps, up to the first that fails."""

import getpass
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from netwright.apply.calling import Lines
from netwright.apply.checking import Checker
from netwright.apply.running import Course, Result, carry_out
from netwright.apply.script import begin_script
from netwright.apply.values import MachineChange

Work = Callable[[str], Result]


def new_identity() -> str:
    """Return a name for a change that no other one has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def who_asks() -> str:
    """Return who begins a change, for those who find it under way."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "a user without a name"
    return f"{user} on {socket.gethostname()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def apply_change(change: MachineChange, checker: Checker, lines: Lines, seconds: int) -> Result:
    """Make the change of one machine, which is confirmed if it is in order afterwards."""
    node = change.node
    before = checker.before(node)
    if before.problem is not None:
        return Result(node=node, outcome="untouched", why=before.problem)
    identity = new_identity()
    deadline = time.monotonic() + seconds
    course = Course(
        node=node,
        script=begin_script(change, identity, seconds, who_asks()),
        identity=identity,
        seconds=seconds,
        fault=lambda: checker.fault(node, before, deadline),
    )
    result = carry_out(course, lines)
    if result.outcome != "applied":
        checker.take_back(node, before)
    return result


def run_steps(steps: Sequence[Sequence[str]], work: Work, at_once: int) -> Iterator[Result]:
    """Yield the result of each machine, step after step; where one is not applied no other is begun."""
    for step in steps:
        failed = False
        for result in _run_step(step, work, at_once):
            failed = failed or result.outcome != "applied"
            yield result
        if failed:
            return


def _run_step(nodes: Sequence[str], work: Work, at_once: int) -> Iterator[Result]:
    left = [*nodes]
    running: set[Future[Result]] = set()
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        while left or running:
            while left and len(running) < at_once:
                running.add(pool.submit(work, left.pop(0)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one in done:
                result = one.result()
                if result.outcome != "applied":
                    left = []
                yield result


def outcomes(nodes: Sequence[str], results: Mapping[str, Result]) -> dict[str, str]:
    """Return what each node's outcome is called; "left" for one that was not begun."""
    return {node: results[node].outcome if node in results else "left" for node in nodes}
