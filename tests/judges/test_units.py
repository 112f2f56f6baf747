"""systemd has nothing to say of the unit that loads a ruleset, and its commands do what they are for."""

import pytest

from netwright.lab.machine import boot
from netwright.model import Family
from tests.judges.cases import Case, all_cases
from tests.rigs.nftables import list_ruleset
from tests.rigs.units import commands, unit_complaints

UNIT = "netwright-nftables.service"


def filtering(case: Case) -> list[str]:
    plans = case.plans(Family.FLATCAR) | case.plans(Family.ROCKY)
    return [name for name, plan in plans.items() if plan.ruleset and not plan.firewalld_managed]


CASES = [pytest.param(case, id=case.name) for case in all_cases() if filtering(case)]


@pytest.mark.parametrize("case", CASES)
def test_systemd_finds_nothing_to_say(case: Case) -> None:
    complaints = {name: unit_complaints(case.files(name), UNIT) for name in filtering(case)}

    assert complaints == dict.fromkeys(complaints, "")


@pytest.mark.parametrize("case", CASES)
def test_the_unit_loads_the_ruleset_and_takes_it_away_again(case: Case) -> None:
    files = case.files(filtering(case)[0])
    (unit,) = [file.content for file in files if file.path == f"/etc/systemd/system/{UNIT}"]
    with boot("node") as (machine,):
        machine.install(files)
        machine.run("nft", "add", "table", "ip", "foreign")
        before = list_ruleset(machine)

        for command in commands(unit, "ExecStart"):
            machine.run(*command)
        started = list_ruleset(machine)
        for command in commands(unit, "ExecReload"):
            machine.run(*command)
        reloaded = list_ruleset(machine)
        for command in commands(unit, "ExecStop"):
            machine.run(*command)
        stopped = list_ruleset(machine)

    assert len(started) > len(before)
    assert reloaded == started
    assert stopped == before
