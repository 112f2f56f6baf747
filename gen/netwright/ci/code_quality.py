"""SARIF as GitLab's Code Quality report, which shows findings at the lines of a merge request."""

import hashlib
import json
from typing import Any

SEVERITIES = {"error": "major", "warning": "minor"}
"""GitLab's words for SARIF's levels (docs.gitlab.com: Code Quality report format)."""


def render_code_quality(sarif: str) -> str:
    """The report's JSON. Two findings of one text at one line are one: GitLab takes fingerprints for unique."""
    results = [result for run in json.loads(sarif)["runs"] for result in run["results"]]
    entries = {entry["fingerprint"]: entry for entry in map(_entry, results)}
    return json.dumps([*entries.values()], indent=1) + "\n"


def _entry(result: dict[str, Any]) -> dict[str, Any]:
    place = result["locations"][0]["physicalLocation"]
    path, line = place["artifactLocation"]["uri"], place["region"]["startLine"]
    text = result["message"]["text"]
    return {
        "check_name": result["ruleId"],
        "description": text,
        "fingerprint": hashlib.sha256("\0".join((result["ruleId"], path, str(line), text)).encode()).hexdigest(),
        "severity": SEVERITIES.get(result["level"], "info"),
        "location": {"path": path, "lines": {"begin": line}},
    }
