"""Every place of a topology where the schema takes text of the user's own, found by walking the schema."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, read_schema
from netwright.schema.words import Schema, resolve

ANY_NAME = "NAME"
ANY_ENTRY = "[]"


class Field(Struct, frozen=True, kw_only=True):
    """A free-text field: the steps that lead to it, and whether it is a mapping's key (a name) instead of a value."""

    steps: tuple[str, ...]
    is_name: bool

    def __str__(self) -> str:
        text = ".".join(self.steps).replace(f".{ANY_ENTRY}", ANY_ENTRY)
        return f"{text} (name)" if self.is_name else text


def find_fields() -> tuple[Field, ...]:
    """Every free-text field of the topology's schema."""
    root = read_schema(TOPOLOGY_SCHEMA)
    return tuple(dict.fromkeys(_walk(root, (), root)))


def _walk(schema: Schema, steps: tuple[str, ...], root: Schema) -> Iterator[Field]:
    schema = resolve(schema, root)
    if "const" in schema or "enum" in schema:
        return
    if "string" in _types(schema):
        yield Field(steps=steps, is_name=False)
    for key, below in schema.get("properties", {}).items():
        yield from _walk(below, (*steps, key), root)
    if isinstance(schema.get("additionalProperties"), dict):
        yield Field(steps=(*steps, ANY_NAME), is_name=True)
        yield from _walk(schema["additionalProperties"], (*steps, ANY_NAME), root)
    if "items" in schema:
        yield from _walk(schema["items"], (*steps, ANY_ENTRY), root)
    for keyword in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(keyword, ()):
            yield from _walk(branch, steps, root)


def _types(schema: Schema) -> Any:
    return schema.get("type", ())


def positions(field: Field, document: Any) -> Iterator[tuple[str | int, ...]]:
    """The paths of a document at which the field stands."""
    yield from _positions(field.steps, document, ())


def _positions(steps: tuple[str, ...], value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if not steps:
        yield path
        return
    step, rest = steps[0], steps[1:]
    if step == ANY_ENTRY:
        if isinstance(value, list):
            for number, entry in enumerate(value):
                yield from _positions(rest, entry, (*path, number))
        elif not rest:
            yield path
    elif isinstance(value, dict):
        for key in value if step == ANY_NAME else [step]:
            if key in value:
                yield from _positions(rest, value[key], (*path, key))
