"""YAML text -> nodes: the first document of the text as a graph of scalars, lists and mappings with their positions."""

from collections.abc import Iterator

import yaml
from msgspec import Struct, field

from netwright.butane.dialect import YamlError, check_dialect, place_of
from netwright.text.source import Position
from netwright.text.yaml_parser import parse_events, scan_tokens

DEEPEST = 100
"""Depth to which a document may be nested; the specification itself needs eight levels."""


class Scalar(Struct, frozen=True, kw_only=True, eq=False):
    """Text as written, without quotes; `tag` is None where none was written, "!" for the non-specific one."""

    position: Position
    text: str
    tag: str | None
    quoted: bool


class Sequence(Struct, kw_only=True, eq=False):
    """A list."""

    position: Position
    entries: "list[Node]" = field(default_factory=list)


class Mapping(Struct, kw_only=True, eq=False):
    """Keys and values in the order written, repeated keys included."""

    position: Position
    entries: "list[tuple[Node, Node]]" = field(default_factory=list)


class Alias(Struct, frozen=True, kw_only=True, eq=False):
    """A place that repeats the node with the anchor."""

    position: Position
    anchor: str
    target: "Scalar | Sequence | Mapping"


Node = Scalar | Sequence | Mapping | Alias


def read_nodes(text: str) -> Node | None:
    """The root of the first document, None if there is none; raises YamlError.

    Nesting is counted on the parser's events, as composing a deep document would crash the interpreter.
    """
    _refuse_unreadable_characters(text)
    events = parse_events(text)
    try:
        root, end = _document(events, text)
        later = None if end is None or end >= len(text) else _scanner_error(text, end)
        if later is not None:
            raise later
        return root
    except yaml.MarkedYAMLError as error:
        problem = error.problem_mark
        earlier = _scanner_error(text, problem.index) if isinstance(error, _ParserError) and problem else None
        raise _located(earlier or error) from error
    except yaml.YAMLError as error:
        raise YamlError(Position(line=1, column=1), f"the text is not YAML: {error}") from error
    finally:
        events.close()  # type: ignore[attr-defined]


def _refuse_unreadable_characters(text: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.isascii() and line.isprintable():
            continue
        for column, char in enumerate(line, start=1):
            if not (
                char.isprintable()
                or char in _ALLOWED
                or (char > "\x9f" and not "\ud800" <= char <= "\udfff" and char != "\ufeff")
            ):
                shown = (
                    f"the character U+{ord(char):04X} is not allowed in YAML; write it as an escape in double quotes"
                )
                if char == "\ufeff":
                    shown = "there is a byte order mark (U+FEFF) inside of the text; remove it"
                if "\udc80" <= char <= "\udcff":
                    shown = f"the byte 0x{ord(char) - 0xDC00:02x} is not UTF-8; save the file as UTF-8"
                raise YamlError(Position(line=number, column=column), shown)


_ALLOWED = frozenset("\t\r\n\x85")


class _Open(Struct):
    """A list or mapping whose end has not come yet, and the key that waits for its value."""

    node: Sequence | Mapping
    key: Node | None = None

    def add(self, node: Node) -> None:
        if isinstance(self.node, Sequence):
            self.node.entries.append(node)
        elif self.key is None:
            self.key = node
        else:
            self.node.entries.append((self.key, node))
            self.key = None


def _scanner_error(text: str, index: int) -> yaml.MarkedYAMLError | None:
    """The error soon after `index`: Go's scanner is two tokens ahead of its parser and tells its own errors first."""
    words = 0
    try:
        for token in scan_tokens(text):
            words += words > 0 or (token.start_mark.index >= index and not isinstance(token, yaml.BlockEndToken))
            if words > _AHEAD:
                return None
    except yaml.MarkedYAMLError as error:
        return error
    return None


_AHEAD = 2
_ParserError = yaml.parser.ParserError


def _document(events: Iterator[yaml.Event], text: str) -> tuple[Node | None, int | None]:
    """The root node, and the index in the text where the document ends if more may follow."""
    anchors: dict[str, Scalar | Sequence | Mapping] = {}
    opened: list[_Open] = []
    root: Node | None = None
    flows = 0
    for event in events:
        check_dialect(event, text, in_flow=flows > 0)
        if isinstance(event, yaml.DocumentEndEvent):
            return root, event.end_mark.index if event.end_mark else None
        if isinstance(event, yaml.CollectionEndEvent):
            opened.pop()
            flows = max(0, flows - 1)
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        node = _node(event, anchors)
        if opened:
            opened[-1].add(node)
        else:
            root = node
        if isinstance(node, Sequence | Mapping):
            opened.append(_Open(node))
            flows += flows > 0 or bool(event.flow_style)  # type: ignore[attr-defined]
            if len(opened) > DEEPEST:
                message = f"the document is nested more than {DEEPEST} levels deep; flatten it"
                raise YamlError(node.position, message)
    return root, None


def _node(event: yaml.NodeEvent, anchors: dict[str, Scalar | Sequence | Mapping]) -> Node:
    position, anchor = place_of(event), event.anchor
    if isinstance(event, yaml.AliasEvent):
        target = anchors.get(anchor or "")
        if target is None:
            message = f"the anchor &{anchor} is not known here; put it before its first use"
            raise YamlError(position, message)
        return Alias(position=position, anchor=anchor or "", target=target)
    node: Scalar | Sequence | Mapping
    if isinstance(event, yaml.ScalarEvent):
        node = Scalar(position=position, text=event.value, tag=event.tag, quoted=event.style not in {None, ""})
    elif isinstance(event, yaml.SequenceStartEvent):
        node = Sequence(position=position)
    else:
        node = Mapping(position=position)
    if anchor is not None:
        anchors[anchor] = node
    return node


def _located(error: yaml.MarkedYAMLError) -> YamlError:
    """The error at the line where Butane reports it: where the broken thing begins, if it is not the first line.

    For errors of the grammar Butane's line is the one before. Where the parser gave up is told in the message.
    """
    context, problem = error.context_mark, error.problem_mark
    scanned = isinstance(error, yaml.scanner.ScannerError)
    mark = context if context is not None and context.line else problem
    gave_up = problem or context
    words = (error.problem or "it can't be parsed").removeprefix("found ")
    if error.context:
        words = f"{words} {error.context}"
    if "unexpected ':'" in words:
        words += "; put a space behind the colon"
    if mark is None or gave_up is None:
        return YamlError(Position(line=1, column=1), f"the text is not YAML: {words}")
    line = mark.line + 1 if scanned else max(1, mark.line)
    column = mark.column + 1 if scanned else 1
    if line != gave_up.line + 1:
        words += f" (noticed at line {gave_up.line + 1}, column {gave_up.column + 1})"
    return YamlError(Position(line=line, column=column), f"the text is not YAML: {words}")
