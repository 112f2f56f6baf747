"""The style minimal: a route that a wider one stands in for is not written, and every flow is proved without it."""

from pathlib import Path

import pytest

from tests.proving.small import TOPOLOGY, change, judge

MINIMAL = TOPOLOGY.replace("flows:\n", "routing: {style: minimal}\nflows:\n")
NO_DEFAULT = "default_route: none"
TO_OTHERS = "{to: [back, lan], via: host}"
KEYFILE = "out/lb/rootfs/etc/NetworkManager/system-connections/eth0.nmconnection"
LB = "lb:\n    groups: [rocky]\n"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        pytest.param(f"routes: [{{to: pods, via: host}}, {TO_OTHERS}]", {"10.42.0.0/16"}, id="a stated route"),
        pytest.param(f"routes: [{TO_OTHERS}]", {"10.42.1.0/24", "10.42.2.0/24"}, id="none"),
        pytest.param("routes: [{to: 10.0.0.0/8, via: host}, {to: lan, via: host}]", set(), id="one for more"),
        pytest.param(
            f"routes: [{{to: pods, via: spare}}, {TO_OTHERS}]",
            {"10.42.0.0/16", "10.42.1.0/24", "10.42.2.0/24"},
            id="by another next hop",
        ),
        pytest.param(
            "routes: [{to: 10.0.0.0/8, via: host}, {to: lan, via: host}, {to: 10.42.0.0/17, via: spare}]",
            {"10.42.0.0/17", "10.42.1.0/24", "10.42.2.0/24"},
            id="another between",
        ),
        pytest.param(
            f"routes: [{{to: pods, via: host, metric: 50}}, {{to: pods, via: spare, metric: 60}}, {TO_OTHERS}]",
            {"10.42.0.0/16", "10.42.1.0/24", "10.42.2.0/24"},
            id="two of which the other may be taken",
        ),
    ],
)
def test_a_route_to_pods_is_written_where_no_stated_one_does(tmp_path: Path, stated: str, expected: set[str]) -> None:
    spare = "  spare: {groups: [rocky], forward: true, interfaces: {eth0: {network: front, address: 10.1.0.99}}}\n"
    topology = change(MINIMAL, (LB, f"{LB}    {NO_DEFAULT}\n    {stated}\n"), ("  w1:\n", f"{spare}  w1:\n"))
    topology = topology.replace("from: [front, back], to: [internet]", "from: [back], to: [internet]")

    judgement = judge(tmp_path, topology)

    lines = (tmp_path / KEYFILE).read_text().split("\n")
    routes = {line.partition("=")[2].partition(",")[0] for line in lines if line.startswith("route")}
    assert {route for route in routes if route.startswith("10.42.")} == expected
    assert [result.flow.name for result in judgement.verification.flows if not result.proved] == []
