"""Files generated for a topology without errors are proved by verify."""

from pathlib import Path

import pytest

from tests.flows.proofs import prove, unproved

DROPPING_NODES = """\
version: 1
name: lab
networks: {front: {cidr: 10.17.3.0/24, router: gw}, back: {cidr: 10.17.4.0/24, router: gw}}
kubernetes: {pods: {cidr: 10.42.0.0/16}CNI, api: {vip: 10.17.3.30, holders: [server1]}}
defaults: {firewall: {input: {policy: drop}}}
nodes:
  gw: {os: rocky10, firewalld: masked, forward: true, default_route: none, interfaces: {
      eth0: {network: front, address: 10.17.3.1}, eth1: {network: back, address: 10.17.4.1}}}
  server1: {os: flatcar, kubernetes: server, pod_cidr: [10.42.0.0/24, 10.42.7.0/24],
            interfaces: {eth0: {network: front, address: 10.17.3.21}}}
  agent1: {os: flatcar, kubernetes: agent, pod_cidr: 10.42.1.0/24,
           interfaces: {eth0: {network: back, address: 10.17.4.24}}}
flows:
  asking: {from: FROM, to: TO, allow: [tcp/6443]}
"""


@pytest.mark.parametrize("source", ["[pods]", "[10.42.0.0/24]", "[10.42.7.0/28, 10.42.0.7]"])
@pytest.mark.parametrize("target", ["[server1]", "[front, back]", "[kubernetes.api]"])
@pytest.mark.parametrize("cni", ["", ", cni: {plugin: none}"])
def test_pods_reach_their_own_node_through_its_input_chain(tmp_path: Path, source: str, target: str, cni: str) -> None:
    topology = DROPPING_NODES.replace("FROM", source).replace("TO", target).replace("CNI", cni)

    assert unproved(prove(topology, tmp_path)) == []


def test_a_node_takes_from_its_own_pods_no_more_than_the_flow_names(tmp_path: Path) -> None:
    topology = DROPPING_NODES.replace("FROM", "[10.42.7.0/28]").replace("TO", "[server1]").replace("CNI", "")

    prove(topology, tmp_path)

    rules = (tmp_path / "out/server1/rootfs/etc/nftables/netwright.nft").read_text()
    assert "ip saddr { 10.17.3.21, 10.42.7.0/28 } ip daddr 10.17.3.21 tcp dport 6443 accept" in rules


def test_an_accept_of_icmpv6_takes_no_ipv4(tmp_path: Path) -> None:
    """Protocol 58 over IPv4 is one of `any`."""
    topology = DROPPING_NODES.replace("[tcp/6443]", "[tcp/22]").replace("CNI", "").replace("FROM", "[agent1]")
    topology = topology.replace("TO", "[server1]") + "  kept-out: {from: [server1], to: [gw], deny: any}\n"

    assert unproved(prove(topology, tmp_path)) == []


@pytest.mark.parametrize("source", ["[agent1]", "[back]", "[server1, agent1]"])
def test_tunnels_that_carry_answers_pass_an_input_chain(tmp_path: Path, source: str) -> None:
    topology = DROPPING_NODES.replace("tcp/6443", "icmp").replace("FROM", source).replace("TO", "[pods]")

    assert unproved(prove(topology.replace("CNI", ""), tmp_path)) == []
