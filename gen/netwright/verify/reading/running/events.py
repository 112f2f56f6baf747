"""Values of what is judged: delivered scripts, complaints, orders to systemctl, changes of the network."""

from msgspec import Struct

from netwright.verify.values.boots import Boot


class Script(Struct, frozen=True, kw_only=True):
    """A delivered file that may run: its text, and whether it is executable."""

    text: str
    executable: bool


class Complaint(Struct, frozen=True, kw_only=True):
    """A line of what runs that may change the network, in a delivered file or, with `path` empty, in the command of
    that number; `when` tells on which boots."""

    path: str
    command: int
    line: int
    text: str
    reason: str
    when: Boot


class Systemctl(Struct, frozen=True, kw_only=True):
    """systemctl's verb for a unit, `now` with --now, and whether it is certainly carried out."""

    verb: str
    unit: str
    now: bool
    sure: bool
    when: Boot


class Event(Struct, frozen=True, kw_only=True):
    """A change of the network by a program that is understood, or, without words, something that may undo the
    program's changes; `stream` is the sequence in which its order is known."""

    program: str
    words: tuple[str, ...]
    path: str
    command: int
    line: int
    when: Boot
    stream: str
