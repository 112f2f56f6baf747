"""Denied traffic to an unmanaged device: its hand-off sheet asks to refuse it, and a warning names the sheet."""

import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from netwright.production.production import prepare
from netwright.text.report import render_text
from netwright.verify import verify
from netwright.verify.reading.formats.handoff import handoff_ruleset
from netwright.verify_input import assume, state_flows, wire
from tests.flows.denied import HOST, UNMANAGED, open_production, proved, said, topology


@pytest.mark.parametrize(
    ("flow", "host", "devices"),
    [
        pytest.param("{from: front, to: lan, deny: any}", UNMANAGED, "host and router", id="a-router"),
        pytest.param("{from: nas, to: lan, deny: any}", HOST, "router", id="on-the-same-segment"),
        pytest.param("{from: front, to: lan, deny: any}", HOST, None, id="behind-a-router-of-ours"),
        pytest.param("{from: front, to: nas, deny: any}", UNMANAGED, None, id="it-refuses-itself"),
        pytest.param("{from: pods, to: lan, deny: any}", UNMANAGED, None, id="refused-where-the-pods-are"),
    ],
)
def test_devices_that_nobody_configures_are_named_where_a_denied_flow_reaches_them(
    tmp_path: Path, flow: str, host: str, devices: str | None
) -> None:
    text = said(tmp_path, f"closed: {flow}", host=host)

    found = f"flows.closed: nothing that netwright configures lies before {devices}, which netwright does not configure"
    assert "error" not in text
    assert (found in text) if devices else ("lies before" not in text)


def test_of_pods_denied_to_each_other_it_is_said_that_those_of_one_node_may_pass_no_rule(tmp_path: Path) -> None:
    path = topology(tmp_path, "closed: {from: pods, to: pods, deny: any}")
    path.write_text(path.read_text().replace("  api:", "  cni: {plugin: none}\n  api:"))

    production, report = prepare(str(path))

    assert production is not None
    production.close()
    assert "warning: flows.closed: pods of one node may reach each other over a bridge" in render_text(report)


def sheet(folder: Path, node: str, *flows: str, host: str = HOST) -> str:
    with closing(open_production(topology(folder, *flows, host=host))) as production:
        (artifact,) = production.build(node).artifacts
    return artifact.content.decode()


@pytest.mark.parametrize(
    ("flow", "device", "asked"),
    [
        pytest.param(
            "{from: nas, to: lan, deny: [tcp/22]}",
            "router",
            ["ip saddr 192.168.0.50 ip daddr 192.168.0.0/24 tcp dport 22 drop"],
            id="on-the-same-segment",
        ),
        pytest.param(
            "{from: lan, to: lan, deny: any}",
            "router",
            ['iifname "lo" accept', "ip saddr 192.168.0.0/24 ip daddr 192.168.0.0/24 drop"],
            id="but-not-to-itself",
        ),
        pytest.param(
            "{from: front, to: lan, deny: any}",
            "host",
            ['iifname "lo" accept', "ip saddr 10.1.0.0/24 ip daddr 192.168.0.0/24 drop"],
            id="a-router",
        ),
        pytest.param("{from: front, to: nas, deny: any}", "host", None, id="nothing-that-another-machine-refuses"),
    ],
)
def test_hand_off_sheet_says_what_to_refuse_as_nft_takes_it(
    tmp_path: Path, flow: str, device: str, asked: list[str] | None
) -> None:
    host = UNMANAGED if device == "host" else HOST

    text = sheet(tmp_path, device, f"closed: {flow}", host=host)

    ruleset = handoff_ruleset(text)
    nft = ["unshare", "-rn", "nft", "--check", "--file", "-"]
    finished = subprocess.run(nft, input=ruleset, text=True, capture_output=True, check=False)
    rules = [line.strip() for line in ruleset.splitlines() if line.endswith((" accept", " drop"))]
    assert (finished.returncode, finished.stderr) == (0, "")
    assert rules == (["ct state established,related accept", *asked] if asked else [])
    assert ("## Packet filter" in text) == (asked is not None)


def test_a_denied_flow_is_proved_where_the_sheets_are_followed(tmp_path: Path) -> None:
    flow = "closed: {from: lan, to: lan, deny: any}"

    as_generated = proved(tmp_path, flow)
    path = tmp_path / "out/router/handoff.md"
    path.write_text(path.read_text().replace("ip daddr 192.168.0.0/24 drop", "ip daddr 192.168.0.0/25 accept"))
    with closing(open_production(tmp_path / "topology.yaml")) as production:
        resolved = production.resolved
        found = verify(tmp_path / "out", wire(resolved), state_flows(resolved), assume(resolved))

    assert as_generated["closed"]
    assert not {result.flow.name: result.proved for result in found.flows}["closed"]
    assert "the hand-off sheets are followed: router" in found.assumptions


@pytest.mark.parametrize(
    ("flow", "said_of_it"),
    [
        pytest.param(
            "{from: front, to: router, deny: any}",
            "nothing that netwright configures lies between front and lan",
            id="two-networks",
        ),
        pytest.param(
            "{from: front, to: front, deny: any}",
            "nothing that netwright configures lies before host and lb",
            id="one-network",
        ),
        pytest.param(
            "{from: nas, to: router, deny: any}",
            "nothing that netwright configures lies before router",
            id="one-device",
        ),
        pytest.param(
            "{from: lan, to: internet, deny: any}",
            "nothing that netwright configures lies between lan and the internet",
            id="outside",
        ),
        pytest.param(
            "{from: lan, to: 192.168.0.99, deny: any}", "no node of the topology is a receiver on lan", id="a-stranger"
        ),
    ],
)
def test_an_error_says_where_nothing_could_refuse(tmp_path: Path, flow: str, said_of_it: str) -> None:
    path = topology(tmp_path, f"closed: {flow}", host=UNMANAGED)
    path.write_text(path.read_text().replace("lb: {groups: [rocky]", "lb: {os: unmanaged"))

    production, report = prepare(str(path))

    assert production is None
    assert f"error: flows.closed: {said_of_it}; no rule could refuse this flow" in render_text(report)


def test_where_nobody_could_refuse_a_denied_flow_the_error_alone_says_so(tmp_path: Path) -> None:
    text = said(tmp_path, "closed: {from: front, to: router, deny: any}", host=UNMANAGED)

    assert "nothing that netwright configures lies between front and lan; no rule could refuse this flow" in text
    assert "lies before" not in text
