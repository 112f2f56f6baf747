"""Validation of documents against the schemas in schema/, and those schemas as other programs want them."""

import json
import re
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from netwright.files.resources import read_schema_file, resource_text
from netwright.schema.words import Schema
from netwright.text.load import Document
from netwright.text.report import Diagnostic

TOPOLOGY_SCHEMA = "topology.schema.yaml"
OUTPUT_SCHEMA = "output.schema.yaml"


class _FastValidator(Protocol):
    def is_valid(self, instance: Document) -> bool: ...


def validate(document: Document, schema_name: str) -> tuple[Diagnostic, ...]:
    """Everything in which a document differs from the schema in schema/`schema_name`; none if it conforms.

    A conforming document costs one pass of a compiled validator; what is wrong with another one is found by jsonschema,
    which is imported only then.
    """
    if conforms(document, schema_name):
        return ()
    from netwright.schema.findings import find_violations  # noqa: PLC0415 - jsonschema costs more than the rest of a small run

    return find_violations(document, read_schema(schema_name))


def conforms(document: Document, schema_name: str) -> bool:
    """Return whether the compiled validator finds nothing wrong; False where there is no such validator."""
    fast = _fast_validator(schema_name)
    return fast is not None and fast.is_valid(document)


@cache
def read_schema(schema_name: str) -> Schema:
    """The schema in schema/`schema_name`. It is shared: look, don't touch."""
    return read_schema_file(schema_name)


@cache
def _fast_validator(schema_name: str) -> _FastValidator | None:
    """The compiled validator, None on a platform for which jsonschema-rs is not built."""
    try:
        compiled = import_module("jsonschema_rs")
    except ImportError:
        return None
    return cast(_FastValidator, compiled.validator_for(read_schema(schema_name)))


def published_schema() -> str:
    """The topology's schema as JSON, for editors and other validators.

    It has the keywords of JSON Schema only, and a type beside each that needs one: ajv's strict mode, which SchemaStore
    asks for, refuses others (ajv.js.org/strict-mode.html).
    """
    return json.dumps(_published(read_schema(TOPOLOGY_SCHEMA)), indent=2, ensure_ascii=False) + "\n"


def published_output_schema(command: str) -> str | None:
    """The schema of what a command prints as JSON; None if it prints none, or no such command is known."""
    root = read_schema(OUTPUT_SCHEMA)
    if command not in root["$defs"] or not root["$defs"][command]["description"].startswith("What `netwright "):
        return None
    needed, left = dict[str, Schema](), [command]
    while left:
        name = left.pop()
        if name not in needed:
            needed[name] = root["$defs"][name]
            left += _REFERENCE.findall(json.dumps(needed[name]))
    head = {key: root[key] for key in ("$schema", "$id")} | {"title": f"netwright {command}"}
    document = {**head, "$ref": f"#/$defs/{command}", "$defs": needed}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_REFERENCE = re.compile(r'"#/\$defs/(\w+)"')
_TYPES = {"unevaluatedProperties": "object", "minItems": "array"}


def _published(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_published(below) for below in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: _published(below) for key, below in schema.items() if not key.startswith("x-")}
    needed = [kind for keyword, kind in _TYPES.items() if keyword in told and "type" not in told]
    return {"type": needed[0], **told} if needed else told


def starter_topology() -> str:
    """A small commented topology to start from; its modeline names topology.schema.json in the same folder."""
    return resource_text("templates", "common/starter-topology.yaml")
