"""By which of its interfaces a node sends that is on several segments, each with a router."""

from itertools import permutations
from typing import Any

import pytest

from netwright.flows import derive
from netwright.flows.types import RouteNeed
from netwright.parse import parse
from netwright.topology.resolved import resolve_topology

NETWORKS = {"one": "10.1.0.0/24", "two": "10.2.0.0/24", "three": "10.3.0.0/24"}


def routes(interfaces: dict[str, str], flow_from: str) -> list[tuple[str, str, str]]:
    """The routes that `host`, on networks by interface, needs for a flow from one of them to the third network."""
    document: dict[str, Any] = {
        "version": 1,
        "name": "lab",
        "networks": {name: {"cidr": cidr, "router": "gw"} for name, cidr in NETWORKS.items()},
        "nodes": {
            "gw": {
                "os": "unmanaged",
                "forward": True,
                "interfaces": {
                    f"lan{number}": {"network": name, "address": f"10.{number}.0.1"}
                    for number, name in enumerate(NETWORKS, 1)
                },
            },
            "host": {
                "os": "flatcar",
                "default_route": {"via": "10.1.0.1"},
                "interfaces": {
                    name: {"network": network, "address": f"10.{[*NETWORKS].index(network) + 1}.0.9"}
                    for name, network in interfaces.items()
                },
            },
        },
        "flows": {"out": {"from": [flow_from], "to": ["three"], "allow": "any"}},
    }
    topology, diagnostics = parse(document)
    assert not diagnostics
    needs = derive(resolve_topology(topology)).needs["host"].needs
    return [(str(one.destination), str(one.gateway), one.interface) for one in needs if isinstance(one, RouteNeed)]


@pytest.mark.parametrize("interfaces", [*permutations({"eth0": "one", "eth1": "two"}.items())], ids=["as", "reversed"])
@pytest.mark.parametrize(("flow_from", "way"), [("one", ("10.1.0.1", "eth0")), ("two", ("10.2.0.1", "eth1"))])
def test_packets_leave_by_the_network_of_their_flow_whatever_the_order(
    interfaces: tuple[tuple[str, str], ...], flow_from: str, way: tuple[str, str]
) -> None:
    assert routes(dict(interfaces), flow_from) == [("10.3.0.0/24", *way)]


@pytest.mark.parametrize("names", [("eth2", "eth10"), ("eth10", "eth2")], ids=["as", "reversed"])
def test_of_two_interfaces_on_one_network_the_first_by_name_is_taken(names: tuple[str, str]) -> None:
    assert [interface for _, _, interface in routes(dict.fromkeys(names, "one"), "one")] == ["eth2"]


def test_a_name_that_leads_into_an_isolated_libvirt_network_may_mean_another() -> None:
    def libvirt(number: int, mode: str) -> dict[str, Any]:
        bridge = {"bridge": f"virbr{number}", "forward": mode}
        return {"cidr": f"10.{number}.0.0/24", "router": "kvm", "libvirt": bridge}

    document: dict[str, Any] = {
        "version": 1,
        "name": "lab",
        "networks": {
            "lan": {"cidr": "192.168.0.0/24"},
            "closed": libvirt(5, "isolated"),
            "open": libvirt(6, "route"),
        },
        "nodes": {
            "pc": {"os": "unmanaged", "interfaces": {"lan0": {"network": "lan", "address": "192.168.0.9"}}},
            "kvm": {
                "os": "rocky10",
                "forward": True,
                "interfaces": {
                    "eth0": {"network": "lan", "address": "192.168.0.1"},
                    "virbr5": {"network": "closed", "address": "10.5.0.1"},
                    "virbr6": {"network": "open", "address": "10.6.0.1"},
                },
            },
            "guest": {
                "os": "rocky10",
                "interfaces": {
                    "eth0": {"network": "closed", "address": "10.5.0.9"},
                    "eth1": {"network": "open", "address": "10.6.0.9"},
                },
            },
        },
        "flows": {"ssh": {"from": ["pc"], "to": ["guest"], "allow": ["tcp/22"]}},
    }
    topology, _ = parse(document)

    found = [one for one in derive(resolve_topology(topology)).diagnostics if one.rule == "libvirt_passes_flows"]

    assert [one.message.rpartition("; ")[2] for one in found] == [
        "set forward: open for closed, or name guest@open in the flow"
    ]
