"""Filters of the kernel once nft has loaded a node's ruleset: as in its plan; others' rules stay."""

import pytest

from netwright.model import Family
from netwright.plan.types import NodePlan
from tests.judges import rulesets
from tests.judges.cases import Case, all_cases
from tests.rigs.nftables import Loaded, load_twice

RULESET = "/etc/nftables/netwright.nft"


def filtering(case: Case) -> list[NodePlan]:
    plans = (*case.plans(Family.FLATCAR).values(), *case.plans(Family.ROCKY).values())
    return [plan for plan in plans if plan.ruleset and not plan.firewalld_managed]


def load(case: Case, plan: NodePlan) -> Loaded:
    contents = {file.path: file.content for file in case.files(plan.name)}
    return load_twice(contents[RULESET])


CASES = [pytest.param(case, id=case.name) for case in all_cases() if filtering(case)]


@pytest.mark.parametrize("case", CASES)
def test_the_kernel_filters_what_the_plan_says(case: Case) -> None:
    for plan in filtering(case):
        assert plan.ruleset is not None
        assert rulesets.loaded(load(case, plan).first) == rulesets.planned(plan.ruleset)


@pytest.mark.parametrize("case", CASES)
def test_loading_again_changes_nothing(case: Case) -> None:
    for plan in filtering(case):
        loaded = load(case, plan)

        assert loaded.second == loaded.first
        assert loaded.foreign_after == loaded.foreign_before


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in all_cases()])
def test_only_a_node_with_a_ruleset_has_its_files(case: Case) -> None:
    plans = case.plans(Family.FLATCAR) | case.plans(Family.ROCKY)
    have = {name for name in plans if any("nft" in file.path for file in case.files(name))}

    assert have == {plan.name for plan in filtering(case)}
