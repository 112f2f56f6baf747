"""Effects of other programs on flows, and the protocols of programs that have no ports."""

import json
from pathlib import Path

import pytest

from netwright.verdict_formats.judgement import Judgement
from tests.lab.running import replace_delivered, replace_in
from tests.netwright import netwright
from tests.proving.small import TOPOLOGY, change, judge

_PAIR = """\
version: 1
name: pair
networks: {{lbs: {{cidr: 10.17.5.0/24}}}}
kubernetes: {{pods: {{cidr: 10.42.0.0/16}}, cni: {{plugin: none}}, api: {{vip: 10.17.5.10, holders: [ha1, ha2]}}}}
defaults: {{os: rocky10, firewalld: masked, default_route: none, firewall: {{input: {firewall}}}}}
nodes:
  ha1: {{interfaces: {{eth0: {{network: lbs, address: 10.17.5.20}}}}}}
  ha2: {{interfaces: {{eth0: {{network: lbs, address: 10.17.5.21}}}}}}
  client: {{interfaces: {{eth0: {{network: lbs, address: 10.17.5.22}}}}}}
flows:
  api: {{from: [client], to: [kubernetes.api], allow: [tcp/6443]}}
  traffic: {{from: [client], to: [ha1], allow: {traffic}}}
"""


def _judge(folder: Path, firewall: str = "{policy: drop}", traffic: str = "[icmp]") -> Judgement:
    return judge(folder, _PAIR.format(firewall=firewall, traffic=traffic))


def _kinds(judgement: Judgement) -> set[str]:
    return {finding.kind for finding in judgement.verification.findings}


@pytest.mark.parametrize("protocol", ["vrrp", "esp", "ah", "gre", "sctp", "sctp/80", "any"])
def test_each_protocol_of_a_flow_is_let_through_and_proved(protocol: str, tmp_path: Path) -> None:
    judgement = _judge(tmp_path, traffic=f"[{protocol}]")

    assert [result.proved for result in judgement.verification.flows] == [True, True]


def test_holders_of_an_address_hear_each_other_through_a_closed_input(tmp_path: Path) -> None:
    judgement = _judge(tmp_path)

    rules = (tmp_path / "out/ha1/rootfs/etc/nftables/netwright.nft").read_text()
    assert "ip saddr 10.17.5.21 ip daddr { 10.17.5.20, 224.0.0.18 } meta l4proto 112 accept" in rules
    assert _kinds(judgement) == set()


def test_a_stated_rule_that_accepts_vrrp_is_not_repeated(tmp_path: Path) -> None:
    judgement = _judge(tmp_path, "{policy: drop, rules: [{from: lbs, allow: [vrrp]}]}")

    assert (tmp_path / "out/ha1/rootfs/etc/nftables/netwright.nft").read_text().count("112") == 1
    assert _kinds(judgement) == set()


def test_holders_that_a_rule_keeps_apart_are_found(tmp_path: Path) -> None:
    judgement = _judge(tmp_path, "{policy: drop, rules: [{from: ha1, deny: any}]}")

    (finding,) = [one for one in judgement.verification.findings if one.kind == "VRRP_UNHEARD"]
    assert (finding.nodes, [origin.line for origin in finding.origins]) == (("ha2",), [10])


def _warnings(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """Return validate's warnings on the small network, once it is changed."""
    (folder / "topology.yaml").write_text(change(TOPOLOGY, *changes), encoding="utf-8")
    lines = netwright("validate", cwd=folder).stderr.splitlines()
    return [line for line in lines if "warning: " in line and "firewalld" in line]


def test_one_warning_names_the_nodes_of_which_firewalld_is_unstated(tmp_path: Path) -> None:
    (warning,) = _warnings(tmp_path, (", firewalld: masked", ""))

    assert "whether firewalld runs on host, lb is not stated" in warning


def test_a_firewalld_that_runs_refutes_what_its_node_takes_and_passes_on(tmp_path: Path) -> None:
    running = change(TOPOLOGY, ("firewalld: masked", "firewalld: running"))
    (warning,) = _warnings(tmp_path, ("firewalld: masked", "firewalld: running"))

    judgement = judge(tmp_path, running)

    assert "firewalld runs on host, lb, on the way of out, ssh, to-pods" in warning
    assert [result.proved for result in judgement.verification.flows] == [False, False, False, True]
    assert not [one for one in judgement.verification.assumptions if "firewalld does not" in one]


def test_a_firewalld_that_no_file_masks_runs(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY, encoding="utf-8")
    netwright("generate", "-q", cwd=tmp_path)
    replace_in(tmp_path / "out/host/cloud-init/user-data", "systemctl mask --now firewalld.service", "echo")

    verified = json.loads(netwright("verify", "--no-repair", "--format", "json", cwd=tmp_path).stdout)

    assert "firewalld runs on host" in " ".join(verified["assumptions"])
    assert [flow["proved"] for flow in verified["flows"]] == [False, False, False, True]


@pytest.mark.parametrize(
    ("stated", "assumed"),
    [
        (", firewalld: absent", ["firewalld is absent from host, lb"]),
        (", firewalld: masked", []),
        ("", ["firewalld does not run on host, lb, where the topology does not have it"]),
    ],
)
def test_what_is_assumed_of_firewalld_names_its_nodes(stated: str, assumed: list[str], tmp_path: Path) -> None:
    judgement = judge(tmp_path, change(TOPOLOGY, (", firewalld: masked", stated)))

    assert [one for one in judgement.verification.assumptions if "firewalld" in one] == assumed


def test_docker_is_no_assumption_where_the_topology_has_it(tmp_path: Path) -> None:
    judgement = judge(tmp_path, change(TOPOLOGY, ("    forward: true\n", "    forward: true\n    docker: true\n")))

    assert [one for one in judgement.verification.assumptions if "Docker" in one] == [
        "Docker on host has its default bridge (172.17.0.0/16) alone, and publishes no port of a flow"
    ]
    assert all(result.proved for result in judgement.verification.flows)


_CARDS = """\
version: 1
name: cards
networks:
  storage: {cidr: 10.9.8.0/24}
  lan: {cidr: 10.17.4.0/24, router: gw}
kubernetes: {pods: {cidr: 10.42.0.0/16}}
defaults: {firewall: {input: {policy: drop}}}
groups: {nodes: {os: flatcar}}
nodes:
  gw: {os: unmanaged, internet: true, interfaces: {lan0: {network: lan, address: 10.17.4.1}}}
  n1:
    groups: [nodes]
    kubernetes: server
    pod_cidr: 10.42.0.0/24
    interfaces:
      eth0: {network: storage, address: 10.9.8.11, mac: "52:54:00:00:08:11"}
      eth1: {network: lan, address: 10.17.4.11, mac: "52:54:00:00:04:11"}
  n2:
    groups: [nodes]
    kubernetes: agent
    pod_cidr: 10.42.1.0/24
    interfaces:
      eth0: {network: storage, address: 10.9.8.12, mac: "52:54:00:00:08:12"}
      eth1: {network: lan, address: 10.17.4.12, mac: "52:54:00:00:04:12"}
flows:
  pods: {from: [pods], to: [pods], allow: [tcp/80]}
"""
_PODS = "kubernetes: {pods: {cidr: 10.42.0.0/16}}"


@pytest.mark.parametrize(
    ("kubernetes", "card", "network"),
    [
        (_PODS, "eth1", "10.17.4"),
        ("kubernetes: {pods: {cidr: 10.42.0.0/16}, cni: {interface: eth0}}", "eth0", "10.9.8"),
        ("kubernetes: {pods: {cidr: 10.42.0.0/16}, cni: {backend: host-gw}}", "eth1", "10.17.4"),
    ],
)
def test_flannel_takes_the_card_of_the_default_route(kubernetes: str, card: str, network: str, tmp_path: Path) -> None:
    judgement = judge(tmp_path, change(_CARDS, (_PODS, kubernetes)))

    rules = (tmp_path / "out/n1/rootfs/etc/nftables/netwright.nft").read_text()
    assert f"flannel's card is {card} on n1, n2" in judgement.verification.assumptions
    own = f"ip daddr {{ {network}.11, {network}.255 }} udp dport 8472 accept"
    assert own in rules or "host-gw" in kubernetes
    assert judgement.verification.proved


@pytest.mark.parametrize("stated", ["default_route: none", "default_route: {via: 10.17.4.1}"])
def test_k3s_nodes_without_a_default_route_are_one_warning(stated: str, tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(change(_CARDS, ("{os: flatcar}", f"{{os: flatcar, {stated}}}")))

    said = netwright("validate", cwd=tmp_path).stderr

    assert ("n1, n2 have no default route: K3s and flannel" in said) is (stated == "default_route: none")


_K3S = """\
variant: flatcar
version: 1.0.0
storage:
  files:
    - path: /etc/rancher/k3s/config.yaml
      mode: 0600
      contents:
        inline: |
          flannel-iface: {card}
          cluster-cidr: {pods}
"""


@pytest.mark.parametrize(
    ("card", "pods", "path"),
    [
        ("eth1", "10.42.0.0/16", None),
        ("eth7", "10.42.0.0/16", "nodes.n1.interfaces"),
        ("eth1", "10.244.0.0/16", "kubernetes.pods.cidr"),
    ],
)
def test_a_snippet_that_contradicts_the_topology_is_an_error(
    card: str, pods: str, path: str | None, tmp_path: Path
) -> None:
    (tmp_path / "k3s.bu").write_text(_K3S.format(card=card, pods=pods), encoding="utf-8")
    (tmp_path / "topology.yaml").write_text(change(_CARDS, ("{os: flatcar}", "{os: flatcar, butane: [k3s.bu]}")))

    done = netwright("validate", cwd=tmp_path)
    verified = judge(tmp_path, (tmp_path / "topology.yaml").read_text()).verification

    assert done.status == (2 if path else 0)
    assert path is None or f"error: {path}: " in done.stderr
    line = 9 if card == "eth7" else 10
    assert f"(k3s.bu:{line}, delivered as /etc/rancher/k3s/config.yaml:{line - 8})" in done.stderr or path is None
    generated = netwright("generate", "-o", "again", cwd=tmp_path)
    assert (generated.status, (tmp_path / "again").exists()) == (done.status, path is None)
    assert path is None or f"error: {path}: " in generated.stderr
    assert verified.proved is (path is None)


_AGENT = """\
version: 1
name: agent
networks: {front: {cidr: 10.17.3.0/24, router: gw}, back: {cidr: 10.17.4.0/24, router: gw}}
kubernetes: {pods: {cidr: 172.20.0.0/16}, cni: {plugin: none}}
defaults: {os: rocky10, firewalld: masked}
nodes:
  gw:
    forward: true
    default_route: none
    interfaces: {eth0: {network: front, address: 10.17.3.1}, eth1: {network: back, address: 10.17.4.1}}
  lb1: {interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  worker1:
    os: flatcar
    kubernetes: agent
    pod_cidr: 172.20.0.0/24
    ip_masq_agent: {non_masquerade_cidrs: LISTED}
    interfaces: {eth0: {network: back, address: 10.17.4.24}}
flows:
  in: {from: [lb1], to: [pods], allow: [tcp/80], nat: never}
  out: {from: [pods], to: [lb1], allow: [tcp/80], nat: never}
"""


@pytest.mark.parametrize(
    ("listed", "proved"),
    [
        ("[]", [False, False]),
        ("[172.20.0.0/16]", [True, False]),
        ("[10.17.0.0/16]", [False, True]),
        ("[10.17.0.0/16, 172.20.0.0/16]", [True, True]),
    ],
)
def test_ip_masq_agent_hides_what_goes_to_networks_off_its_list(
    listed: str, proved: list[bool], tmp_path: Path
) -> None:
    verification = judge(tmp_path, change(_AGENT, ("LISTED", listed))).verification

    assert [result.proved for result in verification.flows] == proved
    assert {str(origin) for one in verification.findings if one.kind == "NAT_APPLIED" for origin in one.origins} == (
        set() if proved[0] else {"worker1/rootfs/etc/config/ip-masq-agent:2"}
    )


_TURNING = """\
version: 1
name: turning
networks:
  a: {cidr: 10.1.0.0/24, router: r, segment: s}
  b: {cidr: 10.2.0.0/24, router: r, segment: s}
  c: {cidr: 10.3.0.0/24, router: r}
defaults: {os: rocky10, firewalld: masked}
nodes:
  r:
    forward: true
    default_route: none
    interfaces:
      eth0: {networks: {a: 10.1.0.1, b: 10.2.0.1}, mac: "52:54:00:00:00:01"}
      eth1: {network: c, address: 10.3.0.1, mac: "52:54:00:00:00:02"}
  x: {interfaces: {eth0: {network: a, address: 10.1.0.10}}}
  y: {interfaces: {eth0: {network: b, address: 10.2.0.10}}}
  z: {interfaces: {eth0: {network: c, address: 10.3.0.10}}}
flows:
  over: {from: [x], to: [z], allow: [tcp/22]}
"""
_CLOSED = "  closed: {from: [x], to: [y], deny: any}\n"


def _redirecting(topology: str, folder: Path) -> list[str]:
    judge(folder, topology)
    (file,) = (folder / "out/r/rootfs/etc/sysctl.d").iterdir()
    return [line for line in file.read_text().splitlines() if "send_redirects" in line]


def test_a_router_that_filters_sends_no_redirects_where_packets_turn_round(tmp_path: Path) -> None:
    off = ["net.ipv4.conf.all.send_redirects = 0", "net.ipv4.conf.eth0.send_redirects = 0"]
    stated = '  r:\n    sysctl: {net.ipv4.conf.eth0.send_redirects: "1"}\n'

    assert _redirecting(_TURNING, tmp_path) == off
    assert _redirecting(change(_TURNING, ("  r:\n", stated)), tmp_path) == [off[0], f"{off[1][:-1]}1"]


def test_a_router_at_whose_cards_nothing_turns_round_is_left_alone(tmp_path: Path) -> None:
    assert (
        _redirecting(
            change(
                _TURNING,
                ("{a: 10.1.0.1, b: 10.2.0.1}", "{a: 10.1.0.1}"),
                ("  b: {cidr: 10.2.0.0/24, router: r, segment: s}\n", ""),
                ("  y: {interfaces: {eth0: {network: b, address: 10.2.0.10}}}\n", ""),
            ),
            tmp_path,
        )
        == []
    )


def test_a_denied_flow_is_not_proved_by_a_router_that_sends_redirects(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(_TURNING + _CLOSED, encoding="utf-8")
    netwright("generate", "-q", cwd=tmp_path)
    out = tmp_path / "out"
    replace_delivered(out, "y", "ip daddr 10.2.0.10 drop", "ip daddr 10.2.0.10 counter")

    def verified() -> list[tuple[str, bool]]:
        found = json.loads(netwright("verify", "--no-repair", "--format", "json", cwd=tmp_path).stdout)
        return [(flow["name"], flow["proved"]) for flow in found["flows"]]

    silent = verified()
    replace_delivered(out, "r", "send_redirects = 0", "send_redirects = 1")

    assert silent == [("over", True), ("closed", True)]
    assert verified() == [("over", True), ("closed", False)]


_HOLDER = """\
#cloud-config
write_files:
  - path: /etc/keepalived/keepalived.conf
    content: |
      vrrp_instance api {
        interface eth0
        virtual_router_id %s
        virtual_ipaddress {
          10.17.5.10
        }
      }
"""


@pytest.mark.parametrize(("second", "kinds"), [("51", set()), ("52", {"VRRP_UNHEARD"})])
def test_holders_that_keepalived_keeps_apart_are_no_holders_in_turn(
    tmp_path: Path, second: str, kinds: set[str]
) -> None:
    topology = _PAIR.format(firewall="{}", traffic="[icmp]")
    for number, (node, router_id) in enumerate({"ha1": "51", "ha2": second}.items()):
        (tmp_path / f"{node}.yaml").write_text(_HOLDER % router_id, encoding="utf-8")
        at = f"{node}: {{interfaces: {{eth0: {{network: lbs, address: 10.17.5.2{number}}}}}}}"
        topology = change(topology, (at, at.replace("{interfaces", f"{{cloud_init: [{node}.yaml], interfaces", 1)))

    judgement = judge(tmp_path, topology)

    assert {one.kind for one in judgement.verification.findings if one.severity == "error"} == kinds
    assert judgement.verification.proved is not bool(kinds)
