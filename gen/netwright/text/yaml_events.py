"""YAML events -> plain dicts, lists and scalars, and a finding for everything that a topology may not hold.

Folding keeps a stack of its own instead of recursing: the C parser's composer dies of SIGSEGV on deep nesting.
"""

from typing import Any

import yaml
from msgspec import Struct, field
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from netwright.text.report import Diagnostic, Severity
from netwright.text.scalars import (
    RESOLVED_STARTS,
    NumberOutOfRangeError,
    Scalar,
    name_character,
    refused_character,
    resolve_plain,
)
from netwright.text.source import Position, TopologyPath
from netwright.text.syntax import explain_syntax_error
from netwright.text.yaml_parser import parse_events

Document = dict[str, "Document"] | list["Document"] | Scalar

DEEPEST_NESTING = 32
BOUNDS = {"nodes": 50_000, "flows": 5_000}
"""Number of entries that a section may have, as in the schema; one more is refused before the rest is read."""
SMALLEST_BOUND = min(BOUNDS.values())
_CURES = {"nodes": "split the topology", "flows": "name groups or networks as their ends"}


class _FullError(Exception):
    """There is more than a topology may have; what follows need not be read."""


class Folding(Struct):
    """One pass over the events of a text; `documents` (one at most) and `diagnostics` are its outcome.

    The container being filled and the key that waits for its value are kept apart from the enclosing ones: a container,
    the key (None in a list) at which the next one down stands, and the key that waits once that one has ended.
    """

    text: str
    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _enclosing: list[tuple[Any, str | None, str | None]] = field(default_factory=list)
    _container: Any = None
    _key: str | None = None

    def run(self) -> None:
        """Fold the text as far as it is YAML and one document."""
        self._container = self.documents
        try:
            for event in parse_events(self.text):
                if not self._fold(event):
                    return
        except _FullError:
            return
        except yaml.YAMLError as error:
            message, position = explain_syntax_error(error, self.text)
            self._refuse_at(position, (), "text_is_yaml", message)

    def _fold(self, event: Any) -> bool:
        """Return whether the next event may follow."""
        kind = type(event)
        if kind is ScalarEvent:
            value = text = event.value
            if event.anchor or event.tag or not (text.isascii() and text.isprintable()):
                self._examine(event)
            if text[:1] in RESOLVED_STARTS and event.implicit[0]:
                value = self._resolve(event)
            self._place(event, value)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._container, _, self._key = self._enclosing.pop()
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            return self._open(event, {} if kind is MappingStartEvent else [])
        elif kind is AliasEvent:
            self._refuse(
                event,
                "no_anchors",
                f"alias *{_shorten(event.anchor)} is not allowed; write the value out, or use groups",
            )
            self._place(event, None)
        elif kind is DocumentStartEvent:
            return self._starts_well(event)
        return True

    def _place(self, event: Any, value: Document) -> None:
        """Put a value where it belongs; in a mapping every other one is a key."""
        container, key = self._container, self._key
        if type(container) is list:
            container.append(value)
        elif key is not None:
            container[key] = value
            self._key = None
        else:
            self._start_entry(event, value)

    def _start_entry(self, event: Any, key: Document) -> None:
        text: str = key if type(key) is str else getattr(event, "value", "")
        if text == "<<" and event.implicit[0]:
            self._refuse(event, "no_anchors", "merge keys (<<) are not allowed; write the values out, or use groups")
        elif type(key) is not str:
            self._refuse(event, "keys_are_text", _explain_key(key, text))
        elif len(self._container) >= SMALLEST_BOUND and self._is_full(event):
            raise _FullError
        elif text in self._container:
            self._key = text
            self._refuse(event, "keys_are_unique", f'key "{_shorten(text)}" stands here a second time')
        self._key = text

    def _is_full(self, event: Any) -> bool:
        """Whether the section that is filled may have no more entries; it is refused then."""
        match self._path():
            case (str(section),) if len(self._container) >= BOUNDS.get(section, len(self._container) + 1):
                message = f"takes {BOUNDS[section]} {section} at most; {_CURES[section]}"
                self._refuse(event, f"{section}_are_bounded", message)
                return True
            case _:
                return False

    def _open(self, event: Any, value: dict[str, Document] | list[Document]) -> bool:
        if event.anchor or event.tag:
            self._examine(event)
        if len(self._enclosing) >= DEEPEST_NESTING:
            message = f"is nested more than {DEEPEST_NESTING} levels deep; no topology needs that"
            self._refuse(event, "nesting_is_bounded", message)
            return False
        outer, key = self._container, self._key
        self._place(event, value)
        self._enclosing.append((outer, key, self._key))
        self._container, self._key = value, None
        return True

    def _starts_well(self, event: DocumentStartEvent) -> bool:
        if self.documents:
            message = "a second document begins here (---); a topology is one document"
        elif event.version not in (None, (1, 2)):
            message = "only YAML 1.2 is read; remove the %YAML line"
        elif event.tags:
            message = "%TAG is not allowed; remove the line"
        else:
            return True
        self._refuse(event, "one_document", message)
        return False

    def _examine(self, event: Any) -> None:
        """Report what else may be wrong with a value: its anchor, its tag, its characters."""
        if event.anchor:
            self._refuse(
                event, "no_anchors", f"anchor &{_shorten(event.anchor)} is not allowed; write values out, or use groups"
            )
        if event.tag:
            tag = _shorten(event.tag.replace("tag:yaml.org,2002:", "!!"))
            self._refuse(event, "no_tags", f"tag {tag} is not allowed; a value's form says what it is")
        character = refused_character(event.value) if isinstance(event, ScalarEvent) else None
        if character == "\n":
            self._refuse(
                event, "characters_are_visible", "a line break (U+000A) is not allowed in a value; use one line"
            )
        elif character is not None:
            self._refuse(event, "characters_are_visible", f"{name_character(character)} is not allowed in a value")

    def _resolve(self, event: ScalarEvent) -> Scalar:
        try:
            return resolve_plain(event.value)
        except NumberOutOfRangeError:
            message = f"the number {_shorten(event.value)} is out of range; numbers have at most 64 bits"
            self._refuse(event, "numbers_are_bounded", message)
            return 0

    def _refuse(self, event: Any, rule: str, message: str) -> None:
        mark = event.start_mark
        position = Position(line=mark.line + 1, column=mark.column + 1)
        self._refuse_at(position, self._path(), rule, message)

    def _refuse_at(self, position: Position, path: TopologyPath, rule: str, message: str) -> None:
        related = (path,) if rule == "keys_are_unique" else ()
        self.diagnostics.append(
            Diagnostic(
                severity=Severity.ERROR, path=path, message=message, rule=rule, related=related, position=position
            )
        )

    def _path(self) -> TopologyPath:
        """The path of the value (or, where a key comes next, the mapping) that the folding stands at."""
        steps: list[str | int | None] = []
        for container, key, _ in self._enclosing[1:]:
            steps.append(len(container) - 1 if isinstance(container, list) else key)
        if self._enclosing:
            steps.append(len(self._container) if isinstance(self._container, list) else self._key)
        return tuple(step for step in steps if step is not None)


def _explain_key(key: Document, text: str) -> str:
    if isinstance(key, dict | list):
        return "a key must be text, not a list or mapping"
    if text == "":
        return "a key is missing before this colon"
    return f'the key {_shorten(text)} must be text; put it in quotes: "{_shorten(text)}"'


def _shorten(text: str, width: int = 60) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
