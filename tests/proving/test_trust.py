"""Files for which the topology vouches: what they run is not read, and the proof says so."""

from pathlib import Path

import pytest

from netwright.verify import render_text
from tests.proving.small import TOPOLOGY, change, judge

SNIPPET = """\
#cloud-config
write_files:
  - {path: /opt/backup.sh, permissions: "0755", content: "#!/bin/sh\\nip link show | strange-tool\\n"}
"""
LB = "    interfaces: {eth0: {network: front, address: 10.1.0.12}}\n"


def _with_a_script(folder: Path, trust: str) -> str:
    (folder / "backup.yaml").write_text(SNIPPET, encoding="utf-8")
    return change(TOPOLOGY, (LB, f"    cloud_init: [backup.yaml]\n{trust}{LB}"))


def test_a_script_that_is_not_known_is_unknown_until_it_is_trusted(tmp_path: Path) -> None:
    judged = judge(tmp_path, _with_a_script(tmp_path, "")).verification
    trusted = judge(tmp_path, _with_a_script(tmp_path, "    trust: [/opt/backup.sh]\n")).verification

    assert {result.flow.name for result in judged.flows if not result.proved} >= {"to-pods", "ssh"}
    assert "strange-tool" in render_text(judged)
    assert trusted.proved
    assert "/opt/backup.sh leaves the network alone on lb, by the topology (trust)" in trusted.assumptions


def test_a_group_may_vouch_too(tmp_path: Path) -> None:
    topology = _with_a_script(tmp_path, "").replace(
        "rocky: {os: rocky10, firewalld: masked}", "rocky: {os: rocky10, firewalld: masked, trust: [/opt/backup.sh]}"
    )

    assert judge(tmp_path, topology).verification.proved


@pytest.mark.parametrize("path", ["/opt/backup", "/opt/backup.sh/x"])
def test_trust_in_a_file_that_is_not_there_is_a_warning(tmp_path: Path, path: str) -> None:
    found = judge(tmp_path, change(TOPOLOGY, (LB, f"    trust: [{path}]\n{LB}"))).verification.findings

    (idle,) = (finding for finding in found if finding.kind == "IDLE_TRUST")
    assert idle.nodes == ("lb",)
    assert f"no file {path} is delivered" in idle.cause
