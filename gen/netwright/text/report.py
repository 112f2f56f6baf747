"""Findings, keyed by logical path and joined with line and column only when they are shown."""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TextIO

from msgspec import Struct
from msgspec.structs import replace

from netwright.text.source import KeyPositions, Position, Source, TopologyPath, format_path, locate, origin


class Severity(StrEnum):
    """An error stops the next stage; a warning is for what works but will bite."""

    ERROR = "error"
    WARNING = "warning"


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One finding about one value of a document.

    `message` is what is wrong in the user's words and, after a semicolon, what would be right. `related` are further
    values that the message speaks of. `on_key` points the caret at the key instead of the value. `position` is for
    findings below the level of paths (a syntax error); without it the path is located when the finding is shown.
    """

    severity: Severity
    path: TopologyPath
    message: str
    rule: str
    related: tuple[TopologyPath, ...] = ()
    on_key: bool = False
    position: Position | None = None


class LocatedDiagnostic(Struct, frozen=True, kw_only=True):
    """A diagnostic joined with its source and position; position is None where there is no text to point into."""

    source: Source
    diagnostic: Diagnostic
    position: Position | None
    related: tuple[Position, ...]

    @property
    def title(self) -> str:
        """One line: FILE:LINE:COLUMN: SEVERITY: PATH: MESSAGE."""
        return self.titled(colour=False)

    def titled(self, *, colour: bool) -> str:
        """The title, with the severity in colour on request."""
        place = self.source.name
        if self.position is not None:
            place += f":{self.position.line}:{self.position.column}"
        path = format_path(self.diagnostic.path)
        message = f"{path}: {self.diagnostic.message}" if path else self.diagnostic.message
        severity = self.diagnostic.severity
        word = paint(f"{severity}:", SEVERITY_COLOURS[severity], on=colour)
        return f"{printable(place)}: {word} {printable(message)}"


class Report(Struct, frozen=True, kw_only=True):
    """Everything that a stage found, each diagnostic with the source it concerns."""

    entries: tuple[tuple[Source, Diagnostic], ...] = ()

    @classmethod
    def about(cls, source: Source, diagnostics: Iterable[Diagnostic]) -> "Report":
        """A report of findings in one source."""
        return cls(entries=tuple((source, diagnostic) for diagnostic in diagnostics))

    @classmethod
    def of(cls, reports: Iterable["Report"]) -> "Report":
        """All reports' findings, each once however many nodes share what it speaks of.

        Many reports are joined here and not by adding one to the next, which looks at what is there each time.
        """
        distinct: dict[tuple[str, str | None, Diagnostic], tuple[Source, Diagnostic]] = {}
        for report in reports:
            for source, diagnostic in report.entries:
                distinct.setdefault((*_content(source), diagnostic), (source, diagnostic))
        return cls(entries=tuple(distinct.values()))

    def __add__(self, other: "Report") -> "Report":
        """Both reports' findings, each once."""
        return Report.of((self, other))

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(diagnostic.severity is Severity.ERROR for _, diagnostic in self.entries)

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return sum(diagnostic.severity is Severity.WARNING for _, diagnostic in self.entries)

    def findings(self) -> tuple[LocatedDiagnostic, ...]:
        """The findings in the order of their places: sources as first named, then line and column."""
        groups: dict[tuple[str, str | None], tuple[Source, list[Diagnostic]]] = {}
        for source, diagnostic in self.entries:
            groups.setdefault(_content(source), (source, []))[1].append(diagnostic)
        found: list[LocatedDiagnostic] = []
        for source, diagnostics in groups.values():
            found.extend(sorted(_join(source, diagnostics), key=_by_position))
        return tuple(found)


def trace(report: Report) -> Report:
    """The report with findings about rendered texts at their places in the templates."""
    entries = [
        entry
        for source, diagnostic in report.entries
        for entry in (((source, diagnostic),) if source.template is None else _traced(source, diagnostic))
    ]
    return Report.of([Report(entries=tuple(entries))])


def _traced(source: Source, diagnostic: Diagnostic) -> Iterator[tuple[Source, Diagnostic]]:
    template = Source(name=source.name, text=source.template.text if source.template is not None else None)
    for found in _join(source, [diagnostic]):
        position = origin(source, found.position) if found.position is not None else None
        yield template, replace(diagnostic, position=position, related=())


def _content(source: Source) -> tuple[str, str | None]:
    """Return the identity of a source: a file of one name can have several texts, as those of two revisions."""
    return source.name, source.text


def errors_only(report: Report) -> Report:
    """The report without its warnings."""
    entries = tuple(entry for entry in report.entries if entry[1].severity is Severity.ERROR)
    return Report(entries=entries)


def _join(source: Source, diagnostics: list[Diagnostic]) -> Iterator[LocatedDiagnostic]:
    if source.text is None:
        for diagnostic in diagnostics:
            yield LocatedDiagnostic(source=source, diagnostic=diagnostic, position=None, related=())
        return
    asked = [path for diagnostic in diagnostics for path in (diagnostic.path, *diagnostic.related)]
    places = locate(source, asked)
    for diagnostic in diagnostics:
        position = diagnostic.position or _point(places[diagnostic.path], on_key=diagnostic.on_key)
        related = tuple(_point(places[path], on_key=True) for path in diagnostic.related)
        yield LocatedDiagnostic(source=source, diagnostic=diagnostic, position=position, related=related)


def _point(place: KeyPositions, *, on_key: bool) -> Position:
    return place.key if on_key and place.key is not None else place.value


def _by_position(finding: LocatedDiagnostic) -> tuple[Position, str, str]:
    position = finding.position or Position(line=0, column=0)
    return position, finding.diagnostic.severity, finding.title


class Colour(StrEnum):
    """Colour of a word at a terminal, as what turns it on."""

    RED = "\x1b[31m"
    GREEN = "\x1b[32m"
    YELLOW = "\x1b[33m"


SEVERITY_COLOURS = {Severity.ERROR: Colour.RED, Severity.WARNING: Colour.YELLOW}


def paint(text: str, colour: Colour, *, on: bool) -> str:
    """Return the text in a colour, or as it is."""
    return f"{colour}{text}\x1b[0m" if on else text


def has_colours(stream: TextIO | None) -> bool:
    """Return whether colours are welcome; a stream is None where it was closed before we started."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()


EXCERPT = 160
"""Characters of a line that are shown around a place."""


def render_text(report: Report, *, colour: bool = False, width: int = EXCERPT) -> str:
    """The findings for people: a title with its rule, the source line and a caret below; "" if there are none."""
    return "".join(_render_finding(finding, colour=colour, width=width) for finding in report.findings())


def _render_finding(finding: LocatedDiagnostic, *, colour: bool, width: int) -> str:
    lines = [f"{finding.titled(colour=colour)} [{finding.diagnostic.rule}]"]
    if finding.position is not None:
        lines += excerpt(finding.source, finding.position, width)
    for path, position in zip(finding.diagnostic.related, finding.related, strict=False):
        lines.append(
            f"  see {printable(finding.source.name)}:{position.line}:{position.column}: {printable(format_path(path))}"
        )
        lines += excerpt(finding.source, position, width)
    return "\n".join(lines) + "\n"


def excerpt(source: Source, position: Position, width: int = EXCERPT) -> list[str]:
    """The line at a position and a caret below it, each with a gutter; nothing if the text has no such line."""
    text = source.line(position.line)
    if text is None:
        return []
    start = max(0, position.column - 1 - width // 2)
    before, after = text[start : position.column - 1], text[position.column - 1 : start + width]
    gutter = f"{position.line:>5} | "
    shown = printable(before.replace("\t", " "))
    return [f"{gutter}{shown}{printable(after)}", " " * (len(gutter) - 2) + "| " + " " * len(shown) + "^"]


def findings_objects(report: Report) -> list[dict[str, object]]:
    """The findings as plain data.

    Keys: file, line, column (null where there is no text), severity, path, rule, message, related.
    """
    return [
        {
            "file": finding.source.name,
            "line": finding.position.line if finding.position else None,
            "column": finding.position.column if finding.position else None,
            "severity": str(finding.diagnostic.severity),
            "path": format_path(finding.diagnostic.path),
            "rule": finding.diagnostic.rule,
            "message": finding.diagnostic.message,
            "related": [{"path": format_path(path)} for path in finding.diagnostic.related],
        }
        for finding in report.findings()
    ]


def escape_hashes(text: str) -> str:
    """The JSON with every `##` escaped: `##[` and `##vso[` are commands to CI services, anywhere in a line."""
    return text.replace("##", "#\\u0023")


def printable(text: str) -> str:
    """The text with everything escaped that could act on a terminal or, at a CI service, be read as a command.

    Control, format (bidi and zero-width) and separator characters become \\uXXXX. GitHub reads `##[` anywhere in a line
    and Azure `##vso[`, while a heading of a hand-off sheet has a blank behind its hashes; `::` counts only at the start
    of a line, where our lines begin with a file name or a gutter.
    """
    if text.isascii() and text.isprintable() and "##" not in text:
        return text
    shown = "".join(_escape(char) if unicodedata.category(char) in _UNSEEN else char for char in text)
    return _COMMAND.sub(r"#\\x23", shown)


_COMMAND = re.compile(r"##(?=[^\s\[]*\[)")


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


_SHORT_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escape(char: str) -> str:
    code = ord(char)
    return _SHORT_ESCAPES.get(char, f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
