"""What K3s is told, beside the topology and beside what its other nodes are told."""

from typing import Any

import pytest
from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.k3s_settings import contradictions
from netwright.verify.proof.proof import verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Text
from netwright.verify.reading.formats.k3s import CONFIG, K3sSetting
from netwright.verify.values.addresses import Prefix, parse_prefix
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Fault
from netwright.verify.values.wiring import AssignedAddress, HeldAddress, PublishedPorts, Served, Wiring
from tests.verify.kernel.world import Box, World, delivery_of, ip_number, model_of


def _prefix(text: str) -> Prefix:
    network = parse_prefix(text)
    assert network is not None
    return network


def _contradicted(
    key: str, *values: str, card: str | None = None, other: K3sSetting | None = None
) -> list[tuple[str, ...]]:
    """The keys of the topology that a setting contradicts."""
    setting = K3sSetting(key=key, values=values, origin=Origin(file="f", line=1))
    wiring = Wiring(
        nodes=("n",),
        segments=(),
        pods=_prefix("10.42.0.0/16"),
        services=_prefix("10.43.0.0/16"),
        networks=(_prefix("10.0.0.0/24"),),
        owners={_prefix("10.0.0.1/32").first: "n", _prefix("10.0.0.2/32").first: "w", _prefix("10.0.0.5/32").first: ""},
        agents=frozenset({"w"}),
    )
    found = contradictions(
        {key: setting, **({other.key: other} if other is not None else {})},
        wiring,
        node="n",
        backend="vxlan",
        card=card,
        cards=["eth0", "eth1"],
        addresses=[_prefix("10.0.0.1/32").first],
    )
    return [one.path for one in found]


@pytest.mark.parametrize(
    ("key", "right", "wrong", "path"),
    [
        pytest.param("flannel-backend", "vxlan", "host-gw", ("kubernetes", "cni", "backend"), id="backend"),
        pytest.param("cluster-cidr", "10.42.0.0/16", "10.244.0.0/16", ("kubernetes", "pods", "cidr"), id="pods"),
        pytest.param("service-cidr", "10.43.0.0/16", "10.96.0.0/12", ("kubernetes", "services", "cidr"), id="services"),
        pytest.param("flannel-iface", "eth1", "eth7", ("nodes", "n", "interfaces"), id="card"),
        pytest.param("node-ip", "10.0.0.1", "10.0.0.2", ("nodes", "n", "interfaces"), id="node-ip"),
        pytest.param("bind-address", "10.0.0.1", "10.0.0.2", ("nodes", "n", "interfaces"), id="bind"),
        pytest.param("bind-address", "0.0.0.0", "10.0.0.5", ("nodes", "n", "interfaces"), id="bind-virtual"),
        pytest.param("advertise-address", "10.0.0.1", "10.0.0.9", ("kubernetes",), id="advertise"),
        pytest.param("server", "https://10.0.0.5:6443", "https://10.0.0.9:6443", ("kubernetes",), id="nobody"),
        pytest.param("server", "https://10.9.9.9:6443", "https://10.0.0.2:6443", ("kubernetes",), id="an-agent"),
        pytest.param("server", "https://api.example:6443", "10.0.0.9", ("kubernetes",), id="a-name"),
        pytest.param("cluster-dns", "10.43.0.10", "10.96.0.10", ("kubernetes", "services", "cidr"), id="dns"),
    ],
)
def test_k3s_agrees_with_the_topology(key: str, right: str, wrong: str, path: tuple[str, ...]) -> None:
    assert (_contradicted(key, right), _contradicted(key, wrong)) == ([], [path])


def test_a_name_server_other_than_coredns_is_no_service() -> None:
    own = K3sSetting(key="disable", values=("coredns",), origin=Origin(file="f", line=1))

    assert _contradicted("cluster-dns", "169.254.20.10") == [("kubernetes", "services", "cidr")]
    assert _contradicted("cluster-dns", "169.254.20.10", other=own) == []


def test_a_stated_card_is_the_one_that_k3s_is_told() -> None:
    assert _contradicted("flannel-iface", "eth1", card="eth1") == []
    assert _contradicted("flannel-iface", "eth1", card="eth0") == [("kubernetes", "cni", "interface")]


def test_a_second_address_family_contradicts_nothing() -> None:
    assert _contradicted("cluster-cidr", "10.42.0.0/16", "fd00::/48") == []
    assert _contradicted("node-ip", "10.0.0.1", "fd00::1") == []


NODES = {"m1": "10.0.0.11", "m2": "10.0.0.12", "w1": "10.0.0.21", "lb": "10.0.0.31"}
VIRTUAL = "10.0.0.9"
ENVIRONMENT = "/etc/systemd/system/k3s.service.env"
PODS = "/etc/pods-resolv.conf"
BALANCER = "frontend api\n  bind 10.0.0.31:7443\n  default_backend m\nbackend m\n  server m1 10.0.0.11:6443\n"


def _told(files: dict[str, dict[str, str]], **wired: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what is wrong with K3s's settings, its severity and nodes; `files` are those of nodes by path."""
    boxes = tuple(Box(name=name, cards={"e0": ("s", (f"{ip}/24",))}) for name, ip in NODES.items())
    model = model_of(World(boxes=boxes, pairs=()))
    wiring = replace(
        model.wiring,
        servers=frozenset({"m1", "m2"}),
        agents=frozenset({"w1"}),
        owners={**{ip_number(ip): name for name, ip in NODES.items()}, ip_number(VIRTUAL): ""},
        addresses=tuple(
            AssignedAddress(node=name, interface="e0", ip=ip_number(ip), length=24) for name, ip in NODES.items()
        ),
        **wired,
    )
    deliveries = [delivery_of(box) for box in boxes]
    configurations = []
    for one in deliveries:
        own = files.get(one.node, {})
        texts = {path: Text(path=path, shown=path, text=text, mode=None) for path, text in own.items()}
        configurations.append(read_configuration(replace(one, files={**one.files, **texts})))
    found = verify_network(build_network(configurations, wiring, model.assumptions), []).findings
    return [
        ("warning" if one.severity is Severity.WARNING else "error", str(one.cause), one.nodes)
        for one in found
        if one.kind is Fault.WRONG_K3S_SETTING
    ]


def _join(url: str, api: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [("error", f"K3s is told to join {url}, and its API is at port {api} there", ("w1",))]


def _alike(name: str, *nodes: str) -> list[tuple[str, str, tuple[str, ...]]]:
    said = f"K3s lets in one of {', '.join(nodes)}: all have the name {name} there; set node-name"
    return [("error", said, nodes)]


def _resolver(said: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [("error", f"K3s is told to hand pods a file by resolv-conf, and {said}", ("w1",))]


def _proxied(proxy: str, missed: str) -> list[tuple[str, str, tuple[str, ...]]]:
    said = f"K3s asks nodes through {proxy}, as NO_PROXY does not name {missed}; name the nodes' networks"
    return [("warning", said, ("w1",))]


HELD = tuple(HeldAddress(ip=ip_number(VIRTUAL), node=name, interface="e0", moved=True) for name in ("m1", "m2"))
BY_LB = {
    "held": (HeldAddress(ip=ip_number(VIRTUAL), node="lb", interface="e0"),),
    "served": (
        Served(ip=ip_number(VIRTUAL), port=7443, servers=frozenset({(ip_number("10.0.0.11"), 6443)})),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "wired", "found"),
    [
        pytest.param({"w1": {CONFIG: "server: https://10.0.0.11:6443\n"}}, {}, [], id="the-apis-port"),
        pytest.param(
            {"w1": {CONFIG: "server: https://10.0.0.11:9345\n"}},
            {},
            _join("https://10.0.0.11:9345", "6443"),
            id="another-port",
        ),
        pytest.param(
            {"w1": {CONFIG: "server: https://10.0.0.11\n"}}, {}, _join("https://10.0.0.11", "6443"), id="https-own-port"
        ),
        pytest.param(
            {"w1": {CONFIG: "server: http://10.0.0.11:6443\n"}},
            {},
            [("error", "K3s is told to join http://10.0.0.11:6443, and takes only what begins with https://", ("w1",))],
            id="no-https",
        ),
        pytest.param(
            {
                "m1": {CONFIG: "https-listen-port: 7443\n"},
                "w1": {CONFIG: "server: https://10.0.0.11:7443\n"},
            },
            {},
            [],
            id="a-stated-port",
        ),
        pytest.param(
            {
                "m1": {CONFIG: "https-listen-port: 7443\n"},
                "w1": {CONFIG: "server: https://10.0.0.11:6443\n"},
            },
            {},
            _join("https://10.0.0.11:6443", "7443"),
            id="the-usual-port-where-it-is-another",
        ),
        pytest.param(
            {"w1": {CONFIG: f"server: https://{VIRTUAL}:7443\n"}},
            {"held": HELD, "served": (Served(ip=ip_number(VIRTUAL), port=7443, servers=frozenset()),)},
            _join(f"https://{VIRTUAL}:7443", "6443"),
            id="a-virtual-address-of-servers",
        ),
        pytest.param({"w1": {CONFIG: f"server: https://{VIRTUAL}:7443\n"}}, BY_LB, [], id="served-by-another"),
        pytest.param({"w1": {CONFIG: f"server: https://{VIRTUAL}:9999\n"}}, BY_LB, [], id="beside-what-is-served"),
        pytest.param(
            {"w1": {CONFIG: "server: https://10.0.0.31:7443\n"}, "lb": {"/etc/haproxy/haproxy.cfg": BALANCER}},
            {},
            [],
            id="a-balancer",
        ),
        pytest.param(
            {"w1": {CONFIG: "server: https://10.0.0.31:6443\n"}, "lb": {"/etc/haproxy/haproxy.cfg": BALANCER}},
            {},
            _join("https://10.0.0.31:6443", "7443"),
            id="a-balancer-at-another-port",
        ),
        pytest.param(
            {"w1": {CONFIG: "server: https://10.0.0.31:6443\n"}},
            {"containers": {"lb": (PublishedPorts(protocol="tcp", ports=(443, 444)),)}},
            _join("https://10.0.0.31:6443", "443 or 444"),
            id="a-container",
        ),
        pytest.param({"w1": {CONFIG: "server: https://10.0.0.31:1\n"}}, {}, [], id="another-program"),
        pytest.param({"w1": {CONFIG: "node-name: w1.example\n"}}, {}, [], id="a-name-of-its-own"),
        pytest.param({"w1": {CONFIG: "node-name: M1\n"}}, {}, _alike("m1", "m1", "w1"), id="the-name-of-another"),
        pytest.param(
            {"m2": {CONFIG: "node-name: x\n"}, "w1": {ENVIRONMENT: "K3S_NODE_NAME=x\n"}},
            {},
            _alike("x", "m2", "w1"),
            id="the-same-name-twice",
        ),
        pytest.param({"w1": {CONFIG: "node-name: m1\nwith-node-id: true\n"}}, {}, [], id="a-name-with-an-id"),
        pytest.param(
            {"w1": {CONFIG: f"resolv-conf: {PODS}\n"}}, {}, _resolver(f"nothing makes {PODS}"), id="no-resolv.conf"
        ),
        pytest.param(
            {"w1": {CONFIG: f"resolv-conf: {PODS}\n", PODS: "nameserver 10.0.0.1\n"}}, {}, [], id="a-resolv.conf"
        ),
        pytest.param(
            {"w1": {CONFIG: f"resolv-conf: {PODS}\n", PODS: "nameserver 127.0.0.53\n"}},
            {},
            _resolver(f"{PODS} names no server but the machine itself"),
            id="a-resolv.conf-of-the-machine-itself",
        ),
        pytest.param(
            {"w1": {CONFIG: f"kubelet-arg: [resolv-conf={PODS}]\n", PODS: "options edns0\n"}},
            {},
            _resolver(f"{PODS} names no server"),
            id="a-resolv.conf-without-servers",
        ),
        pytest.param(
            {"w1": {CONFIG: "resolv-conf: /run/systemd/resolve/resolv.conf\n"}}, {}, [], id="the-systems-resolv.conf"
        ),
        pytest.param(
            {"w1": {CONFIG: "resolv-conf: /run/systemd/resolve/stub-resolv.conf\n"}},
            {},
            _resolver("/run/systemd/resolve/stub-resolv.conf names no server but the machine itself"),
            id="resolveds-stub",
        ),
        pytest.param(
            {"w1": {CONFIG: f"resolv-conf: {PODS}\n", "/opt/make.sh": f"cp /etc/resolv.conf {PODS}\n"}},
            {},
            [],
            id="a-resolv.conf-that-a-script-makes",
        ),
        pytest.param(
            {"w1": {ENVIRONMENT: "HTTPS_PROXY=http://10.0.0.31:3128\nNO_PROXY=10.0.0.11,10.0.0.21,10.42.0.0/16\n"}},
            {},
            _proxied("http://10.0.0.31:3128", "10.0.0.12"),
            id="a-proxy",
        ),
        pytest.param(
            {"w1": {ENVIRONMENT: 'HTTPS_PROXY="http://p:3128"\nNO_PROXY="localhost,10.0.0.0/24"\n'}},
            {},
            [],
            id="no-proxy-for-nodes",
        ),
        pytest.param(
            {"w1": {ENVIRONMENT: "HTTPS_PROXY=http://p:3128\nno_proxy=*\n"}}, {}, [], id="no-proxy-for-anything"
        ),
        pytest.param(
            {"w1": {ENVIRONMENT: "HTTP_PROXY=http://p:3128\nCONTAINERD_HTTPS_PROXY=http://p:3128\n"}},
            {},
            [],
            id="a-proxy-for-other-things",
        ),
        pytest.param(
            {
                "w1": {
                    "/etc/systemd/system/k3s.service": "[Service]\nEnvironmentFile=-/etc/proxy.env\n",
                    "/etc/proxy.env": "HTTPS_PROXY=http://p:3128\n",
                }
            },
            {},
            _proxied("http://p:3128", "10.0.0.11, 10.0.0.12, 10.0.0.21"),
            id="a-proxy-in-another-file",
        ),
    ],
)
def test_k3s_nodes_are_told_what_the_others_are(
    files: dict[str, dict[str, str]], wired: dict[str, Any], found: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert _told(files, **wired) == found
