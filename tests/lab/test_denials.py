"""Denied traffic does not arrive in the kernel either, where no router lies between and where a sheet asks for it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.lab.running import PROJECT, disagreements, lab, replace_delivered
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


def test_a_denied_flow_is_sent_to_what_a_rule_leads_on_to_its_receiver(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "tests/golden/port-forwards-handoff/topology.yaml", tmp_path)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0
    sheet, strict = tmp_path / "out/router/handoff.md", "type filter hook forward priority filter; policy accept;"
    chain = [strict, 'iifname != "lan0" ct state new ct status dnat accept', 'iifname != "lan0" ct state new drop']
    text = sheet.read_text().replace(
        "    \tchain destination_nat {\n",
        "    \tchain passing {\n" + "".join(f"    \t\t{line}\n" for line in chain) + "    \t}\n"
        "    \tchain destination_nat {\n",
    )
    old = 'tcp dport 443 dnat ip to 192.168.0.31:8443 comment "web"\n'
    assert old in text
    sheet.write_text(text.replace(old, old + "    \t\ttcp dport 2200 dnat ip to 192.168.0.31:22\n"))
    replace_delivered(tmp_path / "out", "web", "tcp dport 22 drop", "tcp dport 23 drop")

    status, document = run(tmp_path, "--flow", "no-shell")

    assert (status, disagreements(document)) == (1, [])
    probes = [probe for flow in document["flows"] for probe in flow["probes"]]
    found = {(probe["destination"], probe["port"], probe["wanted"]) for probe in probes}
    assert found >= {("192.168.0.31", 22, True), ("192.88.99.1", 2200, False), ("192.168.0.1", 2200, False)}
    # The rule has no address of its own: whatever comes to the router is led on.
    assert {port for _, port, _ in found - {("192.168.0.31", 22, True)}} == {2200}
