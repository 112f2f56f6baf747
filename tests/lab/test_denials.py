"""Denied traffic does not arrive in the kernel either, where no router lies between and where a sheet asks for it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.lab.running import PROJECT, disagreements, lab
from tests.netwright import netwright

GOLDEN = PROJECT / "tests/golden/flows-denied"


@pytest.fixture
def denied(tmp_path: Path) -> Path:
    """The golden network of denials, generated."""
    shutil.copy(GOLDEN / "topology.yaml", tmp_path)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0
    return tmp_path


def run(denied: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = lab(str(denied / "topology.yaml"), "-o", str(denied / "out"), "--format", "json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_every_denial_holds(denied: Path) -> None:
    status, document = run(denied)

    assert (status, disagreements(document)) == (0, [])
    assert {flow["name"] for flow in document["flows"]} >= {"lan-apart", "host-not-to-pods", "pods-not-to-nodes"}


def test_what_a_hand_off_sheet_does_not_ask_for_is_not_refused(denied: Path) -> None:
    sheet = denied / "out/router/handoff.md"
    sheet.write_text(sheet.read_text().partition("## Packet filter")[0])

    status, document = run(denied, "--flow", "lan-apart")

    assert (status, disagreements(document)) == (1, [])


def test_a_hand_off_sheet_that_nft_does_not_take_is_said(denied: Path) -> None:
    sheet = denied / "out/router/handoff.md"
    sheet.write_text(sheet.read_text().replace("tcp dport 23 drop", "tcp dport drop"))

    status, document = run(denied, "--flow", "lan-apart")

    assert status == 1
    assert [line for line in document["remarks"] if line.startswith("router: nft refuses handoff.md:")]
