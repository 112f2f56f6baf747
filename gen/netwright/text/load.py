"""A topology's file -> text -> document: YAML 1.2 core scalars, read strictly, nothing guessed or merged."""

import errno
import os
from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace

from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.scalars import name_character, unseen_characters
from netwright.text.source import Position, Source, locate
from netwright.text.standard_input import input_name, read_input
from netwright.text.yaml_events import DEEPEST_NESTING, Document, Folding

__all__ = ["DEEPEST_NESTING", "LARGEST_FILE", "Document", "load", "read_source"]

LARGEST_FILE = 64 * 1024 * 1024
_MOST_UNSEEN = 1000
"""Most invisible characters that are named."""


def read_source(path: str | os.PathLike[str]) -> tuple[Source | None, Report]:
    """The file's text, byte order mark and carriage returns removed, under the name that the user gave.

    The path `-` is standard input.
    """
    name = input_name(os.fspath(path))
    unread = Source(name=name, text=None)
    try:
        content = read_input(os.fspath(path), LARGEST_FILE)
    except OSError as error:
        return None, _error(unread, "file_is_readable", _explain_os_error(error))
    if content is None:
        message = f"is larger than {LARGEST_FILE // 1024 // 1024} MiB, the most that is read as one topology"
        return None, _error(unread, "file_is_readable", message)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, _error(unread, "file_is_utf8", "is UTF-16; save the file as UTF-8")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        source = Source(name=name, text=_normalised(content.decode(errors="replace")))
        position = _position_after(_normalised(content[: error.start].decode()))
        message = f"byte 0x{content[error.start]:02X} is not UTF-8; save the file as UTF-8"
        return None, _error(source, "file_is_utf8", message, position)
    return Source(name=name, text=_normalised(text)), Report()


def _explain_os_error(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "no such file; name the topology's file, or make one with `netwright init`"
        case errno.EISDIR:
            return "is a directory; name the topology's file"
        case errno.EACCES | errno.EPERM:
            return "can't be read by this user (permission denied)"
        case _:
            return f"can't be read: {error.strerror or error}"


def load(source: Source) -> tuple[Document | None, Report]:
    """The document that the text holds, of plain dicts, lists and scalars; None if anything is wrong with it.

    Any text is either loaded or reported: broken YAML, duplicate keys, anchors, aliases, merge keys, tags, a second
    document, nesting beyond DEEPEST_NESTING, numbers beyond 64 bits, and control, bidi or invisible characters.
    """
    text = _normalised(source.text or "")
    unseen = [*_refuse_characters(text)]
    if unseen:
        return None, Report.about(source, unseen)
    folding = Folding(text=text)
    folding.run()
    if folding.diagnostics:
        return None, Report.about(source, _with_first_lines(source, folding.diagnostics))
    if not folding.documents or folding.documents[0] is None:
        message = "the topology is empty; `netwright init` writes one to start with"
        return None, _error(source, "document_is_not_empty", message, Position(line=1, column=1))
    return folding.documents[0], Report()


def _normalised(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _refuse_characters(text: str) -> Iterator[Diagnostic]:
    """Yield an error about each character that people can't see, as far as they will be read."""
    line, start = 1, 0
    for index in islice(unseen_characters(text), _MOST_UNSEEN):
        line += text.count("\n", start, index)
        start = max(start, text.rfind("\n", start, index) + 1)
        name = name_character(text[index])
        message = f"{name} is not allowed anywhere in a topology, as people can't see it; remove it"
        position = Position(line=line, column=index - start + 1)
        yield Diagnostic(
            severity=Severity.ERROR, path=(), message=message, rule="characters_are_visible", position=position
        )


def _with_first_lines(source: Source, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, those of duplicate keys completed by the line of the first one, which folding does not keep."""
    places = locate(source, {path for diagnostic in diagnostics for path in diagnostic.related})
    completed = []
    for diagnostic in diagnostics:
        message = diagnostic.message
        for key in (places[path].key for path in diagnostic.related):
            message += f"; the first is on line {key.line}, keep one of them" if key else ""
        completed.append(replace(diagnostic, message=message))
    return completed


def _position_after(before: str) -> Position:
    return Position(line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))


def _error(source: Source, rule: str, message: str, position: Position | None = None) -> Report:
    diagnostic = Diagnostic(severity=Severity.ERROR, path=(), message=message, rule=rule, position=position)
    return Report.about(source, (diagnostic,))
