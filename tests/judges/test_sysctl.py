"""Parameters of the kernel after systemd-sysctl has read a node's files: as in its plan, whatever other files set."""

from contextlib import closing
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from netwright.files.artifact import NodeFile
from netwright.model import Family
from netwright.plan.types import NodePlan
from netwright.verify.network_model.parameters import SYSTEM_SYSCTLS
from tests.judges.cases import Case, cases_with
from tests.produced import prepare_text
from tests.rigs.sysctl import Applied, apply_sysctl
from tests.rigs.wires import Nic

# Flatcar's own file; on Rocky the administrator's, which is read under the name of a link to it.
OTHERS = {Family.FLATCAR: "/usr/lib/sysctl.d/60-baselayout.conf", Family.ROCKY: "/etc/sysctl.conf"}
LINKS = {Family.FLATCAR: {}, Family.ROCKY: {"/etc/sysctl.d/99-sysctl.conf": "../sysctl.conf"}}


def nics(plan: NodePlan) -> tuple[Nic, ...]:
    names = [*(link.name for link in plan.links), *(network.bridge for network in plan.libvirt_networks)]
    return tuple(Nic(name=name) for name in dict.fromkeys(names))


def planned(plan: NodePlan) -> dict[str, str]:
    """The plan's parameters; those of interfaces by a pattern are those of each that has no line of its own."""
    said = {sysctl.key: sysctl.value for sysctl in plan.sysctls}
    for key in [key for key in said if any("*" in word for word in key)]:
        pattern = next(word for word in key if "*" in word)
        matching = [nic for nic in nics(plan) if fnmatchcase(nic.name, pattern)]
        each = {tuple(nic.name if word == pattern else word for word in key): said[key] for nic in matching}
        said = {**each, **said}
        del said[key]
    return {"/".join(key): value for key, value in said.items()}


def contrary(value: str) -> str:
    return "1" if value == "0" else "0"


def apply(plan: NodePlan, files: tuple[NodeFile, ...]) -> Applied:
    """The plan's keys after systemd-sysctl has read the files, where the kernel and another file hold the contrary."""
    text = "".join(f"{'/'.join(sysctl.key)} = {contrary(sysctl.value)}\n" for sysctl in plan.sysctls)
    return apply_sysctl(
        [
            *(file for file in files if file.path.startswith("/etc/sysctl.d/")),
            NodeFile(path=OTHERS[plan.family], content=text.encode()),
        ],
        list(planned(plan)),
        nics=nics(plan),
        links=LINKS[plan.family],
        before={key: contrary(value) for key, value in planned(plan).items()},
    )


@cases_with(Family.FLATCAR, lambda plan: plan.sysctls)
def test_flatcar_nodes_get_the_planned_kernel_parameters(case: Case) -> None:
    plans = {name: plan for name, plan in case.plans(Family.FLATCAR).items() if plan.sysctls}

    applied = {name: apply(plan, case.files(name)) for name, plan in plans.items()}

    assert applied == {name: Applied(values=planned(plan), complaints=()) for name, plan in plans.items()}


@cases_with(Family.ROCKY, lambda plan: plan.sysctls)
def test_rocky_nodes_get_the_planned_kernel_parameters(case: Case) -> None:
    plans = {name: plan for name, plan in case.plans(Family.ROCKY).items() if plan.sysctls}

    applied = {name: apply(plan, case.files(name)) for name, plan in plans.items()}

    assert applied == {name: Applied(values=planned(plan), complaints=()) for name, plan in plans.items()}


OFF = """\
version: 1
name: small
networks: {{lan: {{cidr: 10.1.0.0/24}}, inner: {{cidr: 10.2.0.0/24}}}}
nodes:
  box:
    os: {system}
    rp_filter: "off"
    interfaces: {{eth0: {{network: lan, address: 10.1.0.2}}, eth1: {{network: inner, address: 10.2.0.2}}}}
"""


@pytest.mark.parametrize("system", SYSTEM_SYSCTLS)
def test_off_is_off_on_every_interface_whatever_the_system_itself_sets(tmp_path: Path, system: str) -> None:
    production = prepare_text(OFF.format(system=system), tmp_path)
    assert production is not None
    with closing(production):
        files = [file for file in production.build("box").files if file.path.startswith("/etc/sysctl.d/")]
    own = NodeFile(path="/usr/lib/sysctl.d/50-system.conf", content=SYSTEM_SYSCTLS[system].encode())
    keys = [f"net/ipv4/conf/{name}/rp_filter" for name in ("all", "default", "eth0", "eth1")]

    before = apply_sysctl([own], keys, nics=[Nic(name="eth0"), Nic(name="eth1")])
    after = apply_sysctl([own, *files], keys, nics=[Nic(name="eth0"), Nic(name="eth1")])

    assert (set(before.values.values()) == {"0"}) == (system == "flatcar")
    assert after == Applied(values=dict.fromkeys(keys, "0"), complaints=())
