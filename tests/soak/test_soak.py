"""verify's word against the kernel's, for the files of whole networks."""

import pytest

from tests.soak.comparison import compare
from tests.soak.further import FURTHER_FROM
from tests.soak.refused import REFUSED_FROM

SEEDS = (
    0,
    2,
    3,
    18,
    298,
    312,
    319,
    41_021,
    *(FURTHER_FROM + number for number in (0, 3, 28, 66, 219, 497)),
    REFUSED_FROM + 21,
)
"""Networks on which the two once differed, and others."""


@pytest.mark.parametrize("seed", SEEDS)
def test_verify_and_kernel_agree_on_the_files_of_a_random_damaged_network(seed: int) -> None:
    found = compare(seed)

    assert not found.differing, f"{found}\n{found.topology}"
    assert found.tried > 0
