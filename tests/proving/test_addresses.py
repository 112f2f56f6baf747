"""Every address that the topology gives a machine is there by its files, or no flow that names it is proved."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from netwright.commands.verify_work import Work
from netwright.matrix.matrix import measure
from netwright.production.production import prepare
from netwright.text.report import Severity
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import Traffic
from netwright.verify_input.parties import node_parties
from netwright.verify_input.reading import read_forms
from netwright.verify_input.wiring import state_flows
from netwright.write import generate
from tests.proving.small import TOPOLOGY, change

LB = "lb:\n    groups: [rocky]\n    interfaces: {eth0: {network: front, address: 10.1.0.12}}"
IFCFG = change(TOPOLOGY, (LB, LB.replace("groups: [rocky]", "os: rocky8\n    firewalld: masked")))
MAC = change(TOPOLOGY, ("address: 10.1.0.12}", 'address: 10.1.0.12, mac: "52:54:00:00:00:12"}'))


def judge(folder: Path, topology: str, others: dict[str, str]) -> Judgement:
    """Return verify's findings where some nodes' folders are those that another topology makes."""
    (folder / "topology.yaml").write_text(topology)
    production, _ = prepare(str(folder / "topology.yaml"))
    assert production is not None
    with closing(production):
        generate(folder / "out", production.nodes, production.build, fingerprint="")
        for node, text in others.items():
            _replace(folder, node, text)
        flows = state_flows(production.resolved)
        work = Work(production=production, topology="topology.yaml", out=str(folder / "out"), flows=flows, quiet=True)
        return work.judge(None, None, repair=False)


def _replace(folder: Path, node: str, topology: str) -> None:
    (folder / "other.yaml").write_text(topology)
    production, _ = prepare(str(folder / "other.yaml"))
    assert production is not None
    with closing(production):
        generate(folder / "other", production.nodes, production.build, fingerprint="")
    shutil.rmtree(folder / "out" / node)
    shutil.copytree(folder / "other" / node, folder / "out" / node)


class Case(NamedTuple):
    """An edit of one node's part of the topology, the cause and file of the finding, and flows that fail."""

    topology: str
    edit: tuple[str, str]
    node: str
    cause: str
    file: str
    flows: set[str]


CASES = {
    "networkd": Case(
        TOPOLOGY,
        ("address: 10.2.0.21", "address: 10.2.0.99"),
        "w1",
        "eth0 has not got its address 10.2.0.21/24: the file has 10.2.0.99/24 on eth0",
        "rootfs/etc/systemd/network/10-eth0.network",
        {"ssh", "out", "closed"},
    ),
    "keyfile": Case(
        TOPOLOGY,
        ("10.1.0.12", "10.1.0.99"),
        "lb",
        "eth0 has not got its address 10.1.0.12/24: the file has 10.1.0.99/24 on eth0",
        "rootfs/etc/NetworkManager/system-connections/eth0.nmconnection",
        {"to-pods", "ssh", "out", "closed"},
    ),
    "ifcfg": Case(
        IFCFG,
        ("10.1.0.12", "10.1.0.99"),
        "lb",
        "eth0 has not got its address 10.1.0.12/24: the file has 10.1.0.99/24 on eth0",
        "rootfs/etc/sysconfig/network-scripts/ifcfg-eth0",
        {"to-pods", "ssh", "out", "closed"},
    ),
    "prefix length": Case(
        TOPOLOGY,
        ("10.1.0.0/24", "10.1.0.0/25"),
        "lb",
        "eth0 has not got its address 10.1.0.12/24: the file has 10.1.0.12/25 on eth0",
        "rootfs/etc/NetworkManager/system-connections/eth0.nmconnection",
        {"to-pods", "ssh", "out", "closed"},
    ),
    "interface": Case(
        TOPOLOGY,
        ("{eth0: {network: front", "{eth1: {network: front"),
        "lb",
        "eth0 has not got its address 10.1.0.12/24: the file has 10.1.0.12/24 on eth1",
        "rootfs/etc/NetworkManager/system-connections/eth1.nmconnection",
        {"to-pods", "ssh", "out", "closed"},
    ),
    "hardware address": Case(
        MAC,
        ("52:54:00:00:00:12", "52:54:00:00:00:13"),
        "lb",
        "eth0 has not got its address 10.1.0.12/24: the file has 10.1.0.12/24 on the card 52:54:00:00:00:13",
        "rootfs/etc/NetworkManager/system-connections/eth0.nmconnection",
        {"to-pods", "ssh", "out", "closed"},
    ),
    "libvirt": Case(
        TOPOLOGY,
        ("address: 10.1.0.1}", "address: 10.1.0.2}"),
        "host",
        "virbr1 has not got its address 10.1.0.1/24: the file has 10.1.0.2/24 on virbr1",
        "libvirt/front.xml",
        {"ssh", "out"},
    ),
    "hand-off sheet": Case(
        TOPOLOGY,
        ("address: 192.168.0.1}", "address: 192.168.0.2}"),
        "gw",
        "lan0 has not got its address 192.168.0.1/24: the file has 192.168.0.2/24 on lan0",
        "handoff.md",
        {"ssh"},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_machine_without_its_address_fails_every_flow_that_names_it(tmp_path: Path, case: Case) -> None:
    other = change(case.topology, case.edit)

    verification = judge(tmp_path, case.topology, {case.node: other}).verification

    (finding,) = [one for one in verification.findings if one.kind == "WRONG_ADDRESS"]
    assert (finding.severity, finding.nodes, finding.cause) == (Severity.ERROR, (case.node,), case.cause)
    assert [origin.file for origin in finding.origins] == [f"{case.node}/{case.file}"]
    assert case.flows <= {*finding.flows}
    assert {result.flow.name for result in verification.flows if result.proved}.isdisjoint(case.flows)
    assert not any(one.kind == "UNKNOWN_ADDRESS" for one in verification.findings)


def test_two_machines_with_each_others_addresses_prove_nothing(tmp_path: Path) -> None:
    swapped = change(TOPOLOGY, ("10.2.0.21", "10.2.0.0"), ("10.2.0.22", "10.2.0.21"), ("10.2.0.0}", "10.2.0.22}"))

    verification = judge(tmp_path, TOPOLOGY, {"w1": swapped, "w2": swapped}).verification

    causes = {one.nodes: one.cause for one in verification.findings if one.kind == "WRONG_ADDRESS"}
    assert causes == {
        ("w1",): "eth0 has not got its address 10.2.0.21/24: the file has 10.2.0.22/24 on eth0",
        ("w2",): "eth0 has not got its address 10.2.0.22/24: the file has 10.2.0.21/24 on eth0",
    }
    assert not any(result.proved for result in verification.flows)


def test_an_address_that_the_topology_lacks_is_an_error_though_every_flow_holds(tmp_path: Path) -> None:
    further = change(TOPOLOGY, ("address: 10.1.0.12", "address: [10.1.0.12, 10.1.0.77]"))

    verification = judge(tmp_path, TOPOLOGY, {"lb": further}).verification

    (finding,) = [one for one in verification.findings if one.kind == "UNKNOWN_ADDRESS"]
    assert finding.cause.startswith("the topology does not know 10.1.0.77/24 on eth0; ")
    assert [origin.file.rpartition("/")[2] for origin in finding.origins] == ["eth0.nmconnection"]
    assert all(result.proved for result in verification.flows)
    assert not verification.proved


def test_a_machine_of_which_nothing_can_be_read_fails_the_flows_for_that_reason(tmp_path: Path) -> None:
    judge(tmp_path, TOPOLOGY, {})
    (tmp_path / "out/w1/w1.ign").write_text("{")
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None
    with closing(production):
        flows = state_flows(production.resolved)
        work = Work(production=production, topology="t", out=str(tmp_path / "out"), flows=flows, quiet=True)

        verification = work.judge(None, None, repair=False).verification

    assert not any(one.kind == "WRONG_ADDRESS" for one in verification.findings)
    assert not any(result.proved for result in verification.flows if result.flow.name in ("ssh", "out", "closed"))


def test_a_matrix_names_the_machine_without_its_address(tmp_path: Path) -> None:
    judge(tmp_path, TOPOLOGY, {"lb": change(TOPOLOGY, ("10.1.0.12", "10.1.0.99"))})
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None
    with closing(production):
        (network,) = read_forms(tmp_path / "out", production.resolved)
        matrix = measure(network, node_parties(production.resolved), Traffic(protocol="icmp"))

    cells = [cell for row in matrix.cells for cell in row if "lb" in (cell.source, cell.destination) and cell.judged]
    assert {(cell.verdict, cell.reasons[0].verdict, cell.reasons[0].node) for cell in cells} == {
        ("none", "WRONG_ADDRESS", "lb")
    }
