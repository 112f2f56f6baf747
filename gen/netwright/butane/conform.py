"""Checks a document against the schema of its version."""

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from msgspec import Struct

from netwright.butane.findings import Diagnostics
from netwright.butane.shape import Specification, specification

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_NOUNS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "a mapping",
    "string": "text",
}


def conforms(known: Specification, document: Mapping[str, Any], found: Diagnostics) -> bool:
    """Return whether every known field of the document has its type; others are reported in the schema's words."""
    if _is_valid(known.version, document):
        return True
    before = len(found.diagnostics)
    for error in _validator(known.version).iter_errors(document):
        path = tuple(error.absolute_path)
        wanted = _NOUNS.get(str(error.validator_value), str(error.validator_value))
        if error.instance is None and path and isinstance(path[-1], str):
            continue  # a field that is None is a field that is missing
        message = f"{_shown(error.instance)} is {_noun(error.instance)}; {wanted} is expected here"
        found.error(path, "field_has_its_type", message)
    return len(found.diagnostics) == before


class Foreign(Struct, frozen=True):
    """A value of a type that no document has, which no field takes."""

    value: object

    def __str__(self) -> str:
        return "what stands here" if isinstance(self.value, bytes) else str(self.value)


def plain(value: Any, deepest: int = 32) -> Any:
    """Return the value with every kind of mapping and sequence as the plain one that both validators take.

    What lies deeper than any field does is left alone: data may contain itself.
    """
    if value is None or isinstance(value, str | int | float) or not deepest:
        return value
    if isinstance(value, Mapping):
        return {key: plain(below, deepest - 1) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [plain(below, deepest - 1) for below in value]
    return Foreign(value)


def _is_valid(version: str, document: Mapping[str, Any]) -> bool:
    try:
        return _fast_validator(version).is_valid(document)
    except (TypeError, ValueError):
        # It takes neither lone surrogates nor subclasses of the plain types; the other validator does.
        return False


@cache
def _fast_validator(version: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(specification(version).schema))


@cache
def _validator(version: str) -> "Draft202012Validator":
    # Loaded only when there is something to report: it takes longer to import than a config to compile.
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return Draft202012Validator(specification(version).schema)


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{}" if not value else f"{{{next(iter(value))}: ...}}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _noun(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "a truth value"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
        case Foreign(value=foreign):
            return f"of the Python type {type(foreign).__name__}"
    raise TypeError(value)
