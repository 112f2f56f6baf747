"""Packets that are too large for an interface on their way: where verify has them end, and what the kernel does."""

from pathlib import Path

import pytest

from netwright.text.report import Severity
from netwright.verify import Finding
from tests.proving.small import change, judge
from tests.rigs.large_packets import large_segments_pass

Mtus = tuple[int, int, int, int, int, int]
"""Of the cards from the client to the server, two a link."""

STATELESS = "firewall: {input: {policy: drop, stateful: false, rules: [{allow: [tcp/1-65535]}]}}"
STATEFUL = "firewall: {input: {policy: drop, rules: [{allow: [tcp/1-65535]}]}}"
_CHAIN = "table ip t {{ chain i {{ type filter hook input priority 0; policy drop; {} accept; }}; }}"
RULESETS = {
    "": "",
    STATELESS: _CHAIN.format("ip protocol tcp"),
    STATEFUL: _CHAIN.format("ct state established,related"),
}


def topology(mtus: Mtus, firewall: str, traffic: str = "tcp/80") -> str:
    client, first, second, third, fourth, server = mtus
    return f"""\
version: 1
name: sizes
networks:
  front: {{cidr: 10.1.0.0/24, router: r1}}
  link: {{cidr: 10.9.0.0/24}}
  back: {{cidr: 10.2.0.0/24, router: r2}}
defaults: {{os: rocky10, firewalld: masked}}
nodes:
  client: {{interfaces: {{eth0: {{network: front, address: 10.1.0.10, mtu: {client}}}}}, {firewall}}}
  r1:
    forward: true
    default_route: {{via: r2}}
    interfaces:
      eth0: {{network: front, address: 10.1.0.1, mtu: {first}}}
      eth1: {{network: link, address: 10.9.0.1, mtu: {second}}}
  r2:
    forward: true
    default_route: {{via: r1}}
    interfaces:
      eth0: {{network: link, address: 10.9.0.2, mtu: {third}}}
      eth1: {{network: back, address: 10.2.0.1, mtu: {fourth}}}
  server: {{interfaces: {{eth0: {{network: back, address: 10.2.0.10, mtu: {server}}}}}}}
flows:
  web: {{from: [client], to: [server], allow: [{traffic}]}}
"""


def losses(folder: Path, text: str) -> list[Finding]:
    return [one for one in judge(folder, text).verification.findings if one.kind == "LARGE_PACKETS"]


SET_UPS = [
    pytest.param((1500, 1500, 1500, 1500, 1500, 1500), "", None, id="alike"),
    pytest.param((1500, 1500, 1300, 1300, 1500, 1500), "", None, id="a-router-tells-the-sender"),
    pytest.param((1500, 1500, 1300, 1300, 1500, 1500), STATEFUL, None, id="what-it-tells-is-related"),
    pytest.param((1500, 1500, 1300, 1300, 1500, 1500), STATELESS, "r1", id="what-it-tells-is-dropped"),
    pytest.param((1500, 1500, 1500, 1300, 1500, 1500), "", "r2", id="a-router-takes-less-than-is-sent"),
    pytest.param((1500, 1300, 1500, 1500, 1500, 1500), "", "r1", id="the-first-router-takes-less"),
    pytest.param((1500, 1500, 1500, 1500, 1500, 1300), "", None, id="tcp-knows-what-the-receiver-takes"),
]


@pytest.mark.parametrize(("mtus", "firewall", "node"), SET_UPS)
def test_large_segments_end_where_the_kernel_loses_them(
    mtus: Mtus, firewall: str, node: str | None, tmp_path: Path
) -> None:
    found = losses(tmp_path, topology(mtus, firewall))

    assert [(one.nodes, one.severity) for one in found] == ([((node,), Severity.ERROR)] if node else [])
    assert large_segments_pass(mtus, RULESETS[firewall]) is (node is None)


def test_a_flow_that_stalls_is_not_proved(tmp_path: Path) -> None:
    judgement = judge(tmp_path, topology((1500, 1500, 1500, 1300, 1500, 1500), ""))

    assert not judgement.verification.proved


def test_a_datagram_too_large_for_its_receiver_is_a_warning(tmp_path: Path) -> None:
    judgement = judge(tmp_path, topology((1500, 1500, 1500, 1500, 1500, 1300), "", "udp/53"))

    found = [one for one in judgement.verification.findings if one.kind == "LARGE_PACKETS"]
    assert [(one.nodes, one.severity) for one in found] == [(("server",), Severity.WARNING)]
    assert "1300" in found[0].cause
    assert judgement.verification.proved


def test_a_route_of_a_smaller_mtu_keeps_packets_small(tmp_path: Path) -> None:
    mtus = (1500, 1500, 1500, 1300, 1500, 1500)
    small = "routes: [{to: back, via: r1, mtu: 1280}]"

    found = losses(tmp_path, topology(mtus, small))

    assert found == []


POD_NODES = """\
version: 1
name: tunnels
networks:
  a: {cidr: 10.1.0.0/24, router: gw}
  b: {cidr: 10.2.0.0/24, router: gw}
kubernetes: {pods: {cidr: 10.42.0.0/16}}
nodes:
  gw:
    os: rocky10
    firewalld: masked
    forward: true
    default_route: none
    interfaces: {eth0: {network: a, address: 10.1.0.1, mtu: 9000}, eth1: {network: b, address: 10.2.0.1, mtu: 9000}}
  n1:
    os: flatcar
    kubernetes: agent
    pod_cidr: 10.42.1.0/24
    interfaces: {eth0: {network: a, address: 10.1.0.21, mtu: 9000}}
  n2:
    os: flatcar
    kubernetes: agent
    pod_cidr: 10.42.2.0/24
    interfaces: {eth0: {network: b, address: 10.2.0.22, mtu: 9000}}
flows:
  pods: {from: [pods], to: [pods], allow: [tcp/80]}
"""


def test_pods_of_nodes_that_are_alike_fit_their_tunnel(tmp_path: Path) -> None:
    found = losses(tmp_path, POD_NODES)

    assert found == []


def test_a_tunnel_counts_what_vxlan_adds(tmp_path: Path) -> None:
    # A pod's 8950 octets are 9000 outside, which the router's second card does not take from n2.
    narrow = change(
        POD_NODES,
        ("eth1: {network: b, address: 10.2.0.1, mtu: 9000}", "eth1: {network: b, address: 10.2.0.1, mtu: 8999}"),
    )

    found = losses(tmp_path, narrow)

    assert [(one.nodes, one.severity) for one in found] == [(("gw",), Severity.ERROR)]
    assert "sends up to 9000" in found[0].cause


def test_a_filter_without_tracking_loses_the_fragments_of_a_tunnel(tmp_path: Path) -> None:
    # gw cuts n1's tunnel packets for the smaller link, and r2 sees a port in the first fragment only.
    text = change(
        POD_NODES,
        ("b: {cidr: 10.2.0.0/24, router: gw}", "b: {cidr: 10.2.0.0/24, router: r2}\n  link: {cidr: 10.9.0.0/24}"),
        ("default_route: none", "default_route: {via: r2}"),
        ("eth1: {network: b, address: 10.2.0.1, mtu: 9000}", "eth1: {network: link, address: 10.9.0.1, mtu: 8000}"),
        ("  n1:\n", f"{R2}  n1:\n"),
        ("allow: [tcp/80]", "allow: [udp/80]"),
    )

    found = losses(tmp_path, text)

    assert [(one.nodes, one.severity) for one in found] == [(("r2",), Severity.WARNING)]
    assert "fragments" in found[0].cause


R2 = """\
  r2:
    os: rocky10
    firewalld: masked
    forward: true
    default_route: {via: gw}
    firewall: {forward: {policy: drop, stateful: false}}
    interfaces: {eth0: {network: link, address: 10.9.0.2, mtu: 8000}, eth1: {network: b, address: 10.2.0.1, mtu: 9000}}
"""
