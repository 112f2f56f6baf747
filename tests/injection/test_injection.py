"""Every free-text field of the schema, filled with every payload, for every target.

Either the topology is refused, or each file reads back as with a harmless value, the payload in the value's place: not
one line, directive or command more. The fields come from the schema; one that stands in no topology here is a failure.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner

from netwright.checks import check
from netwright.commands.main import netwright
from netwright.parse import parse
from netwright.production.production import prepare
from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, conforms
from netwright.text.load import load
from netwright.text.report import Severity
from netwright.text.source import Source, TopologyPath
from tests.injection.fields import ANY_ENTRY, Field, find_fields, positions
from tests.injection.outputs import read_tree
from tests.injection.payloads import HOSTILE, INNOCENT_LOOKING
from tests.injection.topologies import SNIPPETS, TARGETS, build_topology, project_files

FIELDS = find_fields()
NEVER_ALLOWED = tuple(field for field in FIELDS if field.steps[-4:] == ("input", "rules", ANY_ENTRY, "out"))
"""The schema has these for chains in general, and a check refuses them for this one, whatever they say."""
CASES = {
    f"{target} {field}": (target, field)
    for target in TARGETS
    for field in FIELDS
    if any(positions(field, build_topology(target)))
}


def test_every_field_of_the_schema_stands_in_a_topology_here() -> None:
    attacked = {field for _, field in CASES.values()}

    assert [str(field) for field in FIELDS if field not in attacked and field not in NEVER_ALLOWED] == []


@pytest.mark.parametrize("target", TARGETS)
def test_the_harmless_topology_is_generated(target: str, tmp_path: Path) -> None:
    assert read_outputs(build_topology(target), target, tmp_path)


@pytest.mark.parametrize(("target", "field"), CASES.values(), ids=CASES)
def test_no_payload_adds_anything(target: str, field: Field, tmp_path: Path) -> None:
    harmless = build_topology(target)
    for payload in filter(is_loaded, payloads(target, field)):
        for harmless_value, document in attacks(harmless, field, payload):
            if not conforms(document, TOPOLOGY_SCHEMA):
                break  # nor does one with the payload in further places
            if is_refused_by_checks(document):
                continue
            found = read_outputs(document, target, tmp_path, payload)
            if found is None:
                continue
            expected = harmless_outputs(target)
            assert canonical(found, expected, payload, harmless_value) == canonical(
                expected, found, payload, harmless_value
            )


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_a_line_break_is_bad_input_to_the_command(field: Field, tmp_path: Path) -> None:
    target = next((target for target, one in CASES.values() if one == field), "flatcar")
    document = build_topology(target)
    if field in NEVER_ALLOWED:
        chain = document["nodes"]["box"]["firewall"]["input"]
        chain["rules"][0]["out"] = "eth1"
    else:
        _, document = next(attacks(document, field, "a\nExecStart=/bin/id"))
    write_project(document, target, tmp_path, None)
    paths = [str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out")]

    outcome = CliRunner().invoke(netwright, ["generate", *paths])

    assert outcome.exit_code == 2
    assert isinstance(outcome.exception, SystemExit)
    assert f"{paths[0]}:" in outcome.stderr
    assert not (tmp_path / "out").exists()


def payloads(target: str, field: Field) -> Iterator[str]:
    """Return the texts that the field is filled with.

    The values that many fields take are tried for every target where nodes have the field, and for one where a default,
    group or network has it: from there on they are the node's own.
    """
    yield from HOSTILE.values()
    if field.steps[0] == "nodes" or target == "rocky-keyfile":
        yield from INNOCENT_LOOKING.values()


def attacks(harmless: Any, field: Field, payload: str) -> Iterator[tuple[str, Any]]:
    """The topology with the payload at a place of the field, and with everything of the same name renamed.

    With each comes the harmless value that the payload took the place of.
    """
    place = next(positions(field, harmless))
    if field.is_name:
        value = str(place[-1])
        mapping = look_up(harmless, place[:-1])
        renamed = {payload if key == value else key: below for key, below in mapping.items()}
        document = replace(harmless, place[:-1], renamed)
    else:
        value = first_text(look_up(harmless, place))
        is_whole_list = field.steps[-1] == ANY_ENTRY and isinstance(place[-1], str)
        document = replace(harmless, place, [payload] if is_whole_list else payload)
    yield value, document
    everywhere = rename(harmless, value, payload)
    if everywhere != document:
        yield value, everywhere


def look_up(document: Any, place: TopologyPath) -> Any:
    for step in place:
        document = document[step]
    return document


def replace(document: Any, place: TopologyPath, value: Any) -> Any:
    """The document with the value at the place; what lies elsewhere is shared."""
    if not place:
        return value
    copied = document.copy()
    copied[place[0]] = replace(document[place[0]], place[1:], value)
    return copied


def first_text(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def rename(value: Any, old: str, new: str) -> Any:
    """The value with every text and key that is the old one replaced."""
    if isinstance(value, dict):
        return {rename(key, old, new): rename(below, old, new) for key, below in value.items()}
    if isinstance(value, list):
        return [rename(below, old, new) for below in value]
    return new if value == old and isinstance(value, str) else value


def is_refused_by_checks(document: Any) -> bool:
    """Return whether parsing or a check refuses it: sooner than `prepare`, which tells all that is wrong."""
    topology, diagnostics = parse(document)
    found = (*diagnostics, *check(topology))
    return any(one.severity is Severity.ERROR for one in found)


@cache
def is_loaded(payload: str) -> bool:
    """Return whether YAML may hold it."""
    document, _ = load(Source(name="t", text=as_json({"a": payload})))
    return document is not None


def as_json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)


def write_project(document: Any, target: str, folder: Path, payload: str | None) -> None:
    """The topology's folder; where the payload is the path of a file, that one is there too."""
    files = project_files(target)
    if payload is not None and payload in find_paths(document):
        files |= {payload: SNIPPETS[target][1]}
    for path, text in files.items():
        place = Path(os.path.abspath(folder / path))
        if "\0" in path or not place.is_relative_to(folder):
            continue  # the payload would be written outside: whoever weakens the schema must not lose /etc/passwd
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (folder / "topology.yaml").write_text(as_json(document), encoding="utf-8")


def find_paths(document: Any) -> set[str]:
    levels = (document.get("defaults", {}), *document.get("groups", {}).values(), *document["nodes"].values())
    return {path for level in levels for key in ("butane", "cloud_init") for path in level.get(key, ())}


def read_outputs(document: Any, target: str, folder: Path, payload: str | None = None) -> dict[str, Any] | None:
    """Return what is read in all files of all nodes, by node; None if the topology is refused."""
    write_project(document, target, folder, payload)
    production, report = prepare(str(folder / "topology.yaml"))
    if production is None:
        assert report.errors
        return None
    try:
        trees = [production.build(node) for node in production.nodes]
    finally:
        production.close()
    if any(tree.report.errors for tree in trees):
        return None
    return {tree.node: read_tree(tree) for tree in trees}


@cache
def harmless_outputs(target: str) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        outputs = read_outputs(build_topology(target), target, Path(folder))
    assert outputs is not None
    return outputs


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SYSCTL = re.compile(r"\s*[a-z0-9_]+[./][^ =]+(?= = )")


def canonical(outputs: dict[str, Any], others: dict[str, Any], payload: str, harmless: str) -> Any:
    """Return what was read in the files that differ, with the harmless value in the payload's place.

    What follows from a name is left out: UUIDs, the order, whether dots or slashes stand between a sysctl key's words.
    """
    differing = {
        node: {path: read for path, read in files.items() if others.get(node, {}).get(path) != read}
        for node, files in outputs.items()
    }
    pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(payload)}(?![A-Za-z0-9])")

    @cache
    def in_words(text: str) -> str:
        text = pattern.sub(lambda _: harmless, UUID.sub("UUID", text))
        return SYSCTL.sub(lambda key: key.group().replace(".", "/"), text)

    return _substitute(differing, in_words)


def _substitute(value: Any, in_words: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return in_words(value)
    if isinstance(value, dict):
        return {in_words(key): _substitute(one, in_words) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_substitute(entry, in_words) for entry in value), key=repr)
    return value
