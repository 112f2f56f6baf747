"""Each rule of forwarding in a world of its own: what the verifier makes of it."""

import pytest

from netwright.verify.forwarding.memory import Memory
from netwright.verify.values.addresses import format_ip
from tests.verify.kernel.comparison import predict
from tests.verify.kernel.world import model_of
from tests.verify.rules import CASES


@pytest.mark.parametrize("name", CASES)
def test_a_rule_of_forwarding_decides(name: str) -> None:
    case = CASES[name]

    result = predict(case.world, model_of(case.world), Memory(), case.pair).results[case.over]

    seen = format_ip(result.seen_source) if result.seen_source is not None else None
    assert (result.outcome, seen) == (case.outcome, case.source), result.decisions
