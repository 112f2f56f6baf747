"""A network with `isolated: true`: no router is missed, and verify proves that it is closed."""

from pathlib import Path

import pytest

from tests.proving.small import judge

CLOSED = """\
version: 1
name: closed
networks:
  lan: {cidr: 10.17.4.0/24, router: gw}
  storage: {cidr: 10.9.8.0/24, isolated: true}
  vms: {cidr: 10.9.9.0/24, router: node1, isolated: true, libvirt: {bridge: virbr9, forward: isolated}}
defaults: {os: rocky10, firewalld: masked}
nodes:
  gw:
    forward: true
    default_route: none
    interfaces: {eth0: {network: lan, address: 10.17.4.1}}
  node1:
    forward: FORWARD
    firewall: {forward: {policy: POLICY}}
    interfaces:
      eth0: {network: lan, address: 10.17.4.11, mac: "52:54:00:00:04:11"}
      eth1: {network: storage, address: 10.9.8.11, mac: "52:54:00:00:08:11"}
      virbr9: {network: vms, address: 10.9.9.1}
  nas: {interfaces: {eth0: {network: storage, address: 10.9.8.20}}}
  vm: {interfaces: {eth0: {network: vms, address: 10.9.9.20}}}
flows:
  nfs: {from: [node1], to: [nas], allow: [tcp/2049]}
"""


def _default_routes(folder: Path) -> list[str]:
    files = (folder / "out").rglob("rootfs/**/eth0.nmconnection")
    return sorted(file.parts[-6] for file in files if "gateway=" in file.read_text() or "0.0.0.0/0" in file.read_text())


@pytest.mark.parametrize(("forward", "policy"), [("false", "accept"), ("true", "drop")])
def test_a_closed_network_is_proved(forward: str, policy: str, tmp_path: Path) -> None:
    judgement = judge(tmp_path, CLOSED.replace("FORWARD", forward).replace("POLICY", policy))

    assert judgement.verification.proved
    assert judgement.verification.findings == ()


def test_no_node_has_a_default_route_by_an_isolated_network(tmp_path: Path) -> None:
    judge(tmp_path, CLOSED.replace("FORWARD", "false").replace("POLICY", "accept"))

    assert _default_routes(tmp_path) == ["node1"]
