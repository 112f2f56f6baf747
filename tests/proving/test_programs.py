"""What programs beside ours do to flows, and the protocols of programs that have no ports."""

import json
from pathlib import Path

import pytest

from gen.proving.judgement import Judgement
from tests.lab.running import replace_in
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
    """What validate warns of for the small network, once it is changed."""
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
        ("", ["firewalld does not run on host, lb, of which the topology does not say so"]),
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
