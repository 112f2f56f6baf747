"""Demands on every schema in schema/: valid, anchored, in YAML 1.2, and with words for what would be right."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from netwright.files.resources import resource_dir, resource_text
from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, published_schema, read_schema, starter_topology, validate
from netwright.schema.words import expected, resolve
from netwright.text.yaml_events import Folding
from tests.tunnels import KEY1

NAMES = sorted(path.name for path in resource_dir("schema").glob("*.schema.yaml"))
SUBSCHEMAS = ("properties", "$defs", "patternProperties")


def walk(schema: Any, pointer: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, by its JSON pointer."""
    if isinstance(schema, list):
        for number, below in enumerate(schema):
            yield from walk(below, f"{pointer}/{number}")
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for keyword, below in schema.items():
        if keyword in SUBSCHEMAS:
            for name, one in below.items():
                yield from walk(one, f"{pointer}/{keyword}/{name}")
        elif keyword not in ("const", "enum", "examples", "default") and not keyword.startswith("x-"):
            yield from walk(below, f"{pointer}/{keyword}")


SCHEMAS = {f"{name} {pointer}": schema for name in NAMES for pointer, schema in walk(read_schema(name))}
ROOT = read_schema(TOPOLOGY_SCHEMA)
TOPOLOGY = dict(walk(ROOT))
PATTERNS = {
    f"{place} {keyword}": pattern
    for place, schema in SCHEMAS.items()
    for keyword, patterns in (
        ("pattern", [schema["pattern"]] if "pattern" in schema else []),
        ("patternProperties", list(schema.get("patternProperties", ()))),
    )
    for pattern in patterns
}


@pytest.mark.parametrize("name", NAMES)
def test_is_a_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(read_schema(name))


@pytest.mark.parametrize("name", NAMES)
def test_means_the_same_in_yaml_1_1_and_1_2(name: str) -> None:
    folding = Folding(text=resource_text("schema", name))
    folding.run()

    assert [found.rule for found in folding.diagnostics] == []
    assert folding.documents[0] == read_schema(name)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
class TestPattern:
    def test_is_anchored_at_both_ends_of_every_alternative(self, pattern: str) -> None:
        assert pattern.startswith("^")
        assert pattern.endswith(r"$(?!\n)")
        assert not _has_top_level_alternative(pattern)

    def test_knows_only_ascii_classes(self, pattern: str) -> None:
        """\\d and \\w are all of Unicode in Python, and ASCII in other validators."""
        assert re.search(r"\\[dDwWsSbB]", pattern) is None

    def test_does_not_match_before_a_trailing_line_break(self, pattern: str) -> None:
        """`$` alone does in Python: n1 with a line break would be a valid name."""
        matching = next(text for text in _TEXTS if re.search(pattern, text))

        assert re.search(pattern, matching + "\n") is None


_TEXTS = (
    *(
        "a",
        "n1",
        "eth0",
        "any",
        "tcp/80",
        "10.0.0.1",
        "10.0.0.0/8",
        "10.0.0.0/24",
        "52:54:00:12:34:56",
        "a/b.c",
        "net.ipv4.ip_forward",
    ),
    *(
        "/etc/x",
        KEY1,
        "0644",
        "2024-01-01",
        "https://x.example/a",
        "sha512-" + "0" * 128,
        "a.service",
        "a.conf",
        "ssh-rsa AAAA x",
    ),
)


def _has_top_level_alternative(pattern: str) -> bool:
    depth, escaped, in_class = 0, False, False
    for sign in pattern:
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and depth == 0:
            return True
    return False


@pytest.mark.parametrize("schema", TOPOLOGY.values(), ids=TOPOLOGY.keys())
class TestTopologySubschema:
    def test_says_what_its_pattern_means(self, schema: dict[str, Any]) -> None:
        assert "pattern" not in schema or "x-expected" in schema

    def test_has_examples_that_conform(self, schema: dict[str, Any]) -> None:
        validator = Draft202012Validator({**schema, "$defs": ROOT["$defs"]})

        assert [example for example in schema.get("examples", ()) if not validator.is_valid(example)] == []

    def test_allows_no_key_that_it_does_not_name(self, schema: dict[str, Any]) -> None:
        """Settings are closed by whoever refers to them."""
        is_open = "properties" in schema and not {"additionalProperties", "unevaluatedProperties"} & schema.keys()

        assert not is_open or schema is ROOT["$defs"]["settings"]

    def test_can_say_what_would_be_right(self, schema: dict[str, Any]) -> None:
        if {"type", "$ref", "enum", "const", "anyOf"} & resolve(schema, ROOT).keys():
            assert expected(schema, ROOT) != "something else"


def test_the_published_form_allows_the_same() -> None:
    published = json.loads(published_schema())

    added = {json.dumps(list(path)) for path, one in _schemas(published) if "type" in one} - {
        json.dumps(list(path)) for path, one in _schemas(ROOT) if "type" in one
    }
    assert len(added) == 3
    assert _without(published, added) == _without(ROOT, set())
    assert published_schema().endswith("}\n")


def _schemas(schema: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    if isinstance(schema, dict):
        yield path, schema
        for key, below in schema.items():
            yield from _schemas(below, (*path, key))
    elif isinstance(schema, list):
        for number, below in enumerate(schema):
            yield from _schemas(below, (*path, number))


def _without(schema: Any, added: set[str], path: tuple[str | int, ...] = ()) -> Any:
    """Return a schema without keywords of ours, and without the types at some places."""
    if isinstance(schema, list):
        return [_without(below, added, (*path, number)) for number, below in enumerate(schema)]
    if not isinstance(schema, dict):
        return schema
    here = json.dumps(list(path)) in added
    kept = {key: below for key, below in schema.items() if not key.startswith("x-") and not (here and key == "type")}
    return {key: _without(below, added, (*path, key)) for key, below in kept.items()}


def test_the_published_form_suits_strict_validators() -> None:
    """As ajv in strict mode judges, which SchemaStore asks for: keywords are known, with a type; defaults conform."""
    published = json.loads(published_schema())
    known = {
        *("$schema", "$id", "$ref", "$defs", "title", "description", "default", "examples", "type", "enum", "const"),
        *("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames"),
        *("required", "minProperties", "maxProperties", "dependentRequired", "items", "prefixItems", "minItems"),
        *("maxItems", "uniqueItems", "contains", "minContains", "maxContains", "minLength", "maxLength", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "allOf", "anyOf", "oneOf", "not"),
        *("if", "then", "else", "dependentSchemas"),
    }

    def check(schema: Any) -> None:
        if isinstance(schema, bool):
            return
        assert schema.keys() <= known, schema.keys() - known
        assert "type" in schema or not {"unevaluatedProperties", "minItems"} & schema.keys()
        if "default" in schema:
            validator = Draft202012Validator({**schema, "$defs": published["$defs"]})
            assert validator.is_valid(schema["default"]), schema
        for keyword in ("properties", "patternProperties", "$defs", "dependentSchemas"):
            for below in schema.get(keyword, {}).values():
                check(below)
        for keyword in ("allOf", "anyOf", "oneOf", "prefixItems"):
            for below in schema.get(keyword, ()):
                check(below)
        for keyword in ("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "contains", "not"):
            if keyword in schema:
                check(schema[keyword])
        for keyword in ("if", "then", "else"):
            if keyword in schema:
                check(schema[keyword])

    check(published)
    assert published["$id"] == "https://json.schemastore.org/netwright-1.json"
    assert sum("default" in one for _, one in _schemas(published)) > 40


def test_the_starter_topology_conforms_and_has_the_editors_modeline() -> None:
    folding = Folding(text=starter_topology())
    folding.run()

    assert folding.diagnostics == []
    assert validate(folding.documents[0], TOPOLOGY_SCHEMA) == ()
    assert starter_topology().startswith("# yaml-language-server: $schema=topology.schema.json\n")
