"""verify says where OUT is not what the topology would generate now, and goes on from the files as they are."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from netwright.commands.main import netwright
from tests.proving.small import TOPOLOGY, change

RULESET = "host/rootfs/etc/nftables/netwright.nft"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    done = CliRunner().invoke(netwright, ["generate", "--quiet"])
    assert done.exit_code == 0, done.output
    return tmp_path


def _verify(*arguments: str) -> Result:
    return CliRunner().invoke(netwright, ["verify", "--no-repair", *arguments])


def test_what_was_just_generated_is_not_outdated(project: Path) -> None:
    said = _verify()

    assert "OUTDATED" not in said.output
    assert json.loads(_verify("--format", "json").stdout)["outdated"] is None
    assert project.exists()


def test_an_older_topology_is_told_first_with_its_files(project: Path) -> None:
    (project / "topology.yaml").write_text(change(TOPOLOGY, ("tcp/8080", "tcp/8443")))

    said = _verify()

    first, *others = said.stdout.split("\n")
    assert first.startswith("warning: OUTDATED: out is not what topology.yaml would generate now (")
    assert f"  at {RULESET}" in others
    assert said.exit_code == 1
    assert "to-pods: failed" in said.stdout


def test_a_file_edited_by_hand_is_told_and_a_flow_that_still_holds_is_proved(project: Path) -> None:
    sheet = project / "out/gw/handoff.md"
    sheet.write_text(sheet.read_text() + "\nSeen by the person who looks after it.\n")

    said = _verify()

    assert said.stdout.startswith(
        "warning: OUTDATED: out is not what topology.yaml would generate now (1 file differs);"
    )
    assert said.stdout.split("\n")[1] == "  at gw/handoff.md"
    assert said.exit_code == 0


@pytest.mark.parametrize("format_", ["json", "junit", "sarif", "markdown", "github"])
def test_every_format_tells_of_it(project: Path, format_: str) -> None:
    (project / "topology.yaml").write_text(change(TOPOLOGY, ("tcp/8080", "tcp/8443")))

    text = _verify("--format", format_).stdout

    cause = "out is not what topology.yaml would generate now"
    if format_ == "json":
        outdated = json.loads(text)["outdated"]
        assert outdated["cause"].startswith(cause)
        assert RULESET in outdated["files"]
    elif format_ == "junit":
        assert cause in (ElementTree.fromstring(text.partition("?>")[2]).findtext(".//system-out") or "")
    elif format_ == "sarif":
        results = json.loads(text)["runs"][0]["results"]
        (result,) = [one for one in results if one["ruleId"] == "OUTDATED"]
        assert result["message"]["text"].startswith(cause)
        assert any(
            place["physicalLocation"]["artifactLocation"]["uri"] == f"out/{RULESET}"
            for place in (*result["locations"], *result["relatedLocations"])
        )
    elif format_ == "github":
        (command,) = [line for line in text.splitlines() if "title=OUTDATED" in line]
        assert command.startswith("::warning file=out/")
        assert f"::{cause}" in command
        assert f"%0A{RULESET}" in command
    else:
        assert cause in text.split("\n")[2]
        assert RULESET in text
