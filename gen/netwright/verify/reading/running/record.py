"""Record of what is judged: complaints, changes of the network, and where the judge stands."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct, field

from netwright.verify.reading.running.events import Complaint, Event, Systemctl
from netwright.verify.reading.running.paths import is_known, show
from netwright.verify.values.boots import Boot


class Record(Struct):
    """All that was found so far, and the file, command, boot and folder at hand.

    `programs` are those whose changes count there: their commands run once the network is up. What is `sure` runs
    whenever its text does; `stream` is the sequence in which the order of changes is known.
    """

    complaints: dict[tuple[str, int, int, str, str], Boot] = field(default_factory=dict)
    orders: list[Systemctl] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    loaded: list[tuple[str, bool, Boot]] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    modules: list[tuple[str, Boot]] = field(default_factory=list)
    keyed: set[Boot] = field(default_factory=set)
    when: Boot = Boot.EVERY
    sure: bool = True
    stream: str = ""
    programs: frozenset[str] = frozenset()
    folder: str | None = "/"
    line: int = 1
    _path: str = ""
    _command: int = 0
    _functions: set[str] = field(default_factory=set)

    @contextmanager
    def at(self, path: str = "", *, command: int = 0, when: Boot | None = None) -> Iterator[None]:
        """Judges what stands in a file, or in a command of the carrier."""
        before = self._path, self._command, self.when, self._functions, self.sure, self.folder, self.programs
        self._path, self._command, self._functions = path, command, set()
        self.when = self.when if when is None else when
        try:
            yield
        finally:
            self._path, self._command, self.when, self._functions, self.sure, self.folder, self.programs = before

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Judges what runs at another time, or as another user: nothing of it is certain."""
        before = self.sure, self.programs
        self.sure, self.programs = False, frozenset()
        try:
            yield
        finally:
            self.sure, self.programs = before

    def carry_out(self, program: str, words: Sequence[str], *, path: str | None = None) -> bool:
        """Return whether a change surely happens and has a known effect; it is kept, then. `path` is the file
        of which it takes all."""
        if program not in self.programs or not self.sure or not all(map(is_known, words)):
            return False
        where = (self._path, self._command, self.line) if path is None else (path, 0, 1)
        self._happens(program, tuple(words), where)
        return True

    def undo(self, program: str) -> None:
        """Keeps that changes by a program may not last."""
        self._happens(program, (), (self._path, self._command, self.line))

    def _happens(self, program: str, words: tuple[str, ...], where: tuple[str, int, int]) -> None:
        path, command, line = where
        self.events.append(
            Event(
                program=program,
                words=words,
                path=path,
                command=command,
                line=line,
                when=self.when,
                stream=self.stream,
            )
        )

    def refuse(self, event: Event, reason: str) -> None:
        """Keeps a complaint about a change that was taken for known."""
        text = show(" ".join((event.program, *event.words)))[:200]
        self.complaints[event.path, event.command, event.line, text, reason] = event.when

    def note(self, line: int, text: str, reason: str) -> None:
        """Keeps a complaint; what happens on the first boot and later happens on every boot."""
        key = self._path, self._command, line, show(text)[:200], reason
        known = self.complaints.get(key)
        self.complaints[key] = self.when if known in (None, self.when) else Boot.EVERY

    def noted(self) -> tuple[Complaint, ...]:
        """All complaints."""
        return tuple(
            Complaint(path=path, command=command, line=line, text=text, reason=reason, when=when)
            for (path, command, line, text, reason), when in self.complaints.items()
        )
