"""The specification as the transpiler walks it: objects with ordered fields, read from the schema files."""

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any

from msgspec import Struct

from netwright.files.resources import read_schema_file

VERSIONS = ("1.0.0", "1.1.0")
"""The versions of variant flatcar that can be compiled, oldest first."""


class FieldKind(Enum):
    """Type of a field."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    OBJECT = "object"
    OBJECTS = "array of objects"
    STRINGS = "array of strings"


class Field(Struct, frozen=True, kw_only=True):
    """One field of an object: how Butane and Ignition call it, and what it may hold.

    `ignition` is None for what only Butane knows. `default` is written where the field is missing, `omit` is the value
    that is left out. `unique` names the field in which no two entries of a list may agree ("." is the entry itself),
    `unique_across` the lists of one object that are judged as one.
    """

    name: str
    ignition: str | None
    kind: FieldKind
    shape: "Shape | None"
    default: str | None
    omit: str | int | None
    unique: str | None
    unique_across: str | None
    denied: str | None


class Shape(Struct, frozen=True, kw_only=True, eq=False):
    """An object of the specification; `fields` stand in the order of the Ignition JSON."""

    name: str
    fields: tuple[Field, ...]
    by_name: Mapping[str, Field]
    has_unique: bool


class Specification(Struct, frozen=True, kw_only=True, eq=False):
    """One version of variant flatcar: its schema, its root object, the Ignition version it compiles to."""

    version: str
    ignition_version: str
    schema: Mapping[str, Any]
    root: Shape
    shapes: Mapping[str, Shape]


@cache
def specification(version: str) -> Specification:
    """The specification of `version`, one of VERSIONS."""
    schema = _load(f"butane-flatcar-{version}.schema.yaml")
    shapes: dict[str, Shape] = {}
    root = _shape("root", schema, schema["$defs"], shapes)
    return Specification(
        version=version, ignition_version=schema["x-ignition-version"], schema=schema, root=root, shapes=shapes
    )


def camel(name: str) -> str:
    """The Ignition name of a Butane field: home_dir is homeDir, size_mib is sizeMiB."""
    head, *tail = name.split("_")
    return head + "".join("MiB" if word == "mib" else word.capitalize() for word in tail)


def _load(name: str) -> dict[str, Any]:
    schema = read_schema_file(name)
    base = schema.pop("x-extends", None)
    return schema if base is None else _overlay(_load(base), schema)


def _overlay(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with the values of `above` laid over it, mappings key by key, x-after obeyed."""
    laid = dict(below)
    for key, value in above.items():
        old = laid.get(key)
        laid[key] = _overlay(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        if old is None and isinstance(value, dict) and "x-after" in value:
            laid = _move_after(laid, key, value["x-after"])
    return laid


def _move_after(fields: Mapping[str, Any], moved: str, anchor: str) -> dict[str, Any]:
    reordered = {}
    for key, value in fields.items():
        if key != moved:
            reordered[key] = value
        if key == anchor:
            reordered[moved] = fields[moved]
    return reordered


def _shape(name: str, schema: Mapping[str, Any], defs: Mapping[str, Any], shapes: dict[str, Shape]) -> Shape:
    if name not in shapes:
        fields = tuple(_field(key, value, defs, shapes) for key, value in schema["properties"].items())
        shapes[name] = Shape(
            name=name,
            fields=fields,
            by_name={field.name: field for field in fields},
            has_unique=any(field.unique for field in fields),
        )
    return shapes[name]


def _field(name: str, schema: Mapping[str, Any], defs: Mapping[str, Any], shapes: dict[str, Shape]) -> Field:
    target, resolved = _resolve(schema, defs)
    kind, shape = _kind(target, resolved, defs, shapes)
    return Field(
        name=name,
        ignition=None if resolved.get("x-butane-only") else camel(name),
        kind=kind,
        shape=shape,
        default=resolved.get("default"),
        omit=resolved.get("x-omit"),
        unique=resolved.get("x-unique"),
        unique_across=resolved.get("x-unique-across"),
        denied=resolved.get("x-denied"),
    )


def _resolve(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The name of the definition that `schema` refers to ("" if none), and both laid together."""
    if "$ref" not in schema:
        return "", schema
    target = schema["$ref"].removeprefix("#/$defs/")
    return target, {**defs[target], **schema}


def _kind(
    target: str, schema: Mapping[str, Any], defs: Mapping[str, Any], shapes: dict[str, Shape]
) -> tuple[FieldKind, Shape | None]:
    if schema.get("type") == "object":
        return FieldKind.OBJECT, _shape(target, schema, defs, shapes)
    if schema.get("type") == "array":
        item, resolved = _resolve(schema["items"], defs)
        if resolved["type"] == "object":
            return FieldKind.OBJECTS, _shape(item, resolved, defs, shapes)
        return FieldKind.STRINGS, None
    return FieldKind(schema.get("type", "string")), None
