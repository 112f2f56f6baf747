"""What Kubernetes' programs ask of each other, let in where a node's input is closed."""

import re
from pathlib import Path

import pytest

from tests.proving.small import judge

_TOPOLOGY = """\
version: 1
name: closed
networks: {{lan: {{cidr: 10.1.0.0/24, router: gw}}}}
kubernetes: {{pods: {{cidr: 10.42.0.0/16}}, cni: {cni}{api}}}
groups: {{closed: {{os: {system}, {firewalld}firewall: {{input: {{policy: drop{rules}}}}}}}}}
nodes:
  gw: {{os: unmanaged, interfaces: {{eth0: {{network: lan, address: 10.1.0.1}}}}}}
  s1:
    groups: [closed]
    kubernetes: server
    pod_cidr: 10.42.1.0/24
    interfaces: {{eth0: {{network: lan, address: 10.1.0.11}}}}
  {second}
  a1:
    groups: [closed]
    kubernetes: agent
    pod_cidr: 10.42.3.0/24
    interfaces: {{eth0: {{network: lan, address: 10.1.0.21}}}}
flows: {{ssh: {{from: gw, to: s1, allow: [tcp/22]}}{flow}}}
"""
_TO_SERVERS = ", balanced: {from: lb, to: [s1, s2], allow: [tcp/6443]}"
_CONFIG = "rootfs/etc/rancher/k3s/config.yaml.d/10-netwright.yaml"
_SECOND = (
    "s2: {groups: [closed], kubernetes: server, pod_cidr: 10.42.2.0/24, "
    "interfaces: {eth0: {network: lan, address: 10.1.0.12}}}"
)
_NFT = "rootfs/etc/nftables/netwright.nft"


def _write(
    out: Path, *, second: str = "", cni: str = "{}", rules: str = "", firewalld: str = "", api: str = "", flow: str = ""
) -> Path:
    system = "rocky9" if firewalld else "flatcar"
    values = {
        "second": second,
        "cni": cni,
        "rules": rules,
        "firewalld": firewalld,
        "system": system,
        "api": api,
        "flow": flow,
    }
    judgement = judge(out, _TOPOLOGY.format(**values))
    assert [one.flow.name for one in judgement.verification.flows if not one.proved] == []
    return out / "out"


def _let_in(out: Path, node: str) -> list[str]:
    """Return the senders and ports of the rules for Kubernetes."""
    found = re.findall(
        r'ip saddr (?:{ (.*?) }|(\S+)) ip daddr (\S+) tcp dport (.*) accept comment "Kubernetes"',
        (out / node / _NFT).read_text(),
    )
    return [f"{several or one} -> {own} {ports}" for several, one, own, ports in found]


def test_servers_are_asked_for_the_api_and_etcd_and_every_node_for_its_kubelet(tmp_path: Path) -> None:
    out = _write(tmp_path, second=_SECOND)

    everyone = "10.1.0.11, 10.1.0.12, 10.1.0.21"
    assert _let_in(out, "s1") == [
        f"{everyone}, 10.42.1.0/24 -> 10.1.0.11 {{ 6443, 10250 }}",
        "10.1.0.11, 10.1.0.12 -> 10.1.0.11 2379-2380",
    ]
    assert _let_in(out, "a1") == [f"{everyone}, 10.42.3.0/24 -> 10.1.0.21 10250"]


@pytest.mark.parametrize(
    ("cni", "port"),
    [
        ("{}", "8472"),
        ("{backend: wireguard-native}", "51820"),
        ("{backend: host-gw}", None),
    ],
)
def test_flannels_tunnels_are_let_in(cni: str, port: str | None, tmp_path: Path) -> None:
    out = _write(tmp_path, cni=cni)

    found = re.findall(r"ip saddr { (.*) } ip daddr (\S+) udp dport (\d+) accept", (out / "a1" / _NFT).read_text())
    assert found == ([("10.1.0.11, 10.1.0.21", "10.1.0.21", port)] if port is not None else [])


def test_one_server_alone_has_no_etcd(tmp_path: Path) -> None:
    out = _write(tmp_path)

    assert _let_in(out, "s1") == ["10.1.0.11, 10.1.0.21, 10.42.1.0/24 -> 10.1.0.11 { 6443, 10250 }"]


def test_a_server_that_holds_the_apis_virtual_address_is_asked_there_too(tmp_path: Path) -> None:
    out = _write(tmp_path, second=_SECOND, api=", api: {vip: 10.1.0.10, holders: [s1, s2]}, config: true")

    everyone = "10.1.0.11, 10.1.0.12, 10.1.0.21"
    assert f"{everyone}, 10.42.1.0/24 -> 10.1.0.10 6443" in _let_in(out, "s1")
    assert [one for one in _let_in(out, "a1") if "10.1.0.10 " in one] == []


_BALANCED = (
    ", config: true, api: {vip: 10.1.0.10, holders: [lb], port: 7443, "
    "serves: {api: {port: 7443, to_port: 6443, backends: [s1, s2]}}}"
)
_LB = (
    "lb: {os: rocky10, firewalld: masked, firewall: {input: {policy: drop}}, "
    "interfaces: {eth0: {network: lan, address: 10.1.0.31}}}"
)


def test_a_balancer_is_asked_for_the_api_at_its_virtual_address_and_servers_at_their_own_port(tmp_path: Path) -> None:
    out = _write(tmp_path, second=f"{_SECOND}\n  {_LB}", api=_BALANCED, flow=_TO_SERVERS)

    everyone = "10.1.0.11, 10.1.0.12, 10.1.0.21"
    assert _let_in(out, "lb") == [f"{everyone} -> 10.1.0.10 7443"]
    assert f"{everyone}, 10.42.1.0/24 -> 10.1.0.11 {{ 6443, 10250 }}" in _let_in(out, "s1")
    assert "https-listen-port" not in (out / "s1" / _CONFIG).read_text()


def test_servers_that_hold_the_address_listen_at_its_port(tmp_path: Path) -> None:
    api = ", config: true, api: {vip: 10.1.0.10, holders: [s1, s2], port: 7443}"
    out = _write(tmp_path, second=_SECOND, api=api)

    assert "10.1.0.11 { 7443, 10250 }" in "\n".join(_let_in(out, "s1"))
    assert "https-listen-port: 7443\n" in (out / "s2" / _CONFIG).read_text()


def test_a_plugin_may_leave_the_addresses_of_all_pods(tmp_path: Path) -> None:
    out = _write(tmp_path, cni="{plugin: calico}")

    assert _let_in(out, "a1") == ["10.1.0.11, 10.1.0.21, 10.42.0.0/16 -> 10.1.0.21 10250"]


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        pytest.param(", rules: [{from: [lan, pods], allow: [tcp/6443, tcp/10250]}]", [], id="accepted"),
        pytest.param(
            ", rules: [{from: lan, allow: [tcp/6443]}]",
            ["10.1.0.11, 10.1.0.21, 10.42.1.0/24 -> 10.1.0.11 { 6443, 10250 }"],
            id="accepted-in-part",
        ),
        pytest.param(", rules: [{deny: [tcp/6000-11000]}]", [], id="refused"),
    ],
)
def test_what_is_stated_is_not_stated_again(rules: str, left: list[str], tmp_path: Path) -> None:
    out = _write(tmp_path, rules=rules)

    assert _let_in(out, "s1") == left


def test_firewalld_lets_it_in_as_well(tmp_path: Path) -> None:
    out = _write(tmp_path, firewalld="network_config: keyfile, firewalld: managed, ")

    policy = (out / "a1/rootfs/etc/firewalld/policies/netwright-input.xml").read_text()
    assert re.findall(r'source address="(\S+)".*port="10250"', policy) == ["10.1.0.11", "10.1.0.21", "10.42.3.0/24"]


_CLOSED = """\
version: 1
name: closed
networks: {{lan: {{cidr: 10.1.0.0/24, router: gw}}, far: {{cidr: 10.3.0.0/24, router: gw}}}}
kubernetes: {{pods: {{cidr: 10.42.0.0/16}}, cni: {{backend: {backend}}}}}
groups: {{closed: {{os: flatcar, firewall: {{forward: {{policy: drop}}}}}}}}
nodes:
  gw:
    os: rocky10
    firewalld: masked
    forward: true
    internet: true
    default_route: {{via: 203.0.113.1}}
    interfaces:
      eth0: {{network: lan, address: 10.1.0.1}}
      eth1: {{network: far, address: 10.3.0.1}}
      eth2: {{networks: {{wan: 203.0.113.2}}}}
  s1:
    groups: [closed]
    kubernetes: server
    pod_cidr: 10.42.1.0/24
    interfaces: {{eth0: {{network: lan, address: 10.1.0.11}}}}
  a1:
    groups: [closed]
    kubernetes: agent
    pod_cidr: 10.42.2.0/24
    interfaces: {{eth0: {{network: lan, address: 10.1.0.12}}}}
  x: {{os: rocky10, firewalld: masked, interfaces: {{eth0: {{network: far, address: 10.3.0.11}}}}}}
flows: {{asked: {{from: {source}, to: {target}, allow: [tcp/9100]}}}}
"""
_WAN = "networks: {wan: {cidr: 203.0.113.0/29}, "


@pytest.mark.parametrize("backend", ["vxlan", "host-gw"])
@pytest.mark.parametrize(
    ("source", "target", "passed"),
    [
        ("pods", "x", ["10.42.1.0/24 -> 10.3.0.11"]),
        ("pods", "a1", ["10.42.1.0/24 -> 10.1.0.12"]),
        ("pods", "pods", ["10.42.1.0/24 -> 10.42.0.0/16", "10.42.0.0/16 -> 10.42.1.0/24"]),
        ("a1", "pods", ["{ 10.1.0.12, 10.42.2.0 } -> 10.42.1.0/24"]),
        ("pods", "internet", ["10.42.1.0/24 -> != { 10.1.0.0/24, 10.3.0.0/24, 10.42.0.0/16, 203.0.113.0/29 }"]),
    ],
)
def test_a_closed_forward_chain_passes_what_pods_send_and_get(
    backend: str, source: str, target: str, passed: list[str], tmp_path: Path
) -> None:
    text = _CLOSED.format(backend=backend, source=source, target=target).replace("networks: {", _WAN, 1)

    judgement = judge(tmp_path, text)

    assert [one.flow.name for one in judgement.verification.flows if not one.proved] == []
    assert [one.cause for one in judgement.verification.findings if "pods do not reach" in str(one.cause)] == []
    rules = (tmp_path / "out/s1" / _NFT).read_text()
    found = re.findall(r"ip saddr ({ .*? }|\S+) ip daddr ((?:!= )?(?:{ .*? }|\S+)) tcp dport 9100 accept", rules)
    assert {f"{one} -> {other}" for one, other in found} == {*passed}
