"""Suggestions of `netwright verify` for a failed flow: only what proves it once it is done."""

import json
import re
import shutil
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from netwright.production.production import prepare
from netwright.repair.edits import Candidate, Edit, apply, describe, write_value
from netwright.repair.repair import REGENERATE, Repair
from netwright.repair.trial import Workbench
from netwright.text.load import Document
from netwright.text.source import TopologyPath
from netwright.verdict_formats.plain import render_plain
from tests.netwright import PROJECT, netwright
from tests.proving.small import TOPOLOGY, change, judge

HOST = "    firewall: {forward: {policy: drop}}\n"
LB = "  lb:\n    groups: [rocky]\n"
BACK = "virbr2, forward: open"
PROHIBIT = "    routes: [{to: 10.1.0.0/25, type: prohibit}]\n"
LOOPING = """\
  looping:
    groups: [rocky]
    forward: true
    default_route: {via: lb}
    interfaces: {eth0: {network: front, address: 10.1.0.13}}
"""
ON_BOTH = """\
  disk: {groups: [rocky], interfaces: {eth0: {network: lan, address: 192.168.0.50}}}
  both:
    groups: [rocky]
    default_route: {via: host}
    interfaces:
      eth0: {network: front, address: 10.1.0.14, mac: "52:54:00:00:01:14"}
      eth1: {network: lan, address: 192.168.0.41, mac: "52:54:00:00:01:41"}
"""
THERE_BY_ANOTHER_WAY_THAN_BACK = (
    (
        "kubernetes:\n",
        "  far: {cidr: 10.3.0.0/24}\n  there: {cidr: 10.4.0.0/24}\n  again: {cidr: 10.5.0.0/24}\nkubernetes:\n",
    ),
    ("    forward: true\n    firewall", "    forward: true\n    routes: [{to: far, via: second}]\n    firewall"),
    (
        "      virbr1: {",
        """\
      eth1: {network: there, address: 10.4.0.1, rp_filter: strict}
      eth2: {network: again, address: 10.5.0.1}
      virbr1: {""",
    ),
    (
        LB,
        """\
  first:
    groups: [rocky]
    forward: true
    default_route: none
    interfaces: {eth0: {network: far, address: 10.3.0.1}, eth1: {network: there, address: 10.4.0.2}}
  second:
    groups: [rocky]
    forward: true
    default_route: none
    routes: [{to: front, via: host}]
    interfaces: {eth0: {network: far, address: 10.3.0.2}, eth1: {network: again, address: 10.5.0.2}}
  probe: {groups: [rocky], default_route: {via: first}, interfaces: {eth0: {network: far, address: 10.3.0.9}}}
"""
        + LB,
    ),
    ("flows:\n", "flows:\n  ping: {from: [probe], to: [lb], allow: [icmp], via: [first]}\n"),
)
BREAKS: dict[str, tuple[tuple[tuple[str, str], ...], str, str]] = {
    "libvirt's mode": (
        ((BACK, "virbr2, forward: route"),),
        "FILTERED",
        "change networks.back.libvirt.forward to open",
    ),
    "an accept before a rule that refuses too much": (
        ((HOST, "    firewall: {forward: {policy: drop, rules: [{from: lb, to: pods, deny: any}]}}\n"),),
        "FILTERED",
        "insert nodes.host.firewall.forward.rules[0]: {from: [lb], to: [pods], allow: [icmp, tcp/8080]}",
    ),
    "no rule that refuses too much": (
        ((HOST, "    firewall: {forward: {policy: drop, rules: [{from: front, deny: any}]}}\n"),),
        "FILTERED",
        "remove nodes.host.firewall.forward.rules[0]",
    ),
    "replies of known connections": (
        ((HOST, HOST.replace("drop", "drop, stateful: false, rules: [{from: lb, to: w1, allow: [icmp]}]")),),
        "FILTERED",
        "change nodes.host.firewall.forward.stateful to true",
    ),
    "the owner of a pod network": (
        ((HOST, f"{HOST}    routes: [{{to: 10.42.2.0/24, via: w1}}]\n"),),
        "WRONG_NODE",
        "change nodes.host.routes[0].via to w2",
    ),
    "owners that were mixed up": (
        ((HOST, f"{HOST}    routes: [{{to: 10.42.2.0/24, via: w1}}]\n"),),
        "WRONG_NODE",
        "change nodes.w2.pod_cidr to 10.42.1.0/24 and change nodes.w1.pod_cidr to 10.42.2.0/24",
    ),
    "a next hop on another segment": (
        ((LB, f"{LB}    routes: [{{to: 10.42.2.0/24, via: 10.2.0.22, onlink: true}}]\n"),),
        "ARP_UNANSWERED",
        "change nodes.lb.routes[0] to {to: 10.42.2.0/24, via: host}",
    ),
    "a router that answers for others": (
        ((LB, f"{LB}    routes: [{{to: 10.42.2.0/24, via: 10.2.0.22, onlink: true}}]\n"),),
        "ARP_UNANSWERED",
        "add nodes.host.interfaces.virbr1.proxy_arp: true",
    ),
    "a route to a next hop that nobody is": (
        ((LB, f"{LB}    routes: [{{to: 10.42.2.0/24, via: 10.1.0.99}}]\n"),),
        "ARP_UNANSWERED",
        "remove nodes.lb.routes[0]",
    ),
    "a route that discards": (
        ((HOST, f"{HOST}    routes: [{{to: 10.42.2.0/25, type: blackhole}}]\n"),),
        "UNREACHABLE_ROUTE",
        "remove nodes.host.routes[0]",
    ),
    "all nodes that failed alike": (
        (
            ("    pod_cidr: 10.42.1.0/24\n", f"    pod_cidr: 10.42.1.0/24\n{PROHIBIT}"),
            ("    pod_cidr: 10.42.2.0/24\n", f"    pod_cidr: 10.42.2.0/24\n{PROHIBIT}"),
        ),
        "UNREACHABLE_ROUTE",
        "remove nodes.w1.routes[0] and remove nodes.w2.routes[0]",
    ),
    "a setting of their group": (
        (("  workers: {", "  workers: {routes: [{to: 10.1.0.0/25, type: prohibit}], "),),
        "UNREACHABLE_ROUTE",
        "remove groups.workers.routes[0]",
    ),
    "two nodes that send to each other": (
        ((LB, f"{LOOPING}{LB}    forward: true\n    default_route: {{via: looping}}\n"),),
        "RPF_DROP",
        "remove nodes.lb.default_route",
    ),
    "a table that lacks a route": (
        (
            (
                "    pod_cidr: 10.42.2.0/24\n",
                """\
    pod_cidr: 10.42.2.0/24
    policy_rules: [{priority: 100, to: 10.1.0.0/24, table: 100}]
    routes: [{to: default, via: w1, table: 100}]
""",
            ),
        ),
        "CT_INVALID",
        "insert nodes.w2.routes[1]: {to: front, via: host, table: 100}",
    ),
    "a policy rule": (
        (
            (
                "    pod_cidr: 10.42.2.0/24\n",
                """\
    pod_cidr: 10.42.2.0/24
    policy_rules: [{priority: 100, to: 10.1.0.0/24, table: 100}]
    routes: [{to: default, via: w1, table: 100}]
""",
            ),
        ),
        "CT_INVALID",
        "remove nodes.w2.policy_rules[0]",
    ),
    "the reverse path filter": (
        THERE_BY_ANOTHER_WAY_THAN_BACK,
        "RPF_DROP",
        "change nodes.host.interfaces.eth1.rp_filter to loose",
    ),
    "a device that others look after": (
        (("    internet: true\n", "    internet: true\n    forward: false\n"),),
        "FORWARDING_OFF",
        "change nodes.gw.forward to true and hand over gw/handoff.md",
    ),
    "forwarding of one interface": (
        (("address: 10.1.0.1}", "address: 10.1.0.1, sysctl: {forwarding: 0}}"),),
        "FORWARDING_OFF",
        "remove nodes.host.interfaces.virbr1.sysctl.forwarding",
    ),
    "an ARP parameter": (
        (("address: 10.1.0.1}", "address: 10.1.0.1, sysctl: {arp_ignore: 8}}"),),
        "ARP_UNANSWERED",
        "remove nodes.host.interfaces.virbr1.sysctl.arp_ignore",
    ),
    "an ARP setting": (
        (("address: 10.1.0.1}", "address: 10.1.0.1, arp_ignore: 8}"),),
        "ARP_UNANSWERED",
        "remove nodes.host.interfaces.virbr1.arp_ignore",
    ),
    "files that others write": (
        (("    pod_cidr: 10.42.2.0/24\n", "    pod_cidr: 10.42.2.0/24\n    dropins_only: true\n"),),
        "UNKNOWN",
        "change nodes.w2.dropins_only to false",
    ),
}


def redo(topology: str, repair: Repair) -> str:
    """The topology with the edits of a repair, as a person would type them from what was printed."""
    document = yaml.safe_load(topology)
    return json.dumps(apply(document, tuple(_edit(one) for one in repair.edits)))


def _edit(said: dict[str, object]) -> Edit:
    words = str(said["path"]).replace("[", ".[").split(".")
    path = [int(word[1:-1]) if word.startswith("[") else word for word in words]
    value = None if said["value"] is None else yaml.safe_load(str(said["value"]))
    return Edit(path=tuple(path), verb=said["verb"], value=value)  # type: ignore[arg-type]


def test_the_small_network_is_proved(tmp_path: Path) -> None:
    judgement = judge(tmp_path, TOPOLOGY)

    assert judgement.verification.proved
    assert judgement.search is None


@pytest.mark.parametrize(("changes", "kind", "wanted"), BREAKS.values(), ids=BREAKS)
def test_what_was_broken_is_found_and_the_repair_proves(
    tmp_path: Path, changes: tuple[tuple[str, str], ...], kind: str, wanted: str
) -> None:
    broken = change(TOPOLOGY, *changes)

    judgement = judge(tmp_path, broken)

    assert judgement.search is not None
    assert kind in {finding.kind for finding in judgement.verification.findings if finding.flows}
    repairs = {repair.change: repair for repair in judgement.search.repairs}
    assert wanted in repairs
    (tmp_path / "again").mkdir()
    assert judge(tmp_path / "again", redo(broken, repairs[wanted])).verification.proved


def test_a_denial_that_a_machine_on_both_networks_goes_round_is_generated_again(tmp_path: Path) -> None:
    broken = change(
        TOPOLOGY,
        (LB, f"{ON_BOTH}{LB}"),
        ("ssh: {from: [lan]", "ssh: {from: [gw]"),
        ("closed: {from: [back], to: [lb]", "closed: {from: [front], to: [disk]"),
    )
    open_disk = broken.replace("to: [disk], deny", "to: [gw], deny")

    judgement = judge(tmp_path, broken, written=open_disk)

    (finding,) = [one for one in judgement.verification.findings if one.kind == "ACCEPTED"]
    assert (finding.nodes, finding.flows) == (("disk",), ("closed",))
    assert judgement.search is not None
    (repair,) = judgement.search.repairs
    assert (repair.change, repair.repairs) == (
        "run netwright generate, with --force over files edited by hand",
        ("closed",),
    )
    (tmp_path / "again").mkdir()
    assert judge(tmp_path / "again", broken).verification.proved


WEB = "flows:\n  web: {from: internet, to: lb, allow: [tcp/443, tcp/8080]}\n"


def test_the_port_forward_that_a_check_proposes_proves(tmp_path: Path) -> None:
    asked = change(TOPOLOGY, ("flows:\n", WEB))
    (tmp_path / "topology.yaml").write_text(asked)

    refused = netwright("validate", cwd=tmp_path)

    found = re.search(r"add forwards\.(web: \{at: gw, .*\}) \[internet_calls_public_addresses\]", refused.stderr)
    assert found is not None, refused.stderr
    judgement = judge(tmp_path, change(asked, ("nodes:\n", f"forwards:\n  {found[1]}\nnodes:\n")))
    assert judgement.verification.proved
    assert judgement.verification.flows[0].flow.name == "web"


def test_a_port_forward_that_the_files_lack_is_generated(tmp_path: Path) -> None:
    forward = "forwards:\n  web: {at: gw, from: internet, port: [tcp/443, tcp/8080], to: lb}\nnodes:\n"
    wanted = change(TOPOLOGY, ("flows:\n", WEB), ("nodes:\n", forward))
    outdated = change(
        wanted, ("tcp/443, tcp/8080], to: lb}", "tcp/8080], to: lb}"), ("[tcp/443, tcp/8080]", "[tcp/8080]")
    )

    judgement = judge(tmp_path, wanted, written=outdated)

    assert {one.kind for one in judgement.verification.findings if one.flows} == {"NOT_FORWARDED"}
    assert judgement.search is not None
    assert [(one.change, one.repairs) for one in judgement.search.repairs] == [(REGENERATE, ("web",))]


def test_the_line_is_shown_with_what_to_type(tmp_path: Path) -> None:
    text = render_plain(judge(tmp_path, change(TOPOLOGY, (BACK, "virbr2, forward: route"))))

    assert (
        f"""\
What would repair it, each generated and verified:
  - {tmp_path}/topology.yaml:6:78: change networks.back.libvirt.forward to open: repairs to-pods
        6 |   back: {{cidr: 10.2.0.0/24, router: host, libvirt: {{bridge: virbr2, forward: route}}}}
          |                                                                              ^ write open
"""
        in text
    )


def test_several_modes_are_changed_together_where_one_is_not_enough(tmp_path: Path) -> None:
    w2_on_front = ("network: back, address: 10.2.0.22", "network: front, address: 10.1.0.22")
    apart = change(TOPOLOGY, ("to-pods: {from: [lb]", "to-pods: {from: [lan]"), w2_on_front)

    judgement = judge(tmp_path, apart.replace("forward: open", "forward: route"))

    assert judgement.search is not None
    assert judgement.search.repairs[0].change.count("libvirt.forward to open") == 2
    assert judgement.search.repairs[0].repairs == ("to-pods",)


def test_what_no_change_repairs_is_said(tmp_path: Path) -> None:
    impossible = change(TOPOLOGY, ("address: 10.1.0.1}", "address: 10.1.0.1, mtu: 1300}"))

    text = render_plain(judge(tmp_path, impossible))

    assert "\nNo repair found: no change of the topology that netwright knows fits these failures.\n" in text


def test_what_was_tried_in_vain_is_counted(tmp_path: Path) -> None:
    impossible = change(
        TOPOLOGY,
        (LB, f"{LB}    firewalld: running\n"),
        ("closed: {from: [back], to: [lb], deny: [tcp/22]}", "web: {from: [back], to: [lb], allow: [tcp/80]}"),
    )

    text = render_plain(judge(tmp_path, impossible))

    assert "\nNo repair found: 1 change of the topology tried, none makes a flow better and none worse.\n" in text


def test_no_more_is_changed_than_repairs(tmp_path: Path) -> None:
    looping = change(TOPOLOGY, (LB, f"{LOOPING}{LB}    forward: true\n    default_route: {{via: looping}}\n"))

    judgement = judge(tmp_path, looping)

    assert judgement.search is not None
    assert [repair.change for repair in judgement.search.repairs] == [
        "remove nodes.lb.default_route",
        "remove nodes.looping.default_route",
    ]


def test_edits_of_one_list_do_not_get_in_each_others_way() -> None:
    document: Document = {"nodes": {"n": {"routes": [1, 2, 3]}}}
    path: TopologyPath = ("nodes", "n", "routes")
    candidate: Candidate = (
        Edit(path=(*path, 0), verb="remove"),
        Edit(path=(*path, 2), verb="remove"),
        Edit(path=("nodes", "n", "firewall", "input", "rules", 0), verb="insert", value={"deny": "any"}),
    )

    changed = apply(document, candidate)

    assert changed == {"nodes": {"n": {"routes": [2], "firewall": {"input": {"rules": [{"deny": "any"}]}}}}}
    assert document == {"nodes": {"n": {"routes": [1, 2, 3]}}}


def test_many_edits_of_a_kind_are_counted() -> None:
    names = [f"n{number}" for number in range(50)]
    document: Document = {"nodes": {name: {"forward": False} for name in names}}
    candidate = tuple(Edit(path=("nodes", name, "forward"), verb="set", value=True) for name in names)

    words = describe(document, candidate)

    assert words.startswith("change nodes.n0.forward to true and ")
    assert words.endswith(" and 47 more of the kind")


def test_values_are_written_as_in_a_topology() -> None:
    assert write_value({"from": ["a", "b"], "allow": ["icmp"], "x": True}) == "{from: [a, b], allow: [icmp], x: true}"


def test_what_the_topology_does_not_say_is_generated_anew(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "topology.yaml", tmp_path)
    for folder in ("snippets", "out"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    network = tmp_path / "out/kvm/libvirt/kube02.xml"
    network.write_text(network.read_text().replace('gateway="10.17.4.25"', 'gateway="10.17.4.24"'))

    run = netwright("verify", cwd=tmp_path)

    assert (
        "What would repair it, each generated and verified:\n"
        "  - run netwright generate, with --force over files edited by hand: repairs ingress-to-pods\n"
    ) in run.stdout


def test_nothing_is_suggested_if_nothing_shall_be(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(change(TOPOLOGY, (BACK, "virbr2, forward: route")))
    assert netwright("generate", cwd=tmp_path).status == 0

    run = netwright("verify", "--no-repair", cwd=tmp_path)

    assert run.status == 1
    assert "repair" not in run.stdout


def test_what_firewalld_cannot_express_is_no_repair(tmp_path: Path) -> None:
    managed = change(TOPOLOGY, (LB, f"{LB}    firewalld: managed\n"))
    (tmp_path / "topology.yaml").write_text(managed)
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None
    with closing(production):
        bench = Workbench(production, quiet=True)
        document: Document = yaml.safe_load(managed)
        exempt = Edit(path=("nodes", "lb", "nat_exempt"), verb="set", value=[{"from": "front", "to": "back"}])

        assert bench.attempt(document) is not None
        assert bench.attempt(apply(document, (exempt,))) is None
