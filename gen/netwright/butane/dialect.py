"""Texts that libyaml reads in another way than Butane's YAML of Go: refused, with what to write instead.

Go's reader (gopkg.in/yaml.v3, scannerc.go) is an older port of the same library.
"""

import re

import yaml

from netwright.text.report import Diagnostic, Severity
from netwright.text.source import Position

_GO_VERSION = (1, 1)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BREAKS = "\\r\\n\\x85\\u2028\\u2029"
_KEYLESS = re.compile(rf"\?\s*(?:#[^{_BREAKS}]*[{_BREAKS}]\s*)*[],:]")
_TAG = re.compile(r"(?:&\S+\s+)?!(?!<)\S*")
_NO_PLACE = Position(line=1, column=1)


class YamlError(Exception):
    """The text can't be read; where, and why in words for the user."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(
            severity=Severity.ERROR, path=(), message=message, rule="text_is_yaml", position=position
        )


def place_of(event: yaml.Event) -> Position:
    """Return where an event begins."""
    mark = event.start_mark
    return Position(line=mark.line + 1, column=mark.column + 1) if mark else _NO_PLACE


def check_dialect(event: yaml.Event, text: str, *, in_flow: bool) -> None:
    """Raise YamlError for an event of which Go's reader makes something else; `in_flow` inside of [] or {}."""
    if isinstance(event, yaml.DocumentStartEvent) and event.version not in (None, _GO_VERSION):
        shown = ".".join(map(str, event.version))
        raise YamlError(place_of(event), f"Butane reads YAML 1.1 only, not %YAML {shown}; leave the directive out")
    if isinstance(event, yaml.MappingStartEvent) and in_flow and _KEYLESS.match(text, _start(event)):
        raise YamlError(place_of(event), "Butane reads no ? without a key inside of []; leave it out")
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        _check_tag(event, text)
    if isinstance(event, yaml.ScalarEvent):
        _check_scalar(event, text, in_flow=in_flow)


def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _check_tag(event: yaml.Event, text: str) -> None:
    found = _TAG.match(text, _start(event))
    sign = next((char for char in ",[]" if found and char in found[0]), None)
    if found and sign:
        message = f"to Butane the {sign} is part of the tag {found[0]}; put a space before it, or leave the tag out"
        raise YamlError(place_of(event), message)


def _check_scalar(event: yaml.ScalarEvent, text: str, *, in_flow: bool) -> None:
    if event.start_mark is None or event.end_mark is None:
        return
    written = text[event.start_mark.index : event.end_mark.index]
    if event.style == '"':
        for escape in _ESCAPED.finditer(written):
            if escape[1] == "/":
                place = _place_behind(place_of(event), written[: escape.start()])
                raise YamlError(place, "Butane does not know the escape \\/; write / alone")
    elif event.style in (None, "") and in_flow and "?" in written:
        message = f"to Butane a ? ends a text inside of [] or {{}}; put {written} in quotes"
        raise YamlError(place_of(event), message)


def _place_behind(start: Position, written: str) -> Position:
    lines = written.split("\n")
    column = len(lines[-1]) + (start.column if len(lines) == 1 else 1)
    return Position(line=start.line + len(lines) - 1, column=column)
