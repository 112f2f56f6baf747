"""The rules as a whole: silent where nothing is wrong, brief where much is, and as quick for a node among many."""

import errno
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from benchmarks.topology import write_topology
from netwright.checks import CHECKS, check
from netwright.model import Topology
from netwright.parallel.workers import FORK_FROM
from netwright.parse import parse
from netwright.schema.topology_schema import validate
from netwright.text.load import load, read_source
from netwright.text.report import Report, Severity, render_text
from netwright.text.source import Source

CORRECT = sorted((Path(__file__).parent / "correct").glob("*.yaml"))


def read(text: str) -> Topology:
    document, report = load(Source(name="topology.yaml", text=text))
    assert not report.entries
    assert isinstance(document, dict)
    assert not validate(document, "topology.schema.yaml")
    topology, diagnostics = parse(document)
    assert not diagnostics
    return topology


@pytest.mark.parametrize("path", CORRECT, ids=lambda path: path.stem)
def test_nothing_is_said_of_a_correct_topology(path: Path) -> None:
    source, _ = read_source(str(path))
    assert source is not None
    assert source.text is not None

    found = check(read(source.text))

    assert render_text(Report.about(source, found)) == ""


def test_what_a_group_says_is_reported_once_with_the_first_node_and_a_count() -> None:
    nodes = "\n".join(
        f"  lb{number}: {{groups: [ingress], interfaces: {{eth0: {{network: lan, address: 10.0.0.{number}}}}}}}"
        for number in range(1, 6)
    )
    text = f"""\
version: 1
name: lab
networks: {{lan: {{cidr: 10.0.0.0/24}}}}
groups: {{ingress: {{os: rocky10, routes: [{{to: 10.9.0.0/16, via: 10.1.0.1}}]}}}}
nodes:
{nodes}
"""

    found = check(read(text))

    assert len(found) == 1
    assert found[0].message == (
        "10.1.0.1 is on no network of lb1 (10.0.0.0/24); set onlink: true or name a router "
        "(the same at lb2 and 3 more nodes)"
    )


def test_findings_do_not_depend_on_what_else_is_wrong() -> None:
    text = """\
version: 1
name: lab
networks:
  lan: {cidr: 10.0.0.0/24, router: nobody}
  wan: {cidr: 10.0.0.0/16, router: kvm, libvirt: {bridge: virbr0}}
kubernetes:
  pods: {cidr: 10.0.0.0/8}
  api: {vip: 10.0.0.1, holders: [somebody]}
nodes:
  kvm:
    groups: [hosts]
    interfaces:
      eth0: {network: lna, address: 10.0.0.1}
      eth1: {networks: {lan: [10.0.0.1, 10.0.0.255], wlan: 10.0.0.1}}
    default_route: {via: kvm}
    routes: [{to: lam, via: kvn}, {to: services, via: 10.9.9.9, dev: eth9}, {to: default, via: 10.0.0.7, onlink: true}]
    masquerade: [{from: pots, out: eth8}]
"""

    found = check(read(text))

    assert {
        "groups_are_known",
        "networks_are_known",
        "routers_are_known",
        "next_hops_are_known",
        "ends_are_known",
        "holders_are_known",
        "node_has_an_os",
        "address_is_a_host",
        "addresses_are_unique",
        "networks_do_not_overlap",
        "next_hop_is_another_node",
        "next_hop_is_on_link",
        "route_interface_is_known",
        "libvirt_bridge_is_an_interface",
    } <= {diagnostic.rule for diagnostic in found}


def test_messages_name_what_is_wrong_and_what_would_be_right() -> None:
    cases = sorted((Path(__file__).parent.parent / "errors").glob("*/topology.yaml"))
    spoken: set[str] = set()

    for case in cases:
        source, _ = read_source(str(case))
        assert source is not None
        document, _ = load(source)
        if not isinstance(document, dict) or validate(document, "topology.schema.yaml"):
            continue
        for diagnostic in check(parse(document)[0]):
            assert "; " in diagnostic.message, f"{case.parent.name}: {diagnostic.message}"
            assert not diagnostic.message.endswith("."), f"{case.parent.name}: {diagnostic.message}"
            spoken.add(diagnostic.rule)
    assert spoken == {rule.__name__ for rule in CHECKS}


def large(count: int, *, slips: bool) -> dict[str, Any]:
    """A topology of so many workers, whose pods two load balancers and a router have routes to."""
    addresses = [f"10.{64 + (number >> 8)}.{number & 255}.9" for number in range(count)]
    pods = [f"11.{number >> 8}.{number & 255}.0/24" for number in range(count)]
    nodes: dict[str, Any] = {
        "kvm": {
            "os": "rocky10",
            "forward": True,
            "default_route": "none",
            "interfaces": {
                "eth1": {"network": "kube01", "address": "10.17.3.1"},
                "eth2": {"network": "kube02", "address": "10.64.0.1"},
            },
            "routes": [{"to": network, "via": f"worker{number}"} for number, network in enumerate(pods)],
        },
        "lb1": {
            "os": "rocky10",
            "interfaces": {"eth0": {"network": "kube01", "address": "10.17.3.12"}},
            "routes": [{"to": network, "via": "kvm"} for network in pods],
        },
    }
    for number, (address, network) in enumerate(zip(addresses, pods, strict=True)):
        worker: dict[str, Any] = {
            "groups": ["workers"],
            "pod_cidr": network,
            "interfaces": {"eth0": {"network": "kube02", "address": address}},
        }
        if slips:
            worker["pod_cidr"] = "11.0.0.0/24"
            worker["groups"] = ["workers", f"worker{number}"]
            worker["hostname"] = "worker"
            worker["routes"] = [{"to": "pots", "via": f"wroker{number}"}, {"to": "kvm", "via": "10.64.255.255"}]
        nodes[f"worker{number}"] = worker
    return {
        "version": 1,
        "name": "large",
        "networks": {
            "kube01": {"cidr": "10.17.3.0/24", "router": "kvm"},
            "kube02": {"cidr": "10.64.0.0/12", "router": "kvm"},
        },
        "kubernetes": {"pods": {"cidr": "11.0.0.0/8"}},
        "groups": {"workers": {"os": "flatcar", "kubernetes": "agent"}},
        "nodes": nodes,
    }


def count_calls(topology: Topology) -> int:
    """Return how many functions the rules call for a topology: what they cost, on any machine."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        check(topology)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("slips", [False, True], ids=["correct", "full of slips"])
def test_a_node_among_many_costs_no_more_than_among_few(slips: bool) -> None:
    few, _ = parse(large(200, slips=slips))
    many, _ = parse(large(800, slips=slips))

    assert count_calls(many) < 4.4 * count_calls(few)


def test_a_large_correct_topology_is_correct() -> None:
    topology, _ = parse(large(200, slips=False))

    assert not check(topology)


def test_only_errors_stop_the_generation() -> None:
    topology, _ = parse(large(3, slips=True))

    severities = {diagnostic.rule: diagnostic.severity for diagnostic in check(topology)}

    assert severities["next_hops_are_known"] is Severity.ERROR
    assert severities["next_hop_has_an_owner"] is Severity.WARNING


def faulty_cluster(nodes: int) -> Topology:
    """A cluster with findings of many rules: mistyped next hops, an MTU of its own, an address twice."""
    text = write_topology(nodes, odd_mtu=1400)
    text = text.replace("via: worker2}", "via: worker3}").replace("via: worker4}", "via: wroker4}")
    return read(text.replace("address: 172.17.3.13", "address: 172.17.3.12"))


def test_two_processes_find_what_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    topology = faulty_cluster(FORK_FROM)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0})
    alone = check(topology)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1})

    together = check(topology)

    assert together == alone
    assert len({diagnostic.rule for diagnostic in alone}) > 3


def test_without_a_second_process_one_finds_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    topology = faulty_cluster(FORK_FROM)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1})
    together = check(topology)
    monkeypatch.setattr("os.fork", refuse)

    assert check(topology) == together


@pytest.mark.parametrize(("address", "refused"), [("198.51.100.2", False), ("203.0.113.2", True)])
def test_a_forward_listens_towards_the_provider_by_which_its_router_answers(address: str, *, refused: bool) -> None:
    text = f"""\
version: 1
name: lab
networks: {{lan: {{cidr: 10.0.0.0/24}}, wan1: {{cidr: 198.51.100.0/24}}, wan2: {{cidr: 203.0.113.0/24}}}}
defaults: {{os: rocky10, firewalld: masked}}
nodes:
  edge:
    internet: true
    default_route: {{prefer: [{{via: 198.51.100.1}}, {{via: 203.0.113.1}}]}}
    interfaces:
      eth0: {{network: lan, address: 10.0.0.1}}
      eth1: {{network: wan1, address: 198.51.100.2}}
      eth2: {{network: wan2, address: 203.0.113.2}}
  web: {{interfaces: {{eth0: {{network: lan, address: 10.0.0.11}}}}}}
forwards: {{web: {{at: edge, from: internet, port: tcp/443, to: web, address: {address}}}}}
flows: {{web: {{from: internet, to: web, allow: [tcp/443]}}}}
"""

    found = [one for one in check(read(text)) if one.rule == "forwards_listen_at_their_router"]

    assert [one.severity for one in found] == [Severity.ERROR] * refused
