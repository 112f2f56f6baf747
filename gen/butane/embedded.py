"""Ignition configs that a document merges inline: read and judged like the rest of it."""

import json
from collections.abc import Mapping
from typing import Any

from gen.butane.findings import Findings
from gen.butane.shape import Specification
from gen.report import Diagnostic, Severity
from gen.source import Position, TopologyPath

EMBEDDED_RULE = "embedded_config_is_json"
"""The rule whose findings have a position inside the embedded text."""


def check_embedded_configs(
    known: Specification, config: Mapping[str, Any], path: TopologyPath, found: Findings
) -> None:
    """What `ignition.config` merges or replaces inline is an Ignition config; the machine refuses anything else.

    Passes: inline: '{"ignition": {"version": "3.3.0"}}'. Fails: a Butane document.
    """
    merged = [((*path, "merge", index), resource) for index, resource in enumerate(config.get("merge") or ())]
    for place, resource in [*merged, ((*path, "replace"), config.get("replace") or {})]:
        inline = resource.get("inline")
        if inline is not None and resource.get("local") is None and resource.get("source") is None:
            _check(known, inline, (*place, "inline"), found)


def _check(known: Specification, text: str, path: TopologyPath, found: Findings) -> None:
    try:
        config = json.loads(text)
        version = config["ignition"]["version"]
    except json.JSONDecodeError as error:
        found.diagnostics.append(
            Diagnostic(
                severity=Severity.ERROR,
                path=path,
                message=f"the config to merge is not JSON ({error.msg}); give the Ignition that Butane made of it",
                rule=EMBEDDED_RULE,
                position=Position(line=error.lineno, column=error.colno),
            )
        )
        return
    except (RecursionError, ValueError):
        found.error(path, EMBEDDED_RULE, "the config to merge can't be read as JSON; give an Ignition config")
        return
    except (KeyError, TypeError):
        message = 'the config to merge is no Ignition config; it needs {"ignition": {"version": ...}}'
        found.error(path, EMBEDDED_RULE, message)
        return
    if version != known.ignition_version:
        message = f"the config to merge is of version {version}, here is {known.ignition_version}; it was not checked"
        found.warning(path, "embedded_config_is_valid", message)
