"""The verifier's word against the kernel's, with real packets in network namespaces."""

import pytest

from tests.verify.kernel.comparison import disagreements
from tests.verify.kernel.dice import FURTHER_FROM, LEADING_FROM, throw
from tests.verify.rules import CASES

SEEDS = (
    *(9, 242, 277, *range(1000, 1010), 1017, 5529, 700079, 800016, 1715),
    *range(FURTHER_FROM, FURTHER_FROM + 12),
    *range(LEADING_FROM, LEADING_FROM + 8),
)
"""Worlds on which the two once differed, and others."""


@pytest.mark.parametrize("name", CASES)
def test_the_kernel_keeps_each_rule(name: str) -> None:
    found = disagreements(CASES[name].world)

    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("seed", SEEDS)
def test_model_and_kernel_agree_on_a_random_damaged_network(seed: int) -> None:
    world = throw(seed)

    found = disagreements(world)

    assert not found, f"{world.notes}\n" + "\n".join(map(str, found))
