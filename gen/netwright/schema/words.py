"""Wording of a schema and a value in messages: what would be right, and what is there instead."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from netwright.text.load import Document

Schema = dict[str, Any]

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_LONGEST_SHOWN = 60
_HASH_OR_TOKEN = re.compile(r"\$[0-9a-z]+\$|-----BEGIN|(?=\S*[0-9])(?=\S*[A-Z])(?=\S*[a-z])[A-Za-z0-9+/=_-]{24,}")


def resolve(schema: Schema, root: Schema) -> Schema:
    """The schema, a reference (`#/$defs/NAME`) in it followed; keys next to the reference win."""
    if "$ref" not in schema:
        return schema
    target = root
    for step in schema["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    merged = resolve(target, root) | beside
    if "properties" in target and "properties" in beside:
        merged["properties"] = target["properties"] | beside["properties"]
    return merged


def expected(schema: Schema, root: Schema) -> str:
    """Return what is right, as the end of "must be ...": its own text, or else its keywords explained."""
    schema = resolve(schema, root)
    types = json_types(schema, root)
    if "x-expected" in schema:
        words = str(schema["x-expected"])
        is_mapping = types == {"object"} and not words.startswith("a mapping")
        return f"a mapping ({words})" if is_mapping else words
    if "const" in schema:
        return spell(schema["const"])
    if "enum" in schema:
        return join_choices([spell(value) for value in schema["enum"]])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema and "type" not in schema:
            return " or ".join(dict.fromkeys(expected(branch, root) for branch in schema[keyword]))
    if types == {"integer"} and "minimum" in schema and "maximum" in schema:
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    if types == {"array"} and "items" in schema:
        return f"a list (each entry: {expected(schema['items'], root)})"
    return join_choices([_TYPES[name] for name in sorted(types)]) or "something else"


def known_keys(schema: Schema, root: Schema) -> dict[str, Schema]:
    """The schemas of the keys that a mapping of this schema may have, by key."""
    schema = resolve(schema, root)
    known: dict[str, Schema] = {}
    for keyword in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(keyword, ()):
            known |= known_keys(branch, root)
    known |= schema.get("properties", {})
    return known


def choices(schema: Schema, root: Schema) -> tuple[str, ...]:
    """The words that the schema lists as possible values."""
    schema = resolve(schema, root)
    words = [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
    for keyword in ("anyOf", "oneOf"):
        for branch in schema.get(keyword, ()):
            words += choices(branch, root)
    return tuple(word for word in words if isinstance(word, str))


def json_types(schema: Schema, root: Schema) -> set[str]:
    """The JSON types that a value of this schema can have; empty if the schema has no type."""
    schema = resolve(schema, root)
    if "type" in schema:
        return {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
    if "const" in schema:
        return {json_type(schema["const"])}
    if "enum" in schema:
        return {json_type(value) for value in schema["enum"]}
    branches = [json_types(branch, root) for keyword in ("anyOf", "oneOf") for branch in schema.get(keyword, ())]
    return set().union(*branches) if all(branches) else set()


def json_type(value: Document) -> str:
    """The name that JSON Schema has for a value's type; a whole number is an integer."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def describe(value: Document) -> str:
    """Return what is there instead, as the end of "must be ..., not ..."."""
    match value:
        case None:
            return "empty"
        case bool():
            return spell(value)
        case int() | float():
            return f"the number {quote(value)}"
        case str():
            return quote(value)
        case list():
            return "a list"
        case _:
            return "a mapping"


def spell(value: Document) -> str:
    """A value as it is written in YAML on one line, its texts without quotes."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(spell(entry) for entry in value)}]"
        case dict():
            return f"{{{', '.join(f'{key}: {spell(entry)}' for key, entry in value.items())}}}"
        case _:
            return str(value)


def quote(value: Document) -> str:
    """A value for a message: quoted if it is text, never all of a long one, nor of one that may be a secret."""
    text = spell(value)
    if _HASH_OR_TOKEN.match(text):
        text = text[:4] + "…"
    elif len(text) > _LONGEST_SHOWN:
        text = text[: _LONGEST_SHOWN - 1] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def join_choices(choices: Iterable[str], conjunction: str = "or") -> str:
    """a, b or c."""
    *others, last = [*choices] or [""]
    return f"{', '.join(others)} {conjunction} {last}" if others else last


@lru_cache(maxsize=4096)
def closest(word: str, known: tuple[str, ...]) -> str | None:
    """The known word that was most likely meant by `word`."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a misspelling needs it

    folded = {candidate.casefold().replace("-", "_"): candidate for candidate in reversed(known)}
    close = get_close_matches(word[:_LONGEST_SHOWN].casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None
