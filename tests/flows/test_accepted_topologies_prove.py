"""Random topologies, errors and all: what generate accepts is proved, but a flow of one machine that it warned of."""

from pathlib import Path
from random import Random

import pytest

from netwright.flows.derive import derive
from tests.flows.proofs import prove_production, unproved
from tests.soak.comparison import some_production

SEEDS = (1000, 1004, 1012, 1013, 1022, 1023, 1032, 1038, 2005, 2022, 2032, 2059, 2065, 2084)
"""Of topologies that once were accepted and not proved, or come after such a one."""


@pytest.mark.parametrize("seed", SEEDS)
def test_what_generate_accepts_is_proved(seed: int, tmp_path: Path) -> None:
    production = some_production(Random(seed), tmp_path / "topology.yaml")
    try:
        verification = prove_production(production, tmp_path / "out")
        warnings = derive(production.resolved).diagnostics
    finally:
        production.close()

    told = {f"{one.path[1]}: 0 of 0" for one in warnings if one.rule == "flows_leave_a_machine"}
    assert {*unproved(verification)} == told


def test_a_flow_that_a_stated_route_leads_into_another_filter_is_told_of(tmp_path: Path) -> None:
    production = some_production(Random(2091), tmp_path / "topology.yaml")
    try:
        verification = prove_production(production, tmp_path / "out")
        warnings = derive(production.resolved).diagnostics
    finally:
        production.close()

    failed = [one.flow.name for one in verification.flows if not one.proved]
    (told,) = (one.message for one in warnings if one.rule == "stated_routes_lead_the_flows_way")
    assert failed == ["flow2"]
    assert told.startswith("host1 goes to 0.0.0.0/0 via 10.17.1.1, while flow2 would go via 10.17.1.254")
