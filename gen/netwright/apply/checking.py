"""Whether a machine is in order after its change: as reviewed, but for what was not so before, and with every flow that
held before."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.apply.calling import Lines
from netwright.apply.flows import FlowProof
from netwright.live.difference import Aspect, Difference
from netwright.live.judging import judge_all, read_records
from netwright.live.remote import Answer
from netwright.live.script import collecting_script, further_files
from netwright.live.status import NodeStatus
from netwright.live.wanted import read_wanted
from netwright.production.production import Production
from netwright.text.counting import count
from netwright.verify.network_model.live_machine import Record

_TURNS, _PAUSE = 8, 1.0
"""A network may need some seconds until it is as it was told to be."""
_FRESH = 20.0
"""Seconds in which a first record still tells what a machine has before its change."""


class Before(Struct, frozen=True, kw_only=True):
    """What differed from a machine's own files before the change, and its record; with a `problem` nothing is known."""

    differences: frozenset[Difference] = frozenset()
    unread: frozenset[Aspect] = frozenset()
    record: Record | None = None
    problem: str | None = None


class Checker(Struct, frozen=True, kw_only=True):
    """Looks at machines over new connections. `earlier` has the files that they come with, `out` what they get."""

    production: Production
    earlier: Path
    out: Path
    lines: Lines
    flows: FlowProof
    _alone: threading.Lock = field(default_factory=threading.Lock)
    _first: dict[str, tuple[float, Answer]] = field(default_factory=dict)

    def begin(self, nodes: Iterable[str]) -> None:
        """Take the records of machines, whether these are to change or not; one without is as its files have it."""
        answers = self._ask(nodes, self.earlier)
        self._first.update({node: (time.monotonic(), answer) for node, answer in answers.items()})
        with self._alone:
            self.flows.note(_readable(answers))

    def before(self, node: str) -> Before:
        """Return what differs from the machine's own files."""
        taken, answer = self._first.pop(node, (0.0, None))
        if answer is None or answer.record is None or time.monotonic() - taken > _FRESH:
            answer = self._ask([node], self.earlier)[node]
        records = _readable({node: answer})
        with self._alone:
            status = self._judge(node, self.earlier, answer)
            self.flows.note(records)
        if status.problem is not None:
            return Before(problem=status.problem)
        return Before(differences=frozenset(_plain(status)), unread=frozenset(status.unread), record=records.get(node))

    def fault(self, node: str, before: Before, deadline: float) -> str | None:
        """Return in words what is not in order on a machine that has its new files, None if all is. Looks again until
        then, for some seconds; a machine that does not answer is asked until a moment of the monotonic clock."""
        turn = 0
        while True:
            answers = self._ask([node, *self.flows.companions(node)], self.out)
            with self._alone:  # what the proof reads is not meant for several threads
                status = self._judge(node, self.out, answers[node])
                found = status.problem or _fault(status, before) or self.flows.broken(node, _readable(answers))
            turn += status.problem is None
            if found is None or turn == _TURNS or time.monotonic() > deadline:
                return found
            time.sleep(_PAUSE)

    def take_back(self, node: str, before: Before) -> None:
        """A machine has not got its new files for good."""
        with self._alone:
            self.flows.take_back(node, before.record)

    def _ask(self, nodes: Iterable[str], out: Path) -> dict[str, Answer]:
        scripts = {node: collecting_script(further_files([read_wanted(out, node)])) for node in nodes}
        return self.lines.records(scripts)

    def _judge(self, node: str, out: Path, answer: Answer) -> NodeStatus:
        (status,) = judge_all(self.production, out, {node: read_wanted(out, node)}, {node: answer})
        return status


def _readable(answers: Mapping[str, Answer]) -> dict[str, Record]:
    return dict(read_records(answers, {}))


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
