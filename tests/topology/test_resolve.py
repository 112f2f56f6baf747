"""Resolved settings of a node."""

from typing import Any

import pytest

from netwright.parse import parse
from netwright.topology.resolved import ResolvedTopology, resolve_topology
from netwright.topology.settings import default_route_offers, kernel_parameters, resolve_route, stated_routes


def resolved(nodes: dict[str, Any], **networks: Any) -> ResolvedTopology:
    topology, diagnostics = parse({"version": 1, "name": "lab", "networks": networks, "nodes": nodes})
    assert not diagnostics
    return resolve_topology(topology)


LAN = {"cidr": "10.0.0.0/24", "router": "gw"}
DMZ = {"cidr": "10.0.1.0/24", "router": "gw"}


def node(*addresses: str, **settings: Any) -> dict[str, Any]:
    interfaces = {
        f"eth{number}": {"network": address.split("=")[0], "address": address.split("=")[1]}
        for number, address in enumerate(addresses)
    }
    return {"os": "rocky10", "interfaces": interfaces, **settings}


def test_default_route_is_stated_first() -> None:
    lb1 = node("lan=10.0.0.2", default_route={"via": "gw", "metric": 5}, routes=[{"to": "dmz", "via": "gw"}])
    woven = resolved({"gw": node("lan=10.0.0.1"), "lb1": lb1}, lan=LAN, dmz=DMZ)

    routes = list(stated_routes(woven.nodes["lb1"]))

    assert [(route.to.text, route.metric) for route in routes] == [("default", 5), ("dmz", None)]


@pytest.mark.parametrize("via", ["lb1", "10.0.0.2"], ids=["by name", "by address"])
def test_route_of_a_network_is_not_stated_for_its_next_hop(via: str) -> None:
    lan = {**LAN, "routes": [{"to": "10.9.0.0/16", "via": via}]}
    nodes = {"gw": node("lan=10.0.0.1"), "lb1": node("lan=10.0.0.2"), "lb2": node("lan=10.0.0.3")}
    woven = resolved(nodes, lan=lan)

    stated = {name: len(list(stated_routes(one))) for name, one in woven.nodes.items()}

    assert stated == {"gw": 0, "lb1": 0, "lb2": 1}


def test_each_router_offers_its_default_route_once() -> None:
    nodes = {"gw": node("lan=10.0.0.1", "dmz=10.0.1.1"), "lb1": node("lan=10.0.0.2", "dmz=10.0.1.2", "lan=10.0.0.3")}
    woven = resolved(nodes, lan=LAN, dmz=DMZ)

    offers = default_route_offers(woven, woven.nodes["lb1"])

    assert [(offer.interface.name, str(offer.gateway)) for offer in offers] == [
        ("eth0", "10.0.0.1"),
        ("eth1", "10.0.1.1"),
    ]


@pytest.mark.parametrize(
    ("route", "interface"),
    [
        ({"to": "10.9.0.0/16", "via": "10.0.1.1"}, "eth1"),
        ({"to": "10.9.0.0/16", "via": "10.8.0.1", "onlink": True}, None),
        ({"to": "10.9.0.0/16", "via": "10.8.0.1", "onlink": True, "dev": "eth1"}, "eth1"),
        ({"to": "10.9.0.0/16"}, None),
        ({"to": "10.9.0.0/16", "dev": "eth9"}, None),
        ({"to": "10.9.0.0/16", "type": "blackhole"}, "eth0"),
    ],
    ids=["next hop's network", "nobody knows", "said", "no next hop", "unknown", "discarding"],
)
def test_route_leaves_by_the_interface(route: dict[str, Any], interface: str | None) -> None:
    woven = resolved({"lb1": node("lan=10.0.0.2", "dmz=10.0.1.2", routes=[route])}, lan=LAN, dmz=DMZ)
    lb1 = woven.nodes["lb1"]
    (stated,) = stated_routes(lb1)

    _, egress = resolve_route(woven, lb1, stated)

    assert (egress.name if egress else None) == interface


def test_stated_parameter_wins_over_a_derived_one() -> None:
    lb1 = node("lan=10.0.0.2", forward=True, rp_filter="loose", sysctl={"net.ipv4.ip_forward": 0})
    woven = resolved({"lb1": lb1}, lan=LAN)

    parameters = kernel_parameters(woven.nodes["lb1"])

    assert {".".join(key): parameter.value for key, parameter in parameters.items()} == {
        "net.ipv4.ip_forward": "0",
        "net.ipv4.conf.all.rp_filter": "2",
        "net.ipv4.conf.default.rp_filter": "2",
    }


@pytest.mark.parametrize(("system", "globs"), [("flatcar", 1), ("rocky8", 0), ("rocky9", 1), ("almalinux10", 1)])
def test_off_names_each_interface_where_the_system_knows_globs(system: str, globs: int) -> None:
    lb1 = node("lan=10.0.0.2", rp_filter="off") | {"os": system}
    woven = resolved({"lb1": lb1}, lan=LAN)

    keys = {key[3] for key in kernel_parameters(woven.nodes["lb1"])}

    assert keys == {"all", "default"} | ({"*"} if globs else set())
