"""One machine's change over ssh: begun, looked at over a new connection, and confirmed; or undone by the machine."""

import time
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from netwright.apply.calling import Lines
from netwright.apply.script import call_off_script, confirm_script
from netwright.live.remote import PATIENCE

Outcome = Literal["applied", "undone", "refused", "untouched", "unknown"]
"""What a machine has in the end: the new files, the old ones; or those of another change that is under way; or it was
not begun; or it could not be asked any more."""

_MARGIN = 20.0
"""Seconds beyond the timer in which a machine should have undone a change, and be reached again."""
_STILL = ("beginning", "changing", "undoing")
_SHORT, _PAUSE = 30.0, 0.5


class Result(Struct, frozen=True, kw_only=True):
    """The outcome of a machine's change, and why it is not applied."""

    node: str
    outcome: Outcome
    why: str = ""


class Course(Struct, frozen=True, kw_only=True):
    """How a change of a machine goes: its script and identity, seconds within which it is confirmed, and what is to be
    found in order before, in words what is not."""

    node: str
    script: str
    identity: str
    seconds: int
    fault: Callable[[], str | None]


def carry_out(course: Course, lines: Lines) -> Result:
    """Make a change of a machine."""
    deadline = time.monotonic() + course.seconds
    said = lines.call(course.node, course.script, course.seconds + PATIENCE)
    if isinstance(said, str):  # the connection died, or nothing was begun: the machine knows
        state, why = lines.state(course.node, course.identity, deadline + _MARGIN, lambda one: one not in ("", *_STILL))
        why = why if state else said
    else:
        if "refused" in said:
            return Result(node=course.node, outcome="refused", why=said["refused"])
        state, why = said.get("state", ""), said.get("problem") or said.get("why", "")
    if state == "waiting":
        return _confirm(course, lines, deadline)
    if state in _STILL:
        said = lines.call(course.node, call_off_script(course.identity, "it did not come to an end"), _SHORT)
        return _await_end(course, lines, deadline, "it did not come to an end")
    return _result(course, state, why)


def _confirm(course: Course, lines: Lines, deadline: float) -> Result:
    """Confirm what is found in order; else the machine undoes it, by order or by its own timer."""
    fault = course.fault()
    if fault is not None:
        lines.call(course.node, call_off_script(course.identity, fault), _SHORT)
        return _await_end(course, lines, deadline, fault)
    while True:
        said = lines.call(course.node, confirm_script(course.identity), _SHORT)
        if not isinstance(said, str):
            return _result(course, said.get("state", ""), said.get("why", ""))
        # What is lost is the call, or its answer only.
        state, why = lines.state(course.node, course.identity, 0.0, _is_end)
        if _is_end(state) or time.monotonic() > deadline:
            return _result(course, state, why) if _is_end(state) else _await_end(course, lines, deadline, said)
        time.sleep(_PAUSE)


def _is_end(state: str) -> bool:
    return state in ("applied", "undone")


def _await_end(course: Course, lines: Lines, deadline: float, why: str) -> Result:
    state, said = lines.state(course.node, course.identity, deadline + _MARGIN, _is_end)
    return _result(course, state, said if state else why)


def _result(course: Course, state: str, why: str) -> Result:
    if state == "applied":
        return Result(node=course.node, outcome="applied")
    if state == "undone":
        return Result(node=course.node, outcome="undone", why=why)
    if state == "unknown":  # to the machine: it has no such change
        return Result(node=course.node, outcome="untouched", why=why or "it was not begun")
    return Result(node=course.node, outcome="unknown", why=why or "it does not answer")
