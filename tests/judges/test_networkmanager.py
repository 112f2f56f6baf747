"""Result of the real NetworkManager with the Rocky nodes' keyfiles: as in their plans."""

from netwright.model import Family
from netwright.plan.types import NodePlan
from tests.judges import expected
from tests.judges.cases import Case, cases_with, has_plain_cards
from tests.rigs.daemons import Managed
from tests.rigs.networkmanager import apply_networkmanager, lost_lines, with_old_names
from tests.rigs.wires import Node

KEYFILES = "/etc/NetworkManager/system-connections/"

# Said of every card: of its own accord NetworkManager counts up from 100 in the order in which the cards come up.
METRIC = 100


def has_keyfiles(plan: NodePlan) -> bool:
    return plan.network_config == "keyfile"


def keyfile_plans(case: Case) -> dict[str, NodePlan]:
    return {name: plan for name, plan in case.plans(Family.ROCKY).items() if has_keyfiles(plan)}


@cases_with(Family.ROCKY, lambda plan: has_keyfiles(plan) and has_plain_cards(plan))
def test_networkmanager_applies_the_plan_without_complaint(case: Case) -> None:
    plans = {name: plan for name, plan in keyfile_plans(case).items() if has_plain_cards(plan)}
    nodes = {name: Node(nics=expected.nics(plan), files=case.files(name)) for name, plan in plans.items()}

    applied = apply_networkmanager(nodes)

    assert {name: one.complaints for name, one in applied.items()} == dict.fromkeys(plans, ())
    assert {name: one.managed for name, one in applied.items()} == {
        name: {
            link.name: Managed(
                state="connected",
                source=link.name,
                dns=tuple(str(server) for server in link.dns),
                domains=() if link.domain is None else (link.domain,),
            )
            for link in plan.links
        }
        for name, plan in plans.items()
    }
    assert {name: one.kernel for name, one in applied.items()} == {
        name: expected.kernel(plan, lambda _: METRIC) for name, plan in plans.items()
    }


@cases_with(Family.ROCKY, has_keyfiles)
def test_networkmanager_would_write_every_line_of_a_keyfile_back(case: Case) -> None:
    for name in keyfile_plans(case):
        for file in case.files(name):
            if file.path.startswith(KEYFILES):
                assert lost_lines(with_old_names(file).content) == ()
