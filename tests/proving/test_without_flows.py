"""A topology that states no flow: verify says so, and what to do, and shows what it found all the same."""

import json
from pathlib import Path

import pytest

from tests.netwright import netwright
from tests.proving.small import TOPOLOGY

EXAMPLE = "flows: {lb-to-pods: {from: [lb1], to: [pods], allow: [tcp/8080], nat: never}}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A topology without flows, and a hand-off sheet with a next hop that nobody is."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.partition("flows:")[0])
    assert netwright("generate", cwd=tmp_path).status == 0
    sheet = tmp_path / "out/gw/handoff.md"
    sheet.write_text(f"{sheet.read_text()}\n## Routes\n\n    ip route replace 10.3.0.0/24 via 192.168.0.99 dev lan0\n")
    return tmp_path


def test_text_says_how_to_state_a_flow_and_what_was_found(project: Path) -> None:
    run = netwright("verify", cwd=project)

    assert (run.status, run.stderr) == (0, "")
    assert "\n\n\n" not in run.stdout
    assert "warning: DEAD_NEXT_HOP: gw: " in run.stdout
    lines = run.stdout.splitlines()
    assert lines[-4:-2] == ["The topology has no flows; state in it what must work, such as", f"  {EXAMPLE}"]
    assert lines[-1].startswith("there is nothing to prove; 0 causes of failure, ")


def test_markdown_has_no_empty_table(project: Path) -> None:
    run = netwright("verify", "--format", "markdown", cwd=project)

    assert run.stdout.startswith("### ✅ There is nothing to prove\n\n⚠️ `warning: OUTDATED: ")
    assert "\n\nThe topology has no flows; " in run.stdout
    assert f"\n    {EXAMPLE}\n" in run.stdout
    assert "|---|" not in run.stdout
    assert "DEAD_NEXT_HOP" in run.stdout


def test_other_formats_hold_what_was_found(project: Path) -> None:
    document = json.loads(netwright("verify", "--format", "json", cwd=project).stdout)
    log = json.loads(netwright("verify", "--format", "sarif", cwd=project).stdout)

    assert (document["proved"], document["flows"]) == (True, [])
    assert {finding["kind"] for finding in document["findings"]} >= {"DEAD_NEXT_HOP"}
    assert {result["ruleId"] for result in log["runs"][0]["results"]} >= {"DEAD_NEXT_HOP"}


def test_a_flow_within_one_machine_is_not_judged(project: Path) -> None:
    with (project / "topology.yaml").open("a") as topology:
        topology.write("flows: {within: {from: [10.42.1.0/24], to: [10.42.1.0/24], allow: [icmp]}}\n")
    assert netwright("generate", "--force", cwd=project).status == 0

    run = netwright("verify", cwd=project)

    assert run.status == 1
    assert "\nwithin: not judged: no two machines have the addresses of its ends\n" in run.stdout


def test_example_is_a_flow(project: Path) -> None:
    topology = (project / "topology.yaml").read_text() + EXAMPLE.replace("lb1", "lb")
    (project / "topology.yaml").write_text(f"{topology}\n")

    run = netwright("validate", cwd=project)

    assert (run.status, "error" in run.stderr) == (0, False)
