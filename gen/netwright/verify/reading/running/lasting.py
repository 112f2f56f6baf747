"""Changes of the network by commands: those that surely last, in an order that is known."""

from netwright.verify.reading.commands import SYSCTL
from netwright.verify.reading.formats.sysctl import split_key
from netwright.verify.reading.running.events import Event
from netwright.verify.reading.running.judge import BEYOND, Judge
from netwright.verify.values.boots import Boot

COMMANDS = "commands"
"""The stream of runcmd, which cloud-init makes one script of."""


def lasting_changes(judge: Judge) -> tuple[Event, ...]:
    """Return the changes that last; complain of those that something may undo, or whose order is not known."""
    changes = [event for event in judge.events if event.words]
    for number, event in enumerate(judge.events):
        others = [
            (at, one)
            for at, one in enumerate(judge.events)
            if one.program == event.program and _meet(one, event) and one is not event
        ]
        place = number, _started_at(judge, event)
        undone = any(not one.words and one.stream and _may_follow(at, one, event, place) for at, one in others)
        mixed = any(_touches(one) == _touches(event) and one.stream != event.stream for _, one in others)
        if event in changes and (undone or mixed):
            reason = f"{BEYOND}: {'another may undo it' if undone else 'another comes before or after it'}"
            judge.refuse(event, reason)
            changes.remove(event)
    return tuple(changes)


def _started_at(judge: Judge, event: Event) -> int:
    """The number of the event by which a command starts the unit that an event is of, -1 without one."""
    starts = (at for at, one in enumerate(judge.events) if one.program == f"start {event.stream}")
    return next(starts, -1)


def _may_follow(at: int, undoing: Event, event: Event, place: tuple[int, int]) -> bool:
    """Return whether an undoing may come after an event, which has a place among all, or after its start."""
    number, start = place
    if undoing.stream == event.stream:
        return at > number
    return undoing.stream != COMMANDS or at > start


def _touches(event: Event) -> str:
    """Return the subjects of a change: the order of two with different subjects does not matter."""
    if event.program != SYSCTL or not event.words:
        return event.program if event.words else ""
    key = split_key(event.words[0].partition("=")[0].strip())
    return {"ip_forward": "forwarding"}.get(key[-1], key[-1])


def _meet(one: Event, other: Event) -> bool:
    """Return whether two events may be of one boot."""
    return Boot.EVERY in (one.when, other.when) or one.when == other.when
