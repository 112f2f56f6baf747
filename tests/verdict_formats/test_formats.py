"""Output of `netwright verify` for machines: JUnit, SARIF and Markdown, each read back."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.netwright import PROJECT, Run, netwright

SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {"driver": {"type": "object", "required": ["name", "version", "rules"]}},
                    },
                    "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                },
            },
        },
    },
    "$defs": {
        "result": {
            "type": "object",
            "required": ["ruleId", "level", "message", "locations"],
            "properties": {
                "ruleId": {"type": "string", "pattern": "^[A-Z_]+$"},
                "level": {"enum": ["error", "warning", "note"]},
                "message": {"type": "object", "required": ["text"]},
                "locations": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/location"}},
            },
        },
        "location": {
            "type": "object",
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation", "region"],
                    "properties": {
                        "artifactLocation": {"type": "object", "required": ["uri"]},
                        "region": {"properties": {"startLine": {"type": "integer", "minimum": 1}}},
                    },
                }
            },
        },
    },
}
"""Requirements of code scanning on SARIF 2.1.0."""


@pytest.fixture
def refuted(tmp_path: Path) -> Path:
    """The reference network with one pod network black-holed on the KVM host, by hand."""
    shutil.copy(PROJECT / "topology.yaml", tmp_path)
    for folder in ("snippets", "out"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    network = tmp_path / "out/kvm/libvirt/kube02.xml"
    network.write_text(network.read_text().replace('gateway="10.17.4.25"', 'gateway="10.17.4.24"'))
    return tmp_path


def verify(folder: Path, *arguments: str) -> Run:
    return netwright("verify", *arguments, cwd=folder)


def test_junit_has_a_case_for_each_flow_and_the_counterexample_of_one_that_fails(refuted: Path) -> None:
    run = verify(refuted, "--format", "junit")

    suites = ElementTree.fromstring(run.stdout)
    cases = {case.get("name"): case.find("failure") for case in suites.iter("testcase")}
    assert (suites.get("tests"), suites.get("failures")) == ("8", "1")
    assert [name for name, failure in cases.items() if failure is not None] == ["ingress-to-pods"]
    failure = cases["ingress-to-pods"]
    assert failure is not None
    assert failure.get("type") == "WRONG_NODE"
    assert "-> kvm: takes it in by virbr_kube01" in (failure.text or "")


def test_sarif_points_at_lines_that_exist(refuted: Path) -> None:
    run = verify(refuted, "--format", "sarif")

    log = json.loads(run.stdout)
    jsonschema.validate(log, SARIF)
    results = log["runs"][0]["results"]
    assert "WRONG_NODE" in {result["ruleId"] for result in results}
    assert {result["ruleId"] for result in results} == {
        rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]
    }
    for result in results:
        for location in result["locations"]:
            place = location["physicalLocation"]
            lines = (refuted / place["artifactLocation"]["uri"]).read_text().splitlines()
            assert place["region"]["startLine"] <= len(lines)


def test_sarif_shows_the_way_with_the_line_of_each_decision(refuted: Path) -> None:
    log = json.loads(verify(refuted, "--format", "sarif").stdout)

    (flow,) = next(result for result in log["runs"][0]["results"] if result["ruleId"] == "WRONG_NODE")["codeFlows"]
    uris = [
        step["location"]["physicalLocation"]["artifactLocation"]["uri"]
        for step in flow["threadFlows"][0]["locations"]
        if "physicalLocation" in step["location"]
    ]
    assert "out/kvm/libvirt/kube02.xml" in uris


def test_markdown_has_a_row_for_each_flow_and_folds_findings(refuted: Path) -> None:
    text = verify(refuted, "--format", "markdown").stdout

    assert text.startswith("### ❌ 7 of 8 flows proved\n")
    assert "| ❌ | `ingress-to-pods` | failed for " in text
    assert text.count("| ✅ |") == 7
    assert text.count("<details>") == text.count("</details>") >= 2
    assert "<summary>❌ <code>WRONG_NODE: kvm: " in text


def test_one_flow_is_no_flows() -> None:
    text, markdown = (
        verify(PROJECT, "--flow", "lan-to-api", "--format", format_).stdout for format_ in ("text", "markdown")
    )

    assert "\n1 of 1 flow proved; 0 causes of failure, 0 warnings\n" in text
    assert markdown.startswith("### ✅ 1 of 1 flow proved\n")


def test_assumptions_are_counted_where_all_is_proved_and_listed_where_they_are_asked_for() -> None:
    words = ("--flow", "lan-to-api")
    folded, listed = verify(PROJECT, *words).stdout, verify(PROJECT, *words, "--assumptions").stdout
    assumptions = json.loads(verify(PROJECT, *words, "--format", "json").stdout)["assumptions"]

    assert f"This holds under {len(assumptions)} assumptions (--assumptions lists them).\n" in folded
    assert not [sentence for sentence in assumptions if sentence in folded]
    assert [sentence for sentence in assumptions if f"  - {sentence}\n" in listed] == assumptions


def test_assumptions_of_what_is_refuted_are_listed(refuted: Path) -> None:
    assert "This holds if:\n  - " in verify(refuted).stdout


@pytest.mark.parametrize("format_", ["text", "json", "junit", "sarif", "markdown"])
def test_bytes_are_the_same_every_time(refuted: Path, format_: str) -> None:
    first, second = (verify(refuted, "--format", format_) for _ in range(2))

    assert (first.status, first.stderr) == (1, "")
    assert first == second


def test_sarif_points_at_the_line_of_the_output_that_is_to_blame(refuted: Path) -> None:
    for name in ("cloud-init/user-data", "rootfs/etc/sysctl.d/99-zz-netwright.conf"):
        path = refuted / "out/kvm" / name
        path.write_text(path.read_text().replace("ip_forward = 1", "ip_forward = 0"))

    log = json.loads(verify(refuted, "--format", "sarif").stdout)

    result = next(result for result in log["runs"][0]["results"] if result["ruleId"] == "FORWARDING_OFF")
    place = result["locations"][0]["physicalLocation"]
    uri, line = place["artifactLocation"]["uri"], place["region"]["startLine"]
    assert uri == "out/kvm/rootfs/etc/sysctl.d/99-zz-netwright.conf"
    assert "ip_forward = 0" in (refuted / uri).read_text().splitlines()[line - 1]


def test_json_has_the_keys_that_are_documented(refuted: Path) -> None:
    documented = re.findall(r"^\| `(\w+)` \| (.*) \|$", (PROJECT / "docs/verify.md").read_text(), re.MULTILINE)
    keys = dict(documented[next(n for n, row in enumerate(documented) if row[0] == "version") :])

    document = json.loads(verify(refuted, "--format", "json", "--matrix", "--against", "./out").stdout)

    assert [*document] == [*keys]
    for name in ("flows", "findings", "repairs", "matrix"):
        assert set(document[name][0]) <= set(re.findall(r"`(\w+)`", keys[name])), name
    example = next(finding["example"] for finding in document["findings"] if finding["example"])
    assert set(example) - {"flow"} <= set(re.findall(r"`(\w+)`", keys["findings"]))
