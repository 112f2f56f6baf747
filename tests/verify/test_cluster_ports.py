"""Ports that Kubernetes nodes need among each other, which no flow states."""

from typing import Any

import pytest
from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.network_model.building import build_network
from netwright.verify.proof.proof import verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Text
from netwright.verify.reading.formats.k3s import CONFIG
from netwright.verify.values.wiring import AssignedAddress
from tests.verify.kernel.world import Box, World, delivery_of, ip_number, model_of

CLOSED = "table inet mine {{ chain c {{ type filter hook input priority filter; policy drop; {} }} }}"
KNOWN = "ct state established,related accept;"
OPEN = f"{KNOWN} tcp dport {{ 2379, 2380, 6443, 10250 }} accept"
NODES = {"m1": "10.0.0.11", "m2": "10.0.0.12", "w1": "10.0.0.21", "w2": "10.0.0.22"}
SERVERS, AGENTS = frozenset({"m1", "m2"}), frozenset({"w1", "w2"})
ETCD = "other servers do not reach its etcd (tcp/{})"
KUBELET = "servers do not reach its kubelet (tcp/10250)"
API = "nodes do not reach its API (tcp/6443)"
JOIN = "does not reach the server that K3s is to join (https://10.0.0.11:6443)"


def _warned(rules: dict[str, str], *, config: str = "", servers: frozenset[str] = SERVERS) -> list[tuple[str, Any]]:
    """Return what is warned of, with the nodes; `rules` are the inputs of nodes, `config` is what m2, w1 and w2 tell
    K3s."""
    boxes = tuple(
        Box(
            name=name,
            cards={"e0": ("s", (f"{ip}/24",))},
            nft=CLOSED.format(rules[name]) if name in rules else "",
        )
        for name, ip in NODES.items()
    )
    model = model_of(World(boxes=boxes, pairs=()))
    wiring = replace(
        model.wiring,
        servers=servers,
        agents=AGENTS,
        addresses=tuple(
            AssignedAddress(node=name, interface="e0", ip=ip_number(ip), length=24) for name, ip in NODES.items()
        ),
    )
    text = Text(path=CONFIG, shown=CONFIG, text=config, mode=None)
    deliveries = [delivery_of(box) for box in boxes]
    configurations = [
        read_configuration(replace(one, files={**one.files, CONFIG: text}) if config and one.node != "m1" else one)
        for one in deliveries
    ]
    found = verify_network(build_network(configurations, wiring, model.assumptions), []).findings
    warnings = [one for one in found if one.severity is Severity.WARNING]
    return sorted((str(one.cause).partition(": ")[0], one.nodes) for one in warnings)


ALL_OF_ETCD = [(ETCD.format(port), ("m1", "m2")) for port in (2379, 2380)]
SERVER = "server: https://10.0.0.11:6443\n"


@pytest.mark.parametrize(
    ("rules", "more", "warned"),
    [
        pytest.param({}, {}, [], id="nothing-filters"),
        pytest.param(dict.fromkeys(NODES, OPEN), {"config": SERVER}, [], id="let-in"),
        pytest.param(
            dict.fromkeys(SERVERS, f"{KNOWN} tcp dport {{ 6443, 10250 }} accept"), {}, ALL_OF_ETCD, id="etcd-closed"
        ),
        pytest.param(
            dict.fromkeys(SERVERS, f"{KNOWN} tcp dport {{ 6443, 10250 }} accept"),
            {"config": "datastore-endpoint: mysql://db\n"},
            [],
            id="no-etcd",
        ),
        pytest.param(
            {"m1": f"{KNOWN} tcp dport {{ 6443, 10250 }} accept"},
            {"servers": frozenset({"m1"})},
            [],
            id="one-server",
        ),
        pytest.param({"w1": KNOWN}, {}, [(KUBELET, ("w1",))], id="a-kubelet-closed"),
        pytest.param(
            {"m1": OPEN, "m2": "tcp dport { 2379, 2380, 6443, 10250 } accept"},
            {},
            [
                (ETCD.format(2379), ("m1",)),
                (ETCD.format(2380), ("m1",)),
                (API, ("m1",)),
                (KUBELET, ("m1", "w1", "w2")),
            ],
            id="no-answers",
        ),
        pytest.param(
            {"m1": f"{KNOWN} tcp dport {{ 2379, 2380, 10250 }} accept"},
            {"config": SERVER},
            [(JOIN, ("m2", "w1", "w2")), (API, ("m1",))],
            id="the-api-closed",
        ),
        pytest.param(
            {"m2": f"{KNOWN} tcp dport {{ 2379, 2380, 10250 }} accept"},
            {"config": SERVER},
            [(API, ("m2",))],
            id="the-api-of-another-server-closed",
        ),
        pytest.param(
            {"m2": f"{KNOWN} tcp dport {{ 2379, 2380, 7443, 10250 }} accept"},
            {"config": f"{SERVER}https-listen-port: 7443\n"},
            [],
            id="the-api-at-another-port",
        ),
    ],
)
def test_what_nodes_need_of_each_other_is_a_warning_where_it_is_refused(
    rules: dict[str, str], more: dict[str, Any], warned: list[tuple[str, Any]]
) -> None:
    assert _warned(rules, **more) == sorted(warned)


PASSING = "table inet mine {{ chain c {{ type filter hook forward priority filter; policy drop; {} }} }}"
NAMES = "pods do not reach the cluster's name server (udp/53)"
POD_API = "pods do not reach the API (tcp/6443)"
PODS = "udp dport 53 accept; tcp dport 6443 accept"


def _warned_of_pods(rules: dict[str, str], *, config: str = "", plugin: bool = False) -> list[tuple[str, Any]]:
    """Return what is warned of, with the nodes; `rules` are those of the nodes' closed forward chains, `config` is what
    the server m1 tells K3s."""
    boxes = tuple(
        Box(
            name=name,
            cards={"e0": ("s", (f"{NODES[name]}/24",))},
            nft=PASSING.format(rules[name]) if name in rules else "",
            sysctls=("net.ipv4.ip_forward = 1",),
        )
        for name in ("m1", "w1", "w2")
    )
    owners = {"10.42.1.0/24": "m1", "10.42.2.0/24": "w1", "10.42.3.0/24": "w2"}
    model = model_of(World(boxes=boxes, pairs=()), owners)
    wiring = replace(
        model.wiring,
        servers=frozenset({"m1"}),
        agents=AGENTS,
        addresses=tuple(
            AssignedAddress(node=box.name, interface="e0", ip=ip_number(NODES[box.name]), length=24) for box in boxes
        ),
    )
    text = Text(path=CONFIG, shown=CONFIG, text=config, mode=None)
    deliveries = [delivery_of(box) for box in boxes]
    configurations = [
        read_configuration(replace(one, files={**one.files, CONFIG: text}) if config and one.node == "m1" else one)
        for one in deliveries
    ]
    assumptions = replace(model.assumptions, cni="none" if plugin else "vxlan")
    found = verify_network(build_network(configurations, wiring, assumptions), []).findings
    warnings = [one for one in found if one.severity is Severity.WARNING and "pods do not reach" in str(one.cause)]
    return sorted((str(one.cause).partition(": ")[0], one.nodes) for one in warnings)


@pytest.mark.parametrize(
    ("rules", "more", "warned"),
    [
        pytest.param({}, {}, [], id="nothing-filters"),
        pytest.param({"w1": f"{KNOWN} {PODS}"}, {}, [], id="let-through"),
        pytest.param({"w1": KNOWN}, {}, [(POD_API, ("w1",)), (NAMES, ("w1",))], id="closed"),
        pytest.param({"w1": f"{KNOWN} udp dport 53 accept"}, {}, [(POD_API, ("w1",))], id="the-api-closed"),
        pytest.param({"w1": PODS}, {}, [(POD_API, ("w1",)), (NAMES, ("w1",))], id="no-answers"),
        pytest.param({"w1": f"{KNOWN} tcp dport 6443 accept"}, {"config": "disable: coredns\n"}, [], id="no-coredns"),
        pytest.param({"w1": KNOWN}, {"plugin": True}, [], id="another-plugin"),
    ],
)
def test_what_pods_need_of_the_cluster_is_a_warning_where_it_is_refused(
    rules: dict[str, str], more: dict[str, Any], warned: list[tuple[str, Any]]
) -> None:
    assert _warned_of_pods(rules, **more) == warned
