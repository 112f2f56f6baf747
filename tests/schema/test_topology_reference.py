"""docs/topology.md tells everything that the schema allows, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from netwright.model import ROUTE_ATTRIBUTES
from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, read_schema
from netwright.text.yaml_events import Folding
from netwright.tools.schema_docs import REFERENCE, Section, find_sections, read_examples, render_reference

SCHEMA = read_schema(TOPOLOGY_SCHEMA)
SECTIONS = {section.title: section for section in find_sections(SCHEMA)}


def read(text: str) -> Any:
    folding = Folding(text=text)
    folding.run()
    assert folding.diagnostics == []
    return folding.documents[0]


def property_names(schema: Any) -> Iterator[str]:
    """Every key that the schema names, found without knowing how mappings nest."""
    if isinstance(schema, dict):
        for keyword, below in schema.items():
            if keyword == "properties":
                yield from below
                for one in below.values():
                    yield from property_names(one)
            else:
                yield from property_names(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from property_names(below)


def test_the_reference_is_what_the_schema_says() -> None:
    """If this fails: run `python -m netwright.tools.schema_docs` and read the difference."""
    assert REFERENCE.read_text(encoding="utf-8") == render_reference(SCHEMA, read_examples())


def test_every_key_of_the_schema_has_a_row() -> None:
    rows = [line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]

    assert sorted(row.split("`")[1] for row in rows) == sorted(property_names(SCHEMA))


def test_every_key_of_the_schema_is_described() -> None:
    rows = [line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]

    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_key_of_a_route_is_kept_by_the_model() -> None:
    keys = SCHEMA["$defs"]["route"]["properties"]

    assert [key for key in keys if key not in ("to", "via", "next_hops", "dev")] == list(ROUTE_ATTRIBUTES)


def test_every_section_has_an_example_and_no_other_has() -> None:
    assert set(read_examples()) == set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS.keys())
class TestExample:
    def test_conforms_to_the_schema(self, section: Section) -> None:
        example = read(read_examples()[section.title])

        errors = list(Draft202012Validator({**section.schema, "$defs": SCHEMA["$defs"]}).iter_errors(example))

        assert [error.message for error in errors] == []

    def test_shows_every_key_that_may_stand_together(self, section: Section) -> None:
        example = read(read_examples()[section.title])
        choices = {key for branch in section.schema.get("oneOf", ()) for key in branch["required"]}
        choices |= {key for branch in section.schema.get("allOf", ()) for key in branch["not"]["required"]}

        missing = {key for key in section.schema["properties"] if key not in example} - choices

        assert missing == set()
