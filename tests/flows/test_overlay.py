"""What flannel carries from node to node needs no routes of ours, however many nodes there are."""

from typing import Any

import pytest

from gen.fabric import weave
from gen.flows import Derivation, derive
from gen.flows.types import RouteNeed
from gen.parse import parse

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
    derivation = derive(weave(topology))
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
