"""The JSON object that every command prints: `version`, `findings`, and what the command has to say."""

import json
from collections.abc import Mapping

from netwright.text.report import Report, findings_objects

VERSION = 1
"""Version of all these objects; keys are added without a new one (docs/compatibility.md)."""


def render_envelope(document: Mapping[str, object], report: Report | None = None) -> str:
    """The object as JSON. Where a document has findings of its own, as a proof has, those stand there."""
    findings = findings_objects(report) if report is not None else []
    return json.dumps({"version": VERSION, "findings": findings, **document}, indent=2) + "\n"
