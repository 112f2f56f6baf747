"""Traffic that flannel carries from node to node needs no routes of ours, however many nodes there are."""

from pathlib import Path
from typing import Any

import pytest

from netwright.flows import Derivation, derive
from netwright.flows.types import RouteNeed
from netwright.parse import parse
from netwright.topology.resolved import resolve_topology
from tests.flows.proofs import prove, unproved

NODES = 12


def _derive(flow: dict[str, Any]) -> Derivation:
    """A cluster on one network, with a router on it that is no part of the cluster."""
    workers = {
        f"worker{number}": {
            "os": "flatcar",
            "kubernetes": "agent",
            "pod_cidr": f"10.42.{number}.0/24",
            "interfaces": {"eth0": {"network": "kube", "address": f"10.17.4.{20 + number}"}},
        }
        for number in range(NODES)
    }
    router = {"os": "rocky10", "forward": True, "interfaces": {"eth0": {"network": "kube", "address": "10.17.4.1"}}}
    topology, diagnostics = parse(
        {
            "version": 1,
            "name": "overlay",
            "networks": {"kube": {"cidr": "10.17.4.0/24", "router": "router"}},
            "kubernetes": {"pods": {"cidr": "10.42.0.0/16"}},
            "nodes": {"router": router, **workers},
            "flows": {"one": flow},
        }
    )
    assert not diagnostics
    derivation = derive(resolve_topology(topology))
    assert not [diagnostic for diagnostic in derivation.diagnostics if diagnostic.severity == "error"]
    return derivation


def _routes(derivation: Derivation) -> dict[str, int]:
    counts = {name: sum(isinstance(need, RouteNeed) for need in one.needs) for name, one in derivation.needs.items()}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("source", ["pods", "worker0"])
def test_all_pods_of_a_network_are_one_destination_for_the_cluster(source: str) -> None:
    derivation = _derive({"from": source, "to": "pods", "allow": ["icmp"]})

    assert len(derivation.passages) == 1
    assert _routes(derivation) == {}


def test_of_a_network_only_those_outside_the_cluster_are_routed_to_each_pod_network() -> None:
    derivation = _derive({"from": "kube", "to": "pods", "allow": ["icmp"]})

    assert _routes(derivation) == {"router": NODES}


TUNNELS = """\
version: 1
name: tunnels
networks:
  a: {cidr: 10.1.0.0/24, router: gw}
  b: {cidr: 10.2.0.0/24, router: gw}
kubernetes: {pods: {cidr: 10.42.0.0/16}}
groups:
  kube: {os: flatcar, kubernetes: agent, firewall: {input: {policy: drop}}}
nodes:
  gw:
    os: rocky10
    firewalld: masked
    forward: true
    firewall: {forward: {policy: drop}}
    interfaces:
      eth0: {network: a, address: 10.1.0.1, mac: 52:54:00:00:00:01}
      eth1: {network: b, address: 10.2.0.1, mac: 52:54:00:00:00:02}
  kube1: {groups: [kube], pod_cidr: 10.42.1.0/24, interfaces: {eth0: {network: a, address: 10.1.0.11}}}
  kube2: {groups: [kube], pod_cidr: 10.42.2.0/24, interfaces: {eth0: {network: a, address: 10.1.0.12}}}
  kube3: {groups: [kube], pod_cidr: 10.42.3.0/24, interfaces: {eth0: {network: b, address: 10.2.0.13}}}
flows:
  one: {from: FROM, to: TO, allow: [tcp/80]}
"""


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        pytest.param("10.42.1.0/24", "10.42.3.0/24", id="to-another-segment"),
        pytest.param("10.42.3.0/24", "[10.42.1.0/24, 10.42.2.0/24]", id="from-another-segment"),
        pytest.param("10.42.1.0/24", "10.42.2.0/24", id="on-one-segment"),
        pytest.param("pods", "10.42.3.0/24", id="from-all-pods"),
        pytest.param("pods", "pods", id="among-all-pods"),
        pytest.param("kube1", "10.42.3.0/24", id="from-a-node"),
    ],
)
def test_tunnels_that_carry_answers_are_let_in_as_well(tmp_path: Path, source: str, destination: str) -> None:
    topology = TUNNELS.replace("FROM", source).replace("TO", destination)

    assert unproved(prove(topology, tmp_path)) == []


def test_a_router_passes_tunnels_between_the_nodes_of_a_flow_alone(tmp_path: Path) -> None:
    prove(TUNNELS.replace("FROM", "10.42.1.0/24").replace("TO", "10.42.3.0/24"), tmp_path)

    rules = {
        node: (tmp_path / f"out/{node}/rootfs/etc/nftables/netwright.nft").read_text(encoding="utf-8")
        for node in ("gw", "kube1", "kube2", "kube3")
    }
    # A node of the cluster lets in the tunnels of all others, and names those of the flow.
    assert {node: text.count("udp dport 8472 accept") for node, text in rules.items()} == {
        "gw": 2,
        "kube1": 2,
        "kube2": 1,
        "kube3": 2,
    }
