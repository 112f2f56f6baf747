"""Places in a source: logical paths inside a YAML document, and positions inside its text."""

import contextlib
from collections.abc import Iterable
from functools import lru_cache

import yaml
from msgspec import Struct

from netwright.text.yaml_parser import parse_events

Step = str | int
TopologyPath = tuple[Step, ...]
"""The way from a document's root to a value, such as ("nodes", "lb1", "routes", 1, "via")."""


def format_path(path: TopologyPath) -> str:
    """The path as people write it: nodes.lb1.routes[1].via."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


class Position(Struct, frozen=True, kw_only=True, order=True):
    """A place in a text: line and column, both counted from 1, the column in characters."""

    line: int
    column: int


class KeyPositions(Struct, frozen=True, kw_only=True):
    """Positions of the key (None in a list and at the root) and the value of one path."""

    key: Position | None
    value: Position


class Template(Struct, frozen=True, kw_only=True):
    """The text that another was rendered from, and the line there of each of its lines; none where that is unknown."""

    text: str
    lines: tuple[int, ...]

    def position(self, position: Position, line: str) -> Position:
        """The place from which a place of the rendered text comes, whose line is given; the column as far as the lines
        agree."""
        number = self.lines[position.line - 1] if position.line <= len(self.lines) else 1
        lines = _lines(self.text)
        own = lines[number - 1] if number <= len(lines) else ""
        alike = next((n for n, (one, other) in enumerate(zip(own, line, strict=False)) if one != other), len(own))
        return Position(line=number, column=min(position.column, alike + 1))


class Source(Struct, frozen=True, kw_only=True, eq=False):
    """A text and the name under which people know it; text is None where there is nothing to quote.

    With a `template` the text was rendered from that.
    """

    name: str
    text: str | None
    template: Template | None = None

    def line(self, number: int) -> str | None:
        """Line `number` (from 1) without its line end, None if the text has no such line."""
        if self.text is None:
            return None
        lines = _lines(self.text)
        return lines[number - 1].removesuffix("\r") if 0 < number <= len(lines) else None


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    """The lines of a text, which one after the other is asked for."""
    return text.split("\n")


def origin(source: Source, position: Position) -> Position:
    """The place that people know: that in the template, where a text was rendered from one."""
    if source.template is None:
        return position
    return source.template.position(position, source.line(position.line) or "")


def locate(source: Source, paths: Iterable[TopologyPath]) -> dict[TopologyPath, KeyPositions]:
    """The place of every path; a path that the document lacks gets its nearest existing ancestor's.

    One pass over the parser's events, so that nothing is kept for the values that are not asked about.
    A text that is not YAML is located as far as it can be read.
    """
    asked = tuple(paths)
    wanted = {path[:length] for path in asked for length in range(len(path) + 1)}
    found: dict[TopologyPath, KeyPositions] = {}
    if source.text is not None and asked:
        with contextlib.suppress(yaml.YAMLError, UnicodeEncodeError):
            _walk(source.text, wanted, found)
    start = KeyPositions(key=None, value=Position(line=1, column=1))
    located = {}
    for path in asked:
        nearest = next((found[path[:n]] for n in range(len(path), -1, -1) if path[:n] in found), start)
        located[path] = nearest
    return located


def locate_each(asked: Iterable[tuple[Source, TopologyPath]]) -> list[Position | None]:
    """The position of each value, None where its source has no text; every text is read once."""
    pairs = tuple(asked)
    groups: dict[Source, list[TopologyPath]] = {}
    for source, path in pairs:
        if source.text is not None:
            groups.setdefault(source, []).append(path)
    places = {source: locate(source, paths) for source, paths in groups.items()}
    return [origin(source, places[source][path].value) if source in places else None for source, path in pairs]


class _Level(Struct):
    """One open collection of the walk: where it stands, and which step comes next."""

    path: TopologyPath
    wanted: bool
    is_mapping: bool
    index: int = 0
    key: Step | None = None
    key_position: Position | None = None


# The parser's time grows with the square of the depth. No text that can be loaded is half as deep.
_DEEPEST_NESTING = 64


def _walk(text: str, wanted: set[TopologyPath], found: dict[TopologyPath, KeyPositions]) -> None:
    levels: list[_Level] = []
    for event in parse_events(text):
        if isinstance(event, yaml.CollectionEndEvent):
            levels.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        if len(levels) > _DEEPEST_NESTING:
            return
        level = levels[-1] if levels else None
        if level is not None and level.is_mapping and level.key is None:
            level.key = event.value if isinstance(event, yaml.ScalarEvent) else ""
            level.key_position = _position(event)
            if isinstance(event, yaml.CollectionStartEvent):
                levels.append(_Level(path=(), wanted=False, is_mapping=isinstance(event, yaml.MappingStartEvent)))
            continue
        path, key_position = _step(level)
        here = (level is None or level.wanted) and path in wanted
        if here and path not in found:
            found[path] = KeyPositions(key=key_position, value=_position(event))
            if len(found) == len(wanted):
                return
        if isinstance(event, yaml.CollectionStartEvent):
            levels.append(_Level(path=path, wanted=here, is_mapping=isinstance(event, yaml.MappingStartEvent)))


def _step(level: _Level | None) -> tuple[TopologyPath, Position | None]:
    if level is None:
        return (), None
    step: Step
    if level.is_mapping:
        step, level.key, position = level.key or "", None, level.key_position
    else:
        step, level.index, position = level.index, level.index + 1, None
    # Beneath what was not asked about no path is built: 30,000 nested brackets would take gigabytes.
    return ((*level.path, step) if level.wanted else ()), position


def _position(event: yaml.NodeEvent) -> Position:
    mark = event.start_mark
    return Position(line=mark.line + 1, column=mark.column + 1) if mark else Position(line=1, column=1)
