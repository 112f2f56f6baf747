"""Drafts: they validate, keep what was read, and tell what a topology has no key for."""

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from netwright.importing import draft_topology, read_libvirt
from netwright.production.production import Production, prepare
from netwright.text.report import render_text
from tests.importing.test_importing import node, nodes_file
from tests.netwright import netwright


def network(name: str, bridge: str, inner: str) -> str:
    return f"<network><name>{name}</name><bridge name={quoteattr(bridge)}/>{inner}</network>"


def init(folder: Path, *, networks: tuple[str, ...] = (), nodes: list[dict[str, Any]] | None = None) -> tuple[str, str]:
    """The draft of these, which has to be valid, and what was printed about it."""
    words = ["--from-kubectl", nodes_file(folder, nodes)] if nodes is not None else []
    for number, text in enumerate(networks):
        (folder / f"{number}.xml").write_text(text)
        words += ["--from-libvirt", f"{number}.xml"]
    run = netwright("init", "draft.yaml", *words, cwd=folder)
    assert run.status == 0, run.stderr
    valid(folder / "draft.yaml").close()
    return (folder / "draft.yaml").read_text(), run.stderr


def valid(path: Path) -> Production:
    production, report = prepare(str(path))
    assert production is not None, render_text(report)
    return production


IP = "<ip address='10.1.0.1' prefix='24'>{}</ip>"


@pytest.mark.parametrize(
    ("given", "legal"),
    [
        ("default", "libvirt-default"),
        ("kube_network_02", "kube-network-02"),
        ("pods", "libvirt-pods"),
        ("kvm", "kvm-2"),
    ],
)
def test_a_network_keeps_the_name_that_libvirt_has_for_it(given: str, legal: str, tmp_path: Path) -> None:
    init(tmp_path, networks=(network(given, "virbr0", IP),))

    run = netwright("generate", "draft.yaml", cwd=tmp_path)

    assert run.status == 0, run.stderr
    assert f"<name>{given}</name>" in (tmp_path / f"out/kvm/libvirt/{legal}.xml").read_text()


def test_routes_mtu_and_dns_are_kept(tmp_path: Path) -> None:
    inner = (
        "<mtu size='9000'/><dns enable='no'/>"
        + IP
        + "<route address='10.8.0.0' prefix='16' gateway='10.1.0.9' metric='7'/>"
        + "<route address='203.0.113.7' gateway='10.1.0.9'/>"
    )

    text, said = init(tmp_path, networks=(network("lab", "virbr0", inner),))

    assert "lab: {cidr: 10.1.0.0/24, router: kvm, mtu: 9000, libvirt: {bridge: virbr0, forward: isolated}}" in text
    assert "- {to: 10.8.0.0/16, via: 10.1.0.9, metric: 7}\n" in text
    assert "- {to: 203.0.113.7/32, via: 10.1.0.9}\n" in text
    assert "left out" not in said


def test_what_dnsmasq_is_told_is_kept(tmp_path: Path) -> None:
    lease = "<dhcp><range start='10.1.0.100' end='10.1.0.199'/><host mac='52:54:00:00:00:01' ip='10.1.0.3'/></dhcp>"
    names = "<dns><host ip='10.1.0.5'><hostname>ns1</hostname><hostname>ns.lab.example</hostname></host></dns>"

    text, said = init(
        tmp_path, networks=(network("lab", "virbr0", f"<domain name='lab.example'/>{names}{IP.format(lease)}"),)
    )

    assert (
        "lab: {cidr: 10.1.0.0/24, router: kvm, libvirt: {bridge: virbr0, forward: isolated, dns: true, dns_hosts: {ns1:"
        " 10.1.0.5, ns.lab.example: 10.1.0.5}, domain: lab.example, dhcp: {range: [10.1.0.100, 10.1.0.199]}}}" in text
    )
    assert "    # 10.1.0.3 for 52:54:00:00:00:01" in text
    assert "left out: network lab: addresses that are kept for other machines, in comments" in said


def test_a_range_with_the_address_of_a_machine_is_not_kept(tmp_path: Path) -> None:
    lease = "<dhcp><range start='10.1.0.1' end='10.1.0.199'/></dhcp>"

    text, said = init(tmp_path, networks=(network("lab", "virbr0", IP.format(lease)),))

    assert "dhcp: {}" in text
    assert "left out: the range of leases 10.1.0.1 to 10.1.0.199: 10.1.0.1 in it belongs to a machine" in said


def test_what_has_no_key_stands_in_a_comment_and_is_told(tmp_path: Path) -> None:
    lease = "<dhcp><range start='10.1.0.2' end='10.1.0.9'/><range start='10.1.0.12' end='10.1.0.19'/></dhcp>"
    inner = (
        "<forward mode='nat'><nat><port start='1024' end='65535'/></nat></forward><domain name='Lab_1'/>"
        "<dns><host ip='10.1.0.5'><hostname>NS_1</hostname></host></dns>"
        + IP.format(lease)
        + "<ip family='ipv6' address='2001:db8::1' prefix='64'/><portgroup name='a\nb: c'/>"
    )

    text, said = init(tmp_path, networks=(network("lab", "virbr0", inner),))

    comments = [line for line in text.splitlines() if line.startswith("    # ")]
    for word in ("10.1.0.19", "Lab_1", "NS_1", "2001:db8::1", "65535", "portgroup"):
        assert any(word in line for line in comments), word
    assert "left out: network lab: forward, domain, host, range, IPv6, portgroup, in comments" in said


def test_one_network_that_can_not_be_drafted_does_not_stop_the_rest(tmp_path: Path) -> None:
    bridged = network("host", "br0", "<forward mode='bridge'/>")
    twice = network("other", "virbr1", "<ip address='10.1.0.2' prefix='16'/>")

    text, said = init(tmp_path, networks=(bridged, network("lab", "virbr0", IP), twice))

    assert "0.xml: warning: forwards in mode bridge" in said
    assert "left out: network other: it has addresses of lab" in said
    assert "other" not in text.replace("# - left out: network other", "")


def test_nothing_that_can_be_drafted_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<domain/>")

    run = netwright("init", "draft.yaml", "--from-libvirt", "a.xml", cwd=tmp_path)

    assert (run.status, "a.xml: error: " in run.stderr, (tmp_path / "draft.yaml").exists()) == (2, True, False)


def test_a_route_that_leads_nowhere_is_left_out(tmp_path: Path) -> None:
    elsewhere = "<route address='10.8.0.0' prefix='16' gateway='10.99.0.9'/>"
    inner = f"{IP}{elsewhere}<route address='10.1.0.0' prefix='25' gateway='10.1.0.9'/>"

    text, said = init(tmp_path, networks=(network("lab", "virbr0", inner),))

    assert "routes:" not in text
    assert "the route to 10.8.0.0/16 by 10.99.0.9: its next hop is on no network" in said
    assert "the route to 10.1.0.0/25 by 10.1.0.9: the host is connected to that network" in said


def test_nodes_keep_the_names_that_kubernetes_has_for_them(tmp_path: Path) -> None:
    nodes = [
        node("m1.cluster.example", "10.17.4.21", "10.42.0.0/24", server=True),
        node("w1.a.example", "10.17.4.24", "10.42.3.0/24"),
        node("w1.b.example", "10.17.4.25", "10.42.4.0/24"),
        node(f"{'long.' * 16}example", "10.17.4.26", "10.42.5.0/24"),
    ]

    text, _ = init(tmp_path, nodes=nodes)

    production = valid(tmp_path / "draft.yaml")
    production.close()
    names = {name: one.hostname.value for name, one in production.resolved.nodes.items()}
    assert names == {
        "m1": "m1.cluster.example",
        "w1-a-example": "w1.a.example",
        "w1-b-example": "w1.b.example",
        "long": "long",
    }
    assert "which is too long for Linux" in text
    validated = netwright("validate", "draft.yaml", "--against", str(tmp_path / "nodes.json"), cwd=tmp_path)
    assert "in the cluster" not in validated.stderr.replace("long", "")


def test_a_node_of_two_families_keeps_ipv6_in_a_comment(tmp_path: Path) -> None:
    both = node("n1", "10.70.1.19", "10.70.128.0/24")
    both["spec"]["podCIDRs"] = ["fd00:42::/80", "10.70.128.0/24"]
    both["status"]["addresses"].append({"type": "InternalIP", "address": "fd00:310::19"})

    text, said = init(tmp_path, nodes=[both, node("n2", "10.70.1.20", "10.70.129.0/24")])

    assert "    # IPv6, for which a topology has no key: fd00:310::19, fd00:42::/80\n" in text
    assert "left out: node n1: IPv6 addresses and pod networks, in a comment" in said
    assert "pods: {cidr: 10.70.128.0/17, node_prefix: 24}" in text


def test_a_pod_network_that_would_hold_nodes_is_not_drafted(tmp_path: Path) -> None:
    around = [node("n1", "10.70.1.19", "10.70.0.0/24"), node("n2", "10.70.1.20", "10.70.2.0/24")]

    text, said = init(tmp_path, nodes=around)

    assert "kubernetes: {" not in text
    assert "pods:" not in text.replace("one network with all", "")
    assert "left out: pod networks (10.70.0.0/24, 10.70.2.0/24): one network with all of them would hold nodes" in said


def test_no_name_of_libvirts_adds_a_line_to_a_draft(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(network("a&#10;templates: mine", "virbr0", IP + "<domain name='b&#10;c: d&#x85;e: f'/>"))

    draft = draft_topology((), [read_libvirt(str(path))])

    (tmp_path / "topology.yaml").write_text(draft.text)
    valid(tmp_path / "topology.yaml").close()
    assert not [line for line in draft.text.splitlines() if line.startswith(("templates", "c", "e:"))]


def test_kubernetes_json_of_one_node_is_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(node("n1", "10.0.0.1", "10.42.0.0/24")))

    run = netwright("init", "-", "--from-kubectl", "one.json", cwd=tmp_path)

    assert (run.status, "n1: {groups: [workers]" in run.stdout) == (0, True)
