"""Flows of VRRP, which machines on one segment send to its group."""

from pathlib import Path

import pytest

from netwright.production.production import prepare
from netwright.verify import verify
from netwright.verify_input.wiring import assume, state_flows, wire
from tests.flows.proofs import prove, unproved
from tests.lab.running import replace_delivered

TOPOLOGY = """\
version: 1
name: holders
networks:
  lbs: {cidr: 10.17.5.0/24, router: gw}
  far: {cidr: 10.17.6.0/24, router: gw}
defaults: {os: flatcar, firewall: {input: {policy: POLICY}}}
groups: {holders: {}}
nodes:
  gw: {forward: true, interfaces: {
    eth0: {network: lbs, address: 10.17.5.1}, eth1: {network: far, address: 10.17.6.1}}}
  ha1: {groups: [holders], interfaces: {eth0: {network: lbs, address: 10.17.5.20}}}
  ha2: {groups: [holders], interfaces: {eth0: {network: lbs, address: 10.17.5.21}}}
  ha3: {interfaces: {eth0: {network: far, address: 10.17.6.22}}}
flows:
  vrrp: FLOW
"""
AMONG = "{from: holders, to: holders, allow: [vrrp]}"


@pytest.mark.parametrize(
    "flow",
    [
        AMONG,
        "{from: ha1, to: ha2, allow: [vrrp, tcp/80]}",
        "{from: ha3, to: ha2, allow: [vrrp]}",  # by unicast: routers pass no VRRP to its group
        "{from: ha1, to: ha2, deny: [vrrp]}",
        "{from: ha1, to: [ha2, ha3], deny: [esp, vrrp]}",
    ],
)
@pytest.mark.parametrize("policy", ["drop", "accept"])
def test_vrrp_is_let_in_and_refused_by_its_group_too(tmp_path: Path, flow: str, policy: str) -> None:
    assert unproved(prove(TOPOLOGY.replace("POLICY", policy).replace("FLOW", flow), tmp_path)) == []


@pytest.mark.parametrize("flow", [AMONG, "{from: ha1, to: ha2, deny: [vrrp]}"])
def test_rules_that_leave_out_the_group_are_refuted(tmp_path: Path, flow: str) -> None:
    policy = "drop" if flow == AMONG else "accept"
    prove(TOPOLOGY.replace("POLICY", policy).replace("FLOW", flow), tmp_path)
    replace_delivered(tmp_path / "out", "ha2", ", 224.0.0.18 }", " }")
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None
    production.close()

    found = verify(
        tmp_path / "out", wire(production.resolved), state_flows(production.resolved), assume(production.resolved)
    )

    (result,) = found.flows
    assert not result.proved
    assert any("224.0.0.18" in finding.cause for finding in found.findings)
