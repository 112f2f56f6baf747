"""Changes of a topology's document, one place each, in the words in which a person would make them."""

import copy
from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

from netwright.text.load import Document
from netwright.text.report import excerpt, printable
from netwright.text.source import Position, Source, TopologyPath, format_path, locate

MOST_SHOWN = 3


class Edit(Struct, frozen=True, kw_only=True):
    """A place of the document, and what to do there: set a value, remove it, or insert one before it in its list."""

    path: TopologyPath
    verb: Literal["set", "remove", "insert"]
    value: Any = None

    def __hash__(self) -> int:
        """A hash that values such as mappings do not prevent."""
        return hash((self.path, self.verb, write_value(self.value)))


Candidate = tuple[Edit, ...]


def put(path: TopologyPath, value: object) -> Edit:
    """The edit that puts a value in a place, whether or not it holds one already."""
    return Edit(path=path, verb="set", value=value)


def remove(path: TopologyPath) -> Edit:
    """The edit that takes a value away."""
    return Edit(path=path, verb="remove")


def insert(path: TopologyPath, value: object) -> Edit:
    """The edit that puts a value into a list, before what is at that place."""
    return Edit(path=path, verb="insert", value=value)


def apply(document: Document, candidate: Candidate) -> Document:
    """The document with the candidate's edits; the given one stays as it is. Missing mappings and lists are made."""
    changed = copy.deepcopy(document)
    # From behind: what is removed or inserted at a place moves only what comes after it.
    for edit in sorted(candidate, key=lambda edit: [str(step).zfill(9) for step in edit.path], reverse=True):
        place: Any = changed
        for step, below in zip(edit.path[:-1], edit.path[1:], strict=True):
            if isinstance(place, dict) and step not in place:
                place[step] = [] if isinstance(below, int) else {}
            place = place[step]
        last = edit.path[-1]
        if edit.verb == "remove":
            del place[last]
        elif edit.verb == "insert":
            place.insert(last, edit.value)
        else:
            place[last] = edit.value
    return changed


def find(document: Document, path: TopologyPath) -> Any:
    """Return the document's value at a place, None if there is none."""
    found: Any = document
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def describe(document: Document, candidate: Candidate) -> str:
    """The candidate in words."""
    shown = [_describe(document, edit) for edit in candidate[:MOST_SHOWN]]
    more = len(candidate) - MOST_SHOWN
    return " and ".join([*shown, *([f"{more} more of the kind"] if more > 0 else [])])


def _describe(document: Document, edit: Edit) -> str:
    path, was = format_path(edit.path), find(document, edit.path)
    if edit.verb == "remove":
        return f"remove {path}"
    if edit.verb == "insert":
        return f"insert {path}: {write_value(edit.value)}"
    return f"add {path}: {write_value(edit.value)}" if was is None else f"change {path} to {write_value(edit.value)}"


def write_value(value: object) -> str:
    """The value as it stands in a topology, on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {write_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write_value, value)) + "]"
    return str(value)


def places(source: Source, candidate: Iterable[Edit]) -> tuple[Position, ...]:
    """Return where each edit is made: at the value that it changes; an addition, at the nearest thing it belongs to."""
    edits = tuple(candidate)
    located = locate(source, [edit.path for edit in edits])
    return tuple(located[edit.path].value for edit in edits)


def show_edits(source: Source, document: Document, candidate: Candidate) -> list[str]:
    """The lines of the topology with a caret at each edit, and what to type there."""
    lines: list[str] = []
    shown = candidate[:MOST_SHOWN]
    for edit, position in zip(shown, places(source, shown), strict=True):
        quoted = excerpt(source, position)
        if quoted:
            quoted[-1] += f" {printable(_order(document, edit))}"
        lines += quoted
    return lines


def _order(document: Document, edit: Edit) -> str:
    """Return what to do at the caret."""
    value = write_value(edit.value)
    if edit.verb == "remove":
        return "remove this"
    if find(document, edit.path) is None:
        held = next(n for n in range(len(edit.path)) if find(document, edit.path[: n + 1]) is None)
        nested = value
        for step in reversed(edit.path[held + 1 :]):
            nested = f"[{nested}]" if isinstance(step, int) else f"{{{step}: {nested}}}"
        return f"add here: {edit.path[held]}: {nested}" if isinstance(edit.path[held], str) else f"append: {nested}"
    return f"insert before this: {value}" if edit.verb == "insert" else f"write {value}"
