"""The files that only name something: the host, and the networks that ip-masq-agent leaves alone."""

import json

import pytest

from netwright.model import Family
from tests.judges.cases import Case, all_cases

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
