"""Whether a machine is in order after its change: as reviewed, but for what was not so before."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.apply.calling import Lines
from netwright.live.difference import Aspect, Difference
from netwright.live.judging import judge_all
from netwright.live.remote import Answer
from netwright.live.script import collecting_script, further_files
from netwright.live.status import NodeStatus
from netwright.live.wanted import read_wanted
from netwright.production.production import Production
from netwright.text.counting import count

_TURNS, _PAUSE = 8, 1.0
"""A network may need some seconds until it is as it was told to be."""


class Before(Struct, frozen=True, kw_only=True):
    """What differed from a machine's own files before the change; with a `problem` nothing is known."""

    differences: frozenset[Difference] = frozenset()
    unread: frozenset[Aspect] = frozenset()
    problem: str | None = None


class Checker(Struct, frozen=True, kw_only=True):
    """Looks at machines over new connections. `earlier` has the files that they come with, `out` what they get."""

    production: Production
    earlier: Path
    out: Path
    lines: Lines
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def before(self, node: str) -> Before:
        """Return what differs from the machine's own files."""
        status = self._status(node, self.earlier)
        if status.problem is not None:
            return Before(problem=status.problem)
        return Before(differences=frozenset(_plain(status)), unread=frozenset(status.unread))

    def fault(self, node: str, before: Before, deadline: float) -> str | None:
        """Return in words what is not in order on a machine that has its new files, None if all is. Looks again until
        then, for some seconds; a machine that does not answer is asked until a moment of the monotonic clock."""
        turn = 0
        while True:
            status = self._status(node, self.out)
            found = status.problem or _fault(status, before)
            turn += status.problem is None
            if found is None or turn == _TURNS or time.monotonic() > deadline:
                return found
            time.sleep(_PAUSE)

    def _status(self, node: str, out: Path) -> NodeStatus:
        wanted = read_wanted(out, node)
        answer: Answer = self.lines.record(node, collecting_script(further_files([wanted])))
        with self._alone:  # what the proof reads is not meant for several threads
            (status,) = judge_all(self.production, out, {node: wanted}, {node: answer})
        return status


def _fault(status: NodeStatus, before: Before) -> str | None:
    unread = [aspect for aspect in status.unread if aspect not in before.unread]
    if unread:
        return f"{unread[0]} can't be read any more: {status.unread[unread[0]]}"
    found = [one for one in _plain(status) if one not in before.differences]
    if not found:
        return None
    more = f", and {count(len(found) - 1, 'other difference')}" if found[1:] else ""
    return f"{found[0].aspect}: {found[0].describe()}{more}"


def _plain(status: NodeStatus) -> Iterator[Difference]:
    """Yield the differences without the line that asks for each."""
    yield from (replace(one, place=None) for one in status.differences)
