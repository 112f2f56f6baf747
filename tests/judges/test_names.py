"""The files that only name something: the host, other machines, and the networks that ip-masq-agent leaves alone."""

import json

import pytest

from netwright.files.artifact import NodeFile
from netwright.lab.machine import LabMachine, boot
from netwright.model import Family
from netwright.plan.types import NodePlan
from netwright.verify.reading.formats.hosts import read_hosts
from netwright.verify.values.addresses import format_ip
from tests.judges.cases import Case, all_cases, cases_with
from tests.rigs.cloudinit import HOSTS

CASES = [pytest.param(case, id=case.name) for case in all_cases()]


@pytest.mark.parametrize("case", CASES)
def test_every_node_is_called_as_planned(case: Case) -> None:
    plans = case.plans(Family.FLATCAR) | case.plans(Family.ROCKY)
    named = {name: {file.path: file.content for file in case.files(name)}["/etc/hostname"] for name in plans}

    assert named == {name: f"{plan.hostname}\n".encode() for name, plan in plans.items()}


@pytest.mark.parametrize("case", CASES)
def test_ip_masq_agent_leaves_the_planned_networks_alone(case: Case) -> None:
    plans = case.plans(Family.FLATCAR) | case.plans(Family.ROCKY)
    read = {
        name: json.loads(file.content)["nonMasqueradeCIDRs"]
        for name in plans
        for file in case.files(name)
        if file.path == "/etc/config/ip-masq-agent"
    }

    assert read == {
        name: [str(network) for network in plan.ip_masq_agent.non_masquerade_cidrs]
        for name, plan in plans.items()
        if plan.ip_masq_agent
    }


def has_hosts(plan: NodePlan) -> bool:
    return bool(plan.hosts)


def names_of(plan: NodePlan) -> dict[str, str]:
    """Return the address of each name: of several the first in the file."""
    return {name: str(record.ip) for record in reversed(plan.hosts) for name in record.names}


def resolved(machine: LabMachine, *names: str) -> dict[str, str]:
    """Return what the C library finds for the names."""
    machine.install([NodeFile(path="/etc/nsswitch.conf", content=b"hosts: files\n")])
    python = "import socket, sys; print(*(socket.gethostbyname(one) for one in sys.argv[1:]))"
    return dict(zip(names, machine.run("python3", "-c", python, *names).stdout.split(), strict=True))


ODD = """\
# 10.0.0.1 a
10.0.0.2 a b# c
  10.0.0.3\tc\tB
010.0.0.4 d
10.0.0.5,d
::1 e
fe80::1 f
10.0.0.300 f
10.0.0.7 F
10.0.0.8
::FFFF:10.0.0.9 g
"""
RESOLVE = """\
import contextlib, socket, sys
with contextlib.suppress(OSError):
    print(socket.gethostbyname(sys.argv[1]))
"""


def test_verify_reads_odd_lines_as_the_c_library_does() -> None:
    (file,) = read_hosts({"/etc/hosts": ("", ODD)})
    read = {name: format_ip(line.ip) for line in reversed(file.lines) for name in line.names}

    with boot("node") as (machine,):
        texts = {"/etc/hosts": ODD, "/etc/nsswitch.conf": "hosts: files\n"}
        machine.install([NodeFile(path=path, content=text.encode()) for path, text in texts.items()])
        found = {name: machine.run("python3", "-c", RESOLVE, name).stdout.strip() for name in "abcdefg"}

    assert {name: ip for name, ip in found.items() if ip} == read


@cases_with(Family.FLATCAR, has_hosts)
def test_flatcar_knows_all_names_and_itself(case: Case) -> None:
    for name, plan in case.plans(Family.FLATCAR).items():
        with boot("node") as (machine,):
            machine.install(case.files(name))
            wanted = {**names_of(plan), "localhost": "127.0.0.1"}

            assert resolved(machine, *wanted) == wanted


@cases_with(Family.ROCKY, has_hosts)
def test_enterprise_linux_gets_names_beside_its_own_however_often(case: Case) -> None:
    for name, plan in {one: plan for one, plan in case.plans(Family.ROCKY).items() if plan.hosts}.items():
        with boot("node") as (machine,):
            machine.install([*case.files(name), NodeFile(path="/etc/hosts", content=HOSTS)])
            seen = []
            for _ in range(3):
                machine.run("sh", "/etc/netwright/hosts.sh")
                seen.append(machine.read("/etc/hosts"))
            wanted = {**names_of(plan), "localhost": "127.0.0.1", "of.mine": "192.0.2.7"}

            assert seen == [seen[0]] * 3
            assert seen[0] is not None
            assert seen[0].startswith(HOSTS + b"\n")
            assert seen[0].count(b"\n") == HOSTS.count(b"\n") + len(plan.hosts) + 2
            assert resolved(machine, *wanted) == wanted


def test_names_that_the_topology_no_longer_has_are_taken_away() -> None:
    with boot("node") as (machine,):
        script = next(case for case in all_cases() if case.name == "hosts").files("lb")
        machine.install([*script, NodeFile(path="/etc/hosts", content=b"10.0.0.99 gone # netwright\n" + HOSTS)])

        machine.run("sh", "/etc/netwright/hosts.sh")

        assert (machine.read("/etc/hosts") or b"").startswith(HOSTS)
