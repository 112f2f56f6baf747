"""The schema files: JSON Schema, and the description that drives the transpiler."""

from typing import Any

import jsonschema
import pytest

from netwright.butane.shape import VERSIONS, FieldKind, camel, specification


@pytest.mark.parametrize("version", VERSIONS)
def test_schema_is_json_schema(version: str) -> None:
    jsonschema.Draft202012Validator.check_schema(dict(specification(version).schema))


@pytest.mark.parametrize("version", VERSIONS)
def test_schema_says_its_version(version: str) -> None:
    schema = specification(version).schema

    assert schema["properties"]["version"]["const"] == version
    assert jsonschema.Draft202012Validator(dict(schema)).is_valid({"variant": "flatcar", "version": version})


def test_1_1_0_adds_these_fields_and_takes_none() -> None:
    old, new = specification("1.0.0"), specification("1.1.0")

    added = {
        f"{name}.{field}"
        for name, shape in new.shapes.items()
        for field in set(shape.by_name) - set(old.shapes[name].by_name)
    }

    assert new.shapes.keys() == old.shapes.keys()
    assert all(set(shape.by_name) <= set(new.shapes[name].by_name) for name, shape in old.shapes.items())
    assert added == {
        "dropin.contents_local", "luks.discard", "luks.open_options", "passwd_user.ssh_authorized_keys_local",
        "tang.advertisement", "unit.contents_local",
    }  # fmt: skip


def test_new_fields_stand_in_the_order_of_ignition() -> None:
    luks = specification("1.1.0").shapes["luks"]

    assert [field.ignition for field in luks.fields] == [
        "clevis", "device", "discard", "keyFile", "label", "name", "openOptions", "options", "uuid", "wipeVolume",
    ]  # fmt: skip


NAMES = {
    "home_dir": "homeDir", "size_mib": "sizeMiB", "type_guid": "typeGuid", "uid": "uid",
    "ssh_authorized_keys": "sshAuthorizedKeys", "http_headers": "httpHeaders",
}  # fmt: skip


@pytest.mark.parametrize(("name", "ignition"), NAMES.items(), ids=NAMES.keys())
def test_ignitions_names_follow_from_butanes(name: str, ignition: str) -> None:
    assert camel(name) == ignition


def _words(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        return set(schema) | {word for below in schema.values() for word in _words(below)}
    return {word for below in schema for word in _words(below)} if isinstance(schema, list) else set()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_annotation_is_one_that_the_transpiler_knows(version: str) -> None:
    annotations = {word for word in _words(specification(version).schema) if word.startswith("x-")}

    assert annotations <= {
        "x-after", "x-butane-only", "x-denied", "x-ignition-version", "x-omit", "x-unique", "x-unique-across",
    }  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_every_list_of_objects_names_a_field_of_theirs_as_unique(version: str) -> None:
    named = [
        (field.unique, field.shape.by_name)
        for shape in specification(version).shapes.values()
        for field in shape.fields
        if field.kind is FieldKind.OBJECTS and field.unique is not None and field.shape is not None
    ]

    assert len(named) > 5
    assert [unique for unique, names in named if unique != "number or label" and unique not in names] == []
