"""Numbers in pieces that the same matches hold, by one sweep over their edges."""

import random

import pytest

from netwright.verify.proof.partition import Partition
from netwright.verify.values.addresses import Ranges, contains, merge

LARGEST = 60


def matches_of(seed: int) -> set[Ranges]:
    chance = random.Random(seed)
    found = set()
    for _ in range(chance.randrange(6)):
        edges = [sorted(chance.choices(range(LARGEST + 1), k=2)) for _ in range(chance.randrange(1, 4))]
        found.add(merge((first, last) for first, last in edges))
    return found


@pytest.mark.parametrize("seed", range(60))
def test_a_group_holds_all_numbers_that_the_same_matches_hold(seed: int) -> None:
    matches = matches_of(seed)
    first, last = sorted(random.Random(-seed).choices(range(LARGEST + 1), k=2))

    groups = Partition(matches, LARGEST).alike((first, last))

    found = [{number for one, other in group for number in range(one, other + 1)} for group in groups]
    wanted: dict[tuple[bool, ...], set[int]] = {}
    for number in range(first, last + 1):
        wanted.setdefault(tuple(contains(match, number) for match in sorted(matches)), set()).add(number)
    assert found == list(wanted.values())
    assert all(group == merge(group) for group in groups)
