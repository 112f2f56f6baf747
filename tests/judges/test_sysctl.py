"""What the kernel holds after systemd-sysctl has read a node's files is what its plan says, whatever others say."""

from gen.artifact import NodeFile
from gen.model import Family
from gen.plan.types import NodePlan
from tests.judges.cases import Case, cases_with
from tests.rigs.sysctl import Applied, apply_sysctl
from tests.rigs.wires import Nic

# Flatcar's own file; on Rocky the administrator's, which is read under the name of a link to it.
OTHERS = {Family.FLATCAR: "/usr/lib/sysctl.d/60-baselayout.conf", Family.ROCKY: "/etc/sysctl.conf"}
LINKS = {Family.FLATCAR: {}, Family.ROCKY: {"/etc/sysctl.d/99-sysctl.conf": "../sysctl.conf"}}


def planned(plan: NodePlan) -> dict[str, str]:
    return {"/".join(sysctl.key): sysctl.value for sysctl in plan.sysctls}


def contrary(value: str) -> str:
    return "1" if value == "0" else "0"


def apply(plan: NodePlan, files: tuple[NodeFile, ...]) -> Applied:
    """The plan's keys after systemd-sysctl has read the files, where the kernel and another file hold the contrary."""
    others = {key: contrary(value) for key, value in planned(plan).items()}
    text = "".join(f"{key} = {value}\n" for key, value in others.items())
    return apply_sysctl(
        [
            *(file for file in files if file.path.startswith("/etc/sysctl.d/")),
            NodeFile(path=OTHERS[plan.family], content=text.encode()),
        ],
        list(planned(plan)),
        nics=[
            *(Nic(name=link.name) for link in plan.links),
            *(Nic(name=network.bridge) for network in plan.libvirt_networks),
        ],
        links=LINKS[plan.family],
        before=others,
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
