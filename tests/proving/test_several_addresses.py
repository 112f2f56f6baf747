"""Machines on several networks: a name is the address on the way, and each address answers by its own interface."""

from pathlib import Path

import pytest

from netwright.graph.trace import trace_flow
from netwright.production.production import prepare
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import Finding
from netwright.verify.values.addresses import merge
from netwright.verify_input.parties import node_parties
from tests.proving.small import change, judge

STORAGE = """\
version: 1
name: storage
networks:
  lan: {cidr: 10.17.4.0/24, router: gw}
  clients: {cidr: 10.17.5.0/24, router: gw}
  storage: {cidr: 10.9.8.0/24}
kubernetes: {pods: {cidr: 10.42.0.0/16}}
groups:
  nodes: {kubernetes: agent, os: OS, default_route: {via: gw}}
nodes:
  gw:
    os: rocky10
    firewalld: masked
    forward: true
    default_route: none
    rp_filter: strict
    firewall: {forward: {policy: drop}}
    interfaces: {eth0: {network: lan, address: 10.17.4.1}, eth1: {network: clients, address: 10.17.5.1}}
  pc: {os: rocky10, firewalld: masked, interfaces: {eth0: {network: clients, address: 10.17.5.9}}}
  node1:
    groups: [nodes]
    pod_cidr: 10.42.0.0/24
    firewall: {input: {policy: drop}}
    interfaces:
      eth0: {network: lan, address: 10.17.4.11, mac: "52:54:00:00:04:11"}
      eth1: {network: storage, address: 10.9.8.11, mac: "52:54:00:00:08:11"}
  node2:
    groups: [nodes]
    pod_cidr: 10.42.1.0/24
    firewall: {input: {policy: drop}}
    interfaces:
      eth0: {network: lan, address: 10.17.4.12, mac: "52:54:00:00:04:12"}
      eth1: {network: storage, address: 10.9.8.12, mac: "52:54:00:00:08:12"}
flows:
  admin: {from: [pc], to: [nodes], allow: [tcp/22]}
  kubelet: {from: [nodes], to: [nodes], allow: [tcp/10250]}
  ceph: {from: [node1@storage], to: [node2@storage], allow: [tcp/6789], nat: never}
  shared: {from: [nodes], to: [storage], allow: [tcp/3300]}
  pods-to-nodes: {from: [pods], to: [nodes], allow: [tcp/9100]}
  no-ssh: {from: [nodes], to: [nodes], deny: [tcp/22]}
"""

BALANCER = """\
version: 1
name: balancer
networks:
  lan: {cidr: 10.62.0.0/16, router: r1}
  second: {cidr: 10.63.0.0/16, router: r1}
  outside: {cidr: 10.64.0.0/24, router: r1}
nodes:
  r1:
    os: rocky10
    firewalld: masked
    forward: true
    default_route: none
    rp_filter: strict
    firewall: {forward: {policy: drop}}
    interfaces:
      e0: {network: lan, address: 10.62.255.254}
      e1: {network: second, address: 10.63.255.254}
      e2: {network: outside, address: 10.64.0.254}
  node1:
    os: OS
    firewalld: masked
    default_route: {via: 10.62.255.254}
    interfaces:
      eth0: {network: lan, address: 10.62.0.11, mac: "52:54:00:45:00:11"}
      eth1: {network: second, address: [10.63.0.11, 10.63.40.7], mac: "52:54:00:46:00:11"}
  client: {os: rocky10, firewalld: masked, interfaces: {eth0: {network: outside, address: 10.64.0.1}}}
flows:
  to-balancer: {from: [client], to: [10.63.40.7], allow: [tcp/80], nat: never}
  to-node: {from: [client], to: [node1@lan], allow: [tcp/22], nat: never}
"""
RULES = {
    "flatcar": ("rootfs/etc/systemd/network/10-eth1.network", "From=10.63.40.7/32\n"),
    "rocky10": ("rootfs/etc/NetworkManager/system-connections/eth1.nmconnection", " from 10.63.40.7/32 table 1002\n"),
    "rocky8": ("rootfs/etc/sysconfig/network-scripts/ifcfg-eth1", ' from 10.63.40.7/32 table 1002"\n'),
    "unmanaged": ("handoff.md", "    ip rule add priority 20002 from 10.63.40.7/32 table 1002\n"),
}


def _for(topology: str, system: str) -> str:
    text = topology.replace("OS", system)
    return text if system != "flatcar" else text.replace("os: flatcar\n    firewalld: masked", "os: flatcar")


def _errors(judgement: Judgement) -> list[Finding]:
    return [finding for finding in judgement.verification.findings if finding.severity == "error"]


@pytest.mark.parametrize("system", ["flatcar", "rocky10", "rocky8"])
def test_a_name_means_the_address_on_the_way(tmp_path: Path, system: str) -> None:
    judgement = judge(tmp_path, _for(STORAGE, system))

    assert judgement.verification.proved, _errors(judgement)
    pairs = {result.flow.name: result.pairs for result in judgement.verification.flows}
    assert pairs["admin"] == 2, "by lan alone"
    assert pairs["kubelet"] == 4, "by lan and by storage"
    assert pairs["ceph"] == 1
    assert pairs["shared"] == 2
    assert pairs["pods-to-nodes"] == 2 * 253 * 4, "by both networks to the other node, and to its own"
    assert pairs["no-ssh"] == 8, "from each address to each"


def test_filters_accept_what_is_on_the_way_and_nothing_else(tmp_path: Path) -> None:
    judge(tmp_path, _for(STORAGE, "flatcar"))

    rules = (tmp_path / "out/node1/rootfs/etc/nftables/netwright.nft").read_text()

    assert "ip saddr 10.17.5.9 ip daddr 10.17.4.11 tcp dport 22 accept" in rules
    assert not [line for line in rules.split("\n") if "10.17.5.9" in line and "10.9.8." in line]


@pytest.mark.parametrize("system", RULES)
def test_each_of_two_addresses_answers_by_its_own_interface(tmp_path: Path, system: str) -> None:
    judgement = judge(tmp_path, _for(BALANCER, system))

    file, rule = RULES[system]
    assert judgement.verification.proved, _errors(judgement)
    assert rule in (tmp_path / "out/node1" / file).read_text()


def test_a_name_with_two_equally_near_addresses_means_both(tmp_path: Path) -> None:
    topology = change(_for(BALANCER, "flatcar"), ("to: [node1@lan]", "to: [node1]"))

    judgement = judge(tmp_path, topology)

    assert judgement.verification.proved, _errors(judgement)
    assert next(one.pairs for one in judgement.verification.flows if one.flow.name == "to-node") == 3


def test_stated_policy_rules_make_derived_ones_needless(tmp_path: Path) -> None:
    stated = (
        "routes: [{to: 10.64.0.0/24, via: 10.63.255.254, table: 601}]\n"
        "    policy_rules: [{priority: 2101, from: 10.63.0.0/16, table: 601}]\n"
        "    default_route: {via: 10.62.255.254}\n"
    )
    topology = change(_for(BALANCER, "flatcar"), ("default_route: {via: 10.62.255.254}\n", stated))

    judgement = judge(tmp_path, topology)

    assert judgement.verification.proved, _errors(judgement)
    text = (tmp_path / "out/node1/rootfs/etc/systemd/network/10-eth1.network").read_text()
    assert text.count("[RoutingPolicyRule]") == 1


def test_a_sender_by_address_leaves_by_the_network_of_that_address(tmp_path: Path) -> None:
    topology = change(
        _for(BALANCER, "flatcar"),
        ("to-node: {from: [client], to: [node1@lan]", "to-node: {from: [node1@second], to: [r1@lan]"),
    )

    judgement = judge(tmp_path, topology)

    assert judgement.verification.proved, _errors(judgement)


ROWS = """\
version: 1
name: rows
networks: {lan: {cidr: 10.17.4.0/24}, storage: {cidr: 10.9.8.0/24}}
nodes:
  node1: {os: flatcar, interfaces: {
    eth0: {network: storage, address: 10.9.8.11, mac: "52:54:00:00:08:11"},
    eth1: {networks: {lan: [10.17.4.11, 10.17.4.12]}, mac: "52:54:00:00:04:11"}}}
  nas: {os: flatcar, interfaces: {eth0: {network: storage, address: 10.9.8.20}}}
flows:
  backup: {from: node1@storage, to: nas, allow: [tcp/873]}
"""


def test_a_matrix_has_rows_for_the_addresses_of_a_node_on_several_networks(tmp_path: Path) -> None:
    topology = tmp_path / "topology.yaml"
    topology.write_text(ROWS, encoding="utf-8")
    production, _ = prepare(str(topology))
    assert production is not None
    production.close()

    parties = {party.name: party.ranges for party in node_parties(production.resolved)}

    assert list(parties) == ["node1", "node1@lan", "node1@storage", "nas"]
    assert {len(merge(parties[name])) for name in ("node1@lan", "node1@storage", "nas")} == {1}
    assert parties["node1@storage"][0][0] == 0x0A09080B


def test_a_flow_is_drawn_by_the_network_of_its_address(tmp_path: Path) -> None:
    topology = tmp_path / "topology.yaml"
    far = "eth0: {network: far, address: 10.17.6.20}"
    topology.write_text(
        ROWS.replace("lan: {cidr: 10.17.4.0/24}", "lan: {cidr: 10.17.4.0/24}, far: {cidr: 10.17.6.0/24}")
        .replace("eth0: {network: storage, address: 10.9.8.20}", far)
        .replace(
            "  nas:",
            "  gw: {os: flatcar, forward: true, interfaces: {\n"
            "    eth0: {network: lan, address: 10.17.4.1}, eth1: {network: storage, address: 10.9.8.1},\n"
            "    eth2: {network: far, address: 10.17.6.1}}}\n  nas:",
        ),
        encoding="utf-8",
    )
    production, report = prepare(str(topology))
    assert production is not None, report
    production.close()

    trace = trace_flow(production.resolved, production.derivation.passages, production.resolved.topology.flows[0])

    assert trace.plugs == {("node1", "eth0"), ("gw", "eth1"), ("gw", "eth2"), ("nas", "eth0")}
