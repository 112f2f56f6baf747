"""What programs beside ours do to flows: keepalived's heartbeat, and protocols that have no ports."""

from pathlib import Path

import pytest

from gen.proving.judgement import Judgement
from tests.proving.small import judge

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
