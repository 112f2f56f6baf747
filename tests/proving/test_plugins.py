"""Network plugins of Kubernetes that are not flannel: what hosts do for them is proved, and nothing of pods is."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from netwright.text.report import Severity
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import Verification, verify
from netwright.verify_input import assume, state_flows, wire
from tests.flows.denied import open_production
from tests.flows.proofs import prove_production, unproved
from tests.lab.running import replace_delivered
from tests.proving.small import judge

TOPOLOGY = Path(__file__).parents[1] / "golden/cni-cilium/topology.yaml"
_CLUSTER = """\
version: 1
name: cluster
networks: {{lan: {{cidr: 10.1.0.0/24}}}}
kubernetes: {{pods: {{cidr: 10.42.0.0/16}}, cni: {{{cni}}}}}
defaults: {{os: rocky10, firewalld: masked, default_route: none, firewall: {{input: {{policy: drop}}}}}}
nodes:
  node1: {{kubernetes: server, pod_cidr: 10.42.1.0/24, interfaces: {{eth0: {{network: lan, address: 10.1.0.11}}}}}}
  node2: {{kubernetes: agent, pod_cidr: 10.42.2.0/24, interfaces: {{eth0: {{network: lan, address: 10.1.0.12}}}}}}
  lb: {{interfaces: {{eth0: {{network: lan, address: 10.1.0.10}}}}}}
{flows}
"""
_FLOWS = """\
flows:
  to-pods: {from: lb, to: pods, allow: [tcp/80]}
  among-pods: {from: pods, to: pods, allow: [tcp/80]}
  of-pods: {from: pods, to: lb, allow: [tcp/80]}
  not-to-pods: {from: lb, to: pods, deny: [tcp/81]}
  ssh: {from: lb, to: [node1, node2], allow: [tcp/22]}
"""


def _judge(folder: Path, cni: str, flows: str = _FLOWS) -> Judgement:
    return judge(folder, _CLUSTER.format(cni=cni, flows=flows))


def _proved(judgement: Judgement) -> list[str]:
    return [one.flow.name for one in judgement.verification.flows if one.proved]


@pytest.mark.parametrize(
    ("cni", "ports"),
    [
        pytest.param("plugin: cilium", ["icmp", "tcp 4240", "udp 8472"], id="cilium"),
        pytest.param("plugin: cilium, routes: node", ["icmp", "tcp 4240"], id="cilium-by-nodes"),
        pytest.param("plugin: calico", ["tcp 5473", "udp 4789"], id="calico"),
        pytest.param("plugin: calico, routes: bgp", ["tcp { 179, 5473 }"], id="calico-by-bgp"),
        pytest.param("plugin: canal", ["udp 8472"], id="canal"),
        pytest.param("plugin: other, ports: [esp]", ["esp"], id="other"),
        pytest.param("plugin: cilium, ports: [udp/6081]", ["udp 6081"], id="stated"),
    ],
)
def test_a_plugin_gets_its_ports_where_nodes_are_closed(cni: str, ports: list[str], tmp_path: Path) -> None:
    judgement = _judge(tmp_path, cni, flows="")

    rules = (tmp_path / "out/node1/rootfs/etc/nftables/netwright.nft").read_text()
    let_in = re.findall(r"ip saddr .* ip daddr (?:{ .* }|\S+) (?:meta l4proto )?(.*) accept$", rules, re.MULTILINE)
    assert sorted(one.replace(" dport", "") for one in let_in) == sorted(ports)
    assert _proved(judgement) == ["kubernetes.cni"]


def test_a_plugin_without_ports_needs_no_flow(tmp_path: Path) -> None:
    assert _judge(tmp_path, "plugin: other", flows="").verification.flows == ()


@pytest.mark.parametrize(
    ("cni", "proved"),
    [
        pytest.param("plugin: cilium", ["ssh", "kubernetes.cni"], id="tunnel"),
        pytest.param("plugin: calico, routes: bgp", ["ssh", "kubernetes.cni"], id="bgp"),
        pytest.param(
            "plugin: calico, routes: node", ["to-pods", "among-pods", "not-to-pods", "ssh", "kubernetes.cni"], id="node"
        ),
        pytest.param(
            "plugin: calico, routes: node, masquerade: false",
            ["to-pods", "among-pods", "of-pods", "not-to-pods", "ssh", "kubernetes.cni"],
            id="plain",
        ),
    ],
)
def test_what_a_plugin_does_with_packets_of_pods_is_not_proved(cni: str, proved: list[str], tmp_path: Path) -> None:
    judgement = _judge(tmp_path, cni)

    assert _proved(judgement) == proved
    errors = [one for one in judgement.verification.findings if one.severity is Severity.ERROR]
    assert {str(one.kind) for one in errors} == ({"UNKNOWN"} if "of-pods" not in proved else set())


def test_no_route_of_ours_is_at_odds_with_those_of_a_plugin(tmp_path: Path) -> None:
    _judge(tmp_path, "plugin: cilium")
    led = (tmp_path / "out/node1/rootfs/etc/NetworkManager/system-connections/eth0.nmconnection").read_text()
    _judge(tmp_path, "plugin: cilium, routes: node")
    routed = (tmp_path / "out/node1/rootfs/etc/NetworkManager/system-connections/eth0.nmconnection").read_text()

    assert ("10.42." in led, "10.42.2.0/24,10.1.0.12" in routed) == (False, True)


def _edited(out: Path, *edits: tuple[str, str, str]) -> Verification:
    with closing(open_production(TOPOLOGY)) as production:
        assert unproved(prove_production(production, out)) == []
        for node, old, new in edits:
            replace_delivered(out, node, old, new)
        resolved = production.resolved
        return verify(out, wire(resolved), state_flows(resolved), assume(resolved))


@pytest.mark.parametrize("node", ["gw", "agent1"])
def test_a_filter_that_keeps_the_plugin_out_is_found(node: str, tmp_path: Path) -> None:
    found = _edited(tmp_path, (node, "udp dport 8472 accept", "udp dport 8473 accept"))

    assert [one.flow.name for one in found.flows if not one.proved] == ["kubernetes.cni"]
    errors = [one for one in found.findings if one.severity is Severity.ERROR]
    assert {(str(one.kind), one.nodes) for one in errors} == {("FILTERED", (node,))}
