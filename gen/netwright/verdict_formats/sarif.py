"""A judgement as SARIF 2.1.0, which code scanning shows at the lines of OUT that are to blame."""

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from netwright import __version__
from netwright.compare.drift import OUTDATED, Drift
from netwright.text.report import printable
from netwright.verdict_formats.judgement import Judgement
from netwright.verdict_formats.places import Place, in_topology, is_file, nearest, place_of, places_of
from netwright.verify import Decision, Finding
from netwright.verify.proof.printing import finding_title, flow_verdict
from netwright.verify.values.facts import Origin

NOT_JUDGED = "NOT_JUDGED"


def render_sarif(judgement: Judgement) -> str:
    """The log: one result for each finding, ruleId its verdict, and one for each flow that could not be judged."""
    results = [_result(judgement, finding) for finding in judgement.verification.findings]
    results += [
        {
            "ruleId": NOT_JUDGED,
            "level": "error",
            "message": {"text": printable(f"{result.flow.name}: {flow_verdict(result)}")},
            "locations": [_physical(in_topology(judgement, ("flows", result.flow.name)))],
        }
        for result in judgement.verification.flows
        if not result.classes
    ]
    if judgement.drift is not None:
        results.append(_outdated(judgement, judgement.drift))
    rules = [{"id": rule} for rule in sorted({result["ruleId"] for result in results})]
    driver = {"name": "netwright", "version": __version__, "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=1) + "\n"


def _result(judgement: Judgement, finding: Finding) -> dict[str, Any]:
    title = printable(finding_title(finding))
    places = [*map(_physical, places_of(judgement, finding.origins))]
    result: dict[str, Any] = {
        "ruleId": str(finding.kind),
        "level": str(finding.severity),
        "message": {"text": "\n".join((title, *map(printable, finding.differences)))},
        "locations": places[:1] or [_physical(nearest(judgement, finding))],
        "partialFingerprints": {"cause/v1": hashlib.sha256(title.encode()).hexdigest()},
    }
    if places[1:]:
        result["relatedLocations"] = places[1:]
    if finding.example is not None:
        way = (*finding.example.there, *finding.example.back)
        result["codeFlows"] = [{"threadFlows": [{"locations": _steps(judgement, way)}]}]
    return result


def _outdated(judgement: Judgement, drift: Drift) -> dict[str, Any]:
    origins = (Origin(file=file, line=0) for file in drift.files)
    places = [*map(_physical, places_of(judgement, origins))]
    return {
        "ruleId": OUTDATED,
        "level": "warning",
        "message": {"text": printable(drift.cause)},
        "locations": places[:1] or [_physical(Place(path=judgement.topology.name, line=1))],
        "relatedLocations": places[1:],
    }


def _steps(judgement: Judgement, decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    steps = []
    for decision in decisions:
        location: dict[str, Any] = {"message": {"text": printable(f"{decision.node}: {decision.text}")}}
        if decision.origin is not None and is_file(judgement, decision.origin):
            location |= _physical(place_of(judgement, decision.origin))
        steps.append({"location": location})
    return steps


def _physical(place: Place) -> dict[str, Any]:
    uri = quote(os.fsencode(os.path.normpath(place.path)))
    uri = f"file://{uri}" if os.path.isabs(place.path) else uri
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": place.line}}}
