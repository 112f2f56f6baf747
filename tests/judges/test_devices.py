"""Bonds, bridges, VLANs and dummy devices on a kernel that has them all: as planned, and they do what they are for.

The machines of all cases run side by side in two boots of the emulator, each with the real network service of its
system and the files that are made for it; their cards are connected by a switch that filters VLANs.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from netwright.model import Bond, Family
from netwright.plan.types import NodePlan
from tests.judges import expected
from tests.judges.cases import Case, cases_with_devices
from tests.once import once
from tests.rigs.devices import (
    Fleet,
    MachineReport,
    pings_to_answer,
    pings_to_nowhere,
    read_machine,
    read_pings,
    run_fleets,
)
from tests.rigs.kernel import Kernel
from tests.rigs.networkmanager import with_old_names
from tests.rigs.trunk import first_members

CASES = {case.name: case for case in cases_with_devices()}
DONE = {Family.FLATCAR: "configured", Family.ROCKY: "connected"}
"""What a network service says of a link with which it has come to its end."""
METRIC = {Family.FLATCAR: 0, Family.ROCKY: 100}
"""The metric of routes for which the plan has none."""


MACHINES = [
    pytest.param(case.name, node, id=f"{case.name}-{node}") for case in CASES.values() for node in case.device_plans()
]
EVERY_CASE = pytest.mark.parametrize("case", CASES)
EVERY_MACHINE = pytest.mark.parametrize(("case", "node"), MACHINES)


def fleet(case: Case) -> Fleet:
    files = {node: [with_old_names(file) for file in case.files(node)] for node in case.device_plans()}
    return Fleet(plans=case.device_plans(), files=files)


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the results of the boots, which the first of pytest's processes does for all of them."""
    fleets = {name: fleet(case) for name, case in CASES.items()}
    return once(tmp_path_factory, "emulated", lambda folder: run_fleets(fleets, folder))


@pytest.fixture
def machine(results: Path, case: str, node: str) -> MachineReport:
    return read_machine(results, case, CASES[case].device_plans()[node])


@EVERY_MACHINE
def test_the_kernel_has_what_is_planned(case: str, node: str, machine: MachineReport) -> None:
    plan = CASES[case].device_plans()[node]

    assert with_known_macs(machine.kernel, plan) == with_known_macs(
        expected.kernel(plan, lambda _: METRIC[plan.family]), plan
    )


@EVERY_MACHINE
def test_ports_of_bridges_carry_the_planned_vlans(case: str, node: str, machine: MachineReport) -> None:
    plan = CASES[case].device_plans()[node]
    carried = {
        row["ifname"]: {(vlan["vlan"], "PVID" in vlan.get("flags", ())) for vlan in row.get("vlans", ())}
        for row in json.loads(machine.vlans or "[]")
    }

    for link in plan.links:
        if link.port_vlans is not None:
            untagged = {(link.port_vlans.untagged, True)} - {(None, True)}
            tagged = {(tag, False) for tag in link.port_vlans.tagged}
            assert (link.name, carried.get(link.name, set())) == (link.name, untagged | tagged)


@EVERY_MACHINE
def test_the_service_is_done_with_every_link_and_complains_of_nothing(
    case: str, node: str, machine: MachineReport
) -> None:
    plan = CASES[case].device_plans()[node]

    assert machine.states == {link.name: DONE[plan.family] for link in plan.links}
    assert machine.complaints == ()


@EVERY_MACHINE
def test_what_waits_for_the_network_does_not_wait_for_links_without_addresses(
    case: str, node: str, machine: MachineReport
) -> None:
    assert machine.waited == 0


@EVERY_CASE
def test_machines_of_one_network_exchange_packets_of_its_size(case: str, results: Path) -> None:
    answered = read_pings(results, "talk", case)

    assert answered == {(ping.node, ping.to): True for ping in pings_to_answer(CASES[case].device_plans())}


@EVERY_CASE
def test_machines_of_other_numbers_on_a_trunk_do_not_hear_each_other(case: str, results: Path) -> None:
    answered = read_pings(results, "silent", case)

    assert answered == {(ping.node, ping.to): False for ping in pings_to_nowhere(CASES[case].device_plans())}


@EVERY_MACHINE
def test_a_bond_negotiates_with_the_switch_where_it_is_to(case: str, node: str, machine: MachineReport) -> None:
    links = by_name(machine.talking)

    for name, bond in bonds(CASES[case].device_plans()[node]):
        if bond.effective_mode == "802.3ad":
            negotiated = links[name]["linkinfo"]["info_data"]["ad_info"]
            assert (name, negotiated["num_ports"]) == (name, len(bond.members))
            assert negotiated["partner_mac"] != "00:00:00:00:00:00"


@EVERY_CASE
def test_bonds_go_on_without_a_member(case: str, results: Path) -> None:
    answered = read_pings(results, "survive", case)

    for node, plan in CASES[case].device_plans().items():
        links = by_name(read_machine(results, case, plan).survived)
        for member in first_members(plan):
            if links[member].get("linkinfo", {}).get("info_kind") == "veth":
                assert "NO-CARRIER" in links[member]["flags"], (node, member)
        for name, _ in bonds(plan):
            assert (node, name, links[name]["operstate"]) == (node, name, "UP")
    assert answered == {(ping.node, ping.to): True for ping in pings_to_answer(CASES[case].device_plans())}


def with_known_macs(kernel: Kernel, plan: NodePlan) -> Kernel:
    """The kernel state with the MACs that the plan decides: a bond's members have its own, others any."""
    known = {link.name for link in plan.links if link.mac and (link.device is not None or link.controller is None)}
    links = [link if link.name in known else replace(link, mac="") for link in kernel.links]
    return replace(kernel, links=tuple(sorted(links, key=repr)))


def bonds(plan: NodePlan) -> Iterator[tuple[str, Bond]]:
    for link in plan.links:
        if isinstance(link.device, Bond):
            yield link.name, link.device


def by_name(links: str) -> Mapping[str, Any]:
    return {row["ifname"]: row for row in json.loads(links)}
