"""Ignition configs that a document merges inline: read and judged like the rest of it."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from netwright.butane.findings import Diagnostics
from netwright.butane.shape import FieldKind, Shape, Specification, camel
from netwright.text.report import Diagnostic, Severity
from netwright.text.source import Position, TopologyPath

Judge = Callable[[Mapping[str, Any]], Iterable[Diagnostic]]
"""Finding in a Butane document."""


def check_embedded_configs(known: Specification, document: Mapping[str, Any], judge: Judge, found: Diagnostics) -> None:
    """A config merged or replaced inline by `ignition.config` is an Ignition config; the machine refuses anything else.

    Passes: inline: '{"ignition": {"version": "3.3.0"}}'. Fails: a Butane document. Warns: a config of another version,
    which is not checked. Findings have the path of the text and, behind it, the path in the config that the text holds.
    """
    for resource, path in _resources(document):
        inline = resource.get("inline")
        if inline is None or resource.get("local") is not None or resource.get("source") is not None:
            continue
        where = (*path, "inline")
        config = _read(inline, where, found)
        if config is None:
            continue
        version = config["ignition"].pop("version")
        if not _VERSION.fullmatch(version):
            message = f"{version} is no version of an Ignition config; write {known.ignition_version}"
            found.error((*where, "ignition", "version"), "embedded_config_is_valid", message)
            continue
        findings = _findings(known, config, judge)
        if version != known.ignition_version:
            findings = [one for one in findings if one.rule in _OF_ANY_VERSION]
            if not findings:
                message = (
                    f"the config to merge is of version {version}, not {known.ignition_version}; it was not checked"
                )
                found.warning(path, "embedded_config_is_valid", message)
        found.diagnostics += (replace(one, path=(*where, *one.path), related=()) for one in findings)


_VERSION = re.compile(r"3\.[0-9]\.0")
"""Versions of stable specifications (ignition, docs/migrating-configs.md)."""
_OF_ANY_VERSION = frozenset({"field_has_its_type", "number_is_whole", "key_has_its_case"})
"""Rules of reading, which hold whatever the version."""


def _refuse_constant(name: str) -> float:
    raise json.JSONDecodeError(f"{name} is no JSON", "", 0)


def _resources(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], TopologyPath]]:
    config = (document.get("ignition") or {}).get("config") or {}
    for index, resource in enumerate(config.get("merge") or ()):
        yield resource, ("ignition", "config", "merge", index)
    if config.get("replace"):
        yield config["replace"], ("ignition", "config", "replace")


def _read(text: str, path: TopologyPath, found: Diagnostics) -> dict[str, Any] | None:
    try:
        config = json.loads(text, parse_constant=_refuse_constant)
        if isinstance(config["ignition"]["version"], str):
            return dict(config)
    except json.JSONDecodeError as error:
        found.diagnostics.append(
            Diagnostic(
                severity=Severity.ERROR,
                path=path,
                message=(
                    f"the config to merge is not JSON: {error.msg} at its line {error.lineno}, column {error.colno}; "
                    "give the Ignition that Butane made of it"
                ),
                rule="embedded_config_is_json",
                position=Position(line=1, column=1),
            )
        )
        return None
    except (RecursionError, ValueError, KeyError, TypeError):
        pass
    message = 'the config to merge is no Ignition config; it needs {"ignition": {"version": "..."}}'
    found.error(path, "embedded_config_is_valid", message)
    return None


def _findings(known: Specification, config: Mapping[str, Any], judge: Judge) -> list[Diagnostic]:
    unknown = Diagnostics()
    document = _as_butane(known.root, config, (), unknown)
    judged = judge({**document, "variant": "flatcar", "version": known.version})
    # JSON has no octal numbers, so none can have been forgotten.
    return [
        *unknown.diagnostics,
        *(replace(one, path=_camel(one.path)) for one in judged if one.rule not in _OF_BUTANE),
    ]


_OF_BUTANE = frozenset({"mode_is_octal", "field_is_supported"})
"""Rules of Butane's that Ignition does not have: it takes what variant flatcar denies."""


def _camel(path: TopologyPath) -> TopologyPath:
    return tuple(camel(step) if isinstance(step, str) else step for step in path)


def _folded(name: str) -> str:
    """The name as Go's JSON compares it with that of a field: without case, and a long s is one too."""
    return name.lower().replace("\u017f", "s")


def _as_butane(shape: Shape, value: Mapping[str, Any], path: TopologyPath, unknown: Diagnostics) -> dict[str, Any]:
    """The Ignition object with the names of Butane."""
    by_ignition = {field.ignition: field for field in shape.fields if field.ignition is not None}
    out: dict[str, Any] = {}
    for name, given in value.items():
        field = by_ignition.get(name)
        alike = [known for known in by_ignition if known.lower() == _folded(name)] if field is None else []
        if alike:
            message = f"the key {name} is written {alike[0]}; Ignition refuses it otherwise"
            unknown.error((*path, name), "key_has_its_case", message, on_key=True)
        elif given is None and field is not None:
            message = "there is nothing here; write a value or leave the key out"
            unknown.warning((*path, name), "field_has_a_value", message)
        elif field is None:
            message = f"the key {name} is unknown to Ignition and has no effect; remove it"
            unknown.warning((*path, name), "key_is_known", message, on_key=True)
        elif field.kind is FieldKind.OBJECT and field.shape is not None and isinstance(given, dict):
            out[field.name] = _as_butane(field.shape, given, (*path, name), unknown)
        elif field.shape is not None and isinstance(given, list):
            out[field.name] = [
                _as_butane(field.shape, entry, (*path, name, index), unknown) if isinstance(entry, dict) else entry
                for index, entry in enumerate(given)
            ]
        else:
            out[field.name] = given
    return out
