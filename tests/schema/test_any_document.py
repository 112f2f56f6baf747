"""No document whatever makes validation fail otherwise than by findings."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.schema.findings import find_violations
from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, conforms, read_schema, starter_topology, validate
from netwright.text.load import load
from netwright.text.report import Report, render_text
from netwright.text.source import Source

WORDS = ["network", "address", "via", "to", "none", "any", "rocky9", "10.17.4.21", "10.0.0.0/8", "eth0", "", "x" * 300]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(0, 9) | st.sampled_from(WORDS) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(), below, max_size=3),
    max_leaves=6,
)


def starter() -> Any:
    document, _ = load(Source(name="starter", text=starter_topology()))
    return document


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for step, entry in entries for below in paths(entry, (*path, step)))]


def check(document: Any) -> None:
    found = validate(document, TOPOLOGY_SCHEMA)
    assert conforms(document, TOPOLOGY_SCHEMA) == (found == ())
    assert found == find_violations(document, read_schema(TOPOLOGY_SCHEMA))
    assert all(len(diagnostic.message) < 600 for diagnostic in found)
    render_text(Report.about(Source(name="t.yaml", text=None), found))


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_document_is_passed_or_reported(document: Any) -> None:
    check(document)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(paths(starter())[1:]), VALUES)
def test_any_value_in_any_place_is_passed_or_reported(path: tuple[Any, ...], value: Any) -> None:
    document = starter()
    within = document
    for step in path[:-1]:
        within = within[step]
    within[path[-1]] = value

    check(document)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(paths(starter())), st.text(max_size=20), VALUES)
def test_any_further_key_in_any_mapping_is_passed_or_reported(path: tuple[Any, ...], key: str, value: Any) -> None:
    document = starter()
    within = document
    for step in path:
        within = within[step]
    if isinstance(within, dict):
        within[key] = value

    check(document)
