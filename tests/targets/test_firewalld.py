"""Nodes' rules as firewalld's files: what firewalld cannot express is an error, and the order of rules is kept."""

import re
from pathlib import Path

import pytest

from netwright.files.artifact import NodeTree
from netwright.production.production import prepare
from netwright.text.report import render_text

TOPOLOGY = """\
version: 1
name: firewalld
networks:
  front: {cidr: 10.1.0.0/24, router: gw}
  back: {cidr: 10.2.0.0/24, router: gw}
kubernetes: {pods: {cidr: 10.42.0.0/16, node_prefix: 24}}
defaults: {default_route: none}
nodes:
  web: {os: rocky10, firewalld: absent, interfaces: {eth0: {network: back, address: 10.2.0.9}}}
  gw:
    os: OS
    network_config: keyfile
    firewalld: managed
    forward: true
    SETTINGS
    interfaces:
      eth0: {network: front, address: 10.1.0.1}
      eth1: {network: back, address: 10.2.0.1}
"""


def build(root: Path, settings: str, *, os: str = "rocky9", more: str = "") -> NodeTree:
    write(root, settings, os=os, more=more)
    production, report = prepare(str(root / "topology.yaml"))
    assert production is not None, render_text(report)
    return production.build("gw")


def refusal(root: Path, settings: str, *, os: str = "rocky9", more: str = "") -> str:
    """The findings on a topology, before anything is built."""
    write(root, settings, os=os, more=more)
    production, report = prepare(str(root / "topology.yaml"))
    assert production is None
    return render_text(report)


def write(root: Path, settings: str, *, os: str, more: str) -> None:
    (root / "topology.yaml").write_text(TOPOLOGY.replace("SETTINGS", settings).replace("OS", os) + more)


def rules_of(tree: NodeTree, policy: str) -> list[str]:
    path = f"/etc/firewalld/policies/{policy}.xml"
    text = next(file.content.decode() for file in tree.files if file.path == path)
    return re.findall(r"<rule.*</rule>", text)


AGENT = "kubernetes: agent\n    pod_cidr: 10.42.1.0/24"
SECOND_CARD = "      eth2: {network: front, address: 10.1.0.2}\n"
FLOWS = "flows: {out: {from: back, to: front, allow: [tcp/80], nat: never}}\n"


@pytest.mark.parametrize(
    ("settings", "more", "message"),
    [
        pytest.param(
            "firewall: {forward: {policy: drop, stateful: false}}",
            "",
            "nodes.gw.firewall.forward: gw has a chain without state, and firewalld accepts answers always",
            id="without-state",
        ),
        pytest.param(
            "nat_exempt: [{from: back, to: front}]",
            "",
            "nodes.gw.nat_exempt[0]: gw exempts from every source NAT, which firewalld cannot",
            id="exemption",
        ),
        pytest.param(
            "",
            "forwards: {web: {at: gw, from: front, port: tcp/80, to: web}}\n",
            "forwards.web: gw leads ports on in a table of netwright's own, which it has not with firewalld",
            id="port-forward",
        ),
        pytest.param(
            "firewall: {input: {rules: [{in: virbr0, deny: [tcp/22]}]}}",
            "",
            "nodes.gw.firewall.input.rules[0]: gw has no zone for virbr0, whose addresses netwright does not set",
            id="unknown-interface",
        ),
        pytest.param(
            "firewall: {input: {rules: [{in: eth0, deny: [tcp/22]}]}}",
            SECOND_CARD,
            "nodes.gw.firewall.input.rules[0]: "
            "gw has eth0 and eth2 in the zone front, and a rule for one of them alone",
            id="two-cards-of-a-network",
        ),
        pytest.param(
            AGENT,
            "flows: {no: {from: pods, to: front, deny: [tcp/22]}}\n",
            "flows.no: gw denies before addresses are translated, which firewalld does not",
            id="denied-at-a-kubernetes-node",
        ),
    ],
)
def test_what_firewalld_cannot_express_is_an_error(settings: str, more: str, message: str, tmp_path: Path) -> None:
    text = refusal(tmp_path, settings, more=more)

    assert f"error: {message}; set firewalld: masked [firewalld_can_express_it]" in text


def test_the_firewalld_of_8_excepts_no_several_networks(tmp_path: Path) -> None:
    settings = "masquerade: [{from: back, out: eth0, except: [10.8.0.0/16, 10.10.0.0/16]}]"

    assert "all destinations but 10.8.0.0/16, 10.10.0.0/16" in refusal(tmp_path, settings, os="rocky8")
    assert not build(tmp_path, settings).report.errors


def test_rules_keep_their_order(tmp_path: Path) -> None:
    rules = "[{from: 10.1.0.9, deny: any}, {from: front, allow: [tcp/22]}, {deny: [tcp/22]}, {from: back, allow: any}]"

    written = rules_of(build(tmp_path, f"firewall: {{input: {{rules: {rules}}}}}"), "netwright-input")

    assert written == [
        '<rule family="ipv4"><source address="10.1.0.9"/><drop/></rule>',
        '<rule family="ipv4"><source address="10.1.0.0/24"/><port port="22" protocol="tcp"/><accept/></rule>',
        '<rule priority="1"><port port="22" protocol="tcp"/><drop/></rule>',
        '<rule priority="2" family="ipv4"><source address="10.2.0.0/24"/><accept/></rule>',
    ]


def test_a_rule_for_everything_has_a_priority(tmp_path: Path) -> None:
    rules = "[{deny: any}, {from: back, allow: any}]"

    written = rules_of(build(tmp_path, f"firewall: {{input: {{rules: {rules}}}}}"), "netwright-input")

    assert written == [
        '<rule priority="1"><drop/></rule>',
        '<rule priority="2" family="ipv4"><source address="10.2.0.0/24"/><accept/></rule>',
    ]


def test_the_interfaces_of_flannel_have_a_zone(tmp_path: Path) -> None:
    files = {file.path: file.content.decode() for file in build(tmp_path, AGENT).files}

    assert '<interface name="cni0"/>' in files["/etc/firewalld/zones/cni.xml"]


def test_rules_of_an_interface_stand_between_those_before_and_behind_them(tmp_path: Path) -> None:
    rules = "[{from: 10.1.0.9, deny: any}, {in: eth0, allow: [tcp/22]}, {deny: [tcp/22]}]"

    tree = build(tmp_path, f"firewall: {{input: {{rules: {rules}}}}}")
    texts = {file.path.rpartition("/")[2]: file.content.decode() for file in tree.files if "/policies/" in file.path}
    heads = {
        name: (re.findall(r'priority="(-[0-9]+)"', text)[0], re.findall(r'ingress-zone name="(\w+)"', text)[0])
        for name, text in texts.items()
    }

    assert heads["netwright-in-1.xml"] == ("-102", "ANY")
    assert heads["netwright-in-2.xml"] == ("-101", "front")
    assert heads["netwright-input.xml"] == ("-100", "ANY")
