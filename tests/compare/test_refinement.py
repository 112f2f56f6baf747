"""The classes that two networks tell apart together."""

from hypothesis import given
from hypothesis import strategies as st

from netwright.compare.refinement import refine_addresses, refine_traffic
from netwright.verify import Ranges
from netwright.verify.proof.classes import AddressClass, TrafficClass
from netwright.verify.values.addresses import contains


@st.composite
def partitions(draw: st.DrawFn) -> list[Ranges]:
    """Some numbers below 40 in groups."""
    groups: dict[int, list[tuple[int, int]]] = {}
    for number in range(40):
        group = draw(st.integers(min_value=0, max_value=3))
        if group:
            groups.setdefault(group, []).append((number, number))
    return [tuple(group) for group in groups.values()]


def group_of(number: int, groups: list[Ranges]) -> int | None:
    return next((index for index, group in enumerate(groups) if contains(group, number)), None)


@given(partitions(), partitions())
def test_a_refined_class_holds_what_both_networks_treat_alike(ours: list[Ranges], theirs: list[Ranges]) -> None:
    sides = ([AddressClass(ranges=ranges, place=None) for ranges in side] for side in (ours, theirs))

    refined = [one.ranges for one in refine_addresses(*sides)]

    for number in range(40):
        pair = group_of(number, ours), group_of(number, theirs)
        index = group_of(number, refined)
        assert (index is None) == (pair == (None, None))
        if index is not None:
            first = refined[index][0][0]
            assert (group_of(first, ours), group_of(first, theirs)) == pair
    assert len(refined) == len({(group_of(n, ours), group_of(n, theirs)) for n in range(40)} - {(None, None)})


def test_traffic_is_refined_by_protocol() -> None:
    ours = [TrafficClass(protocol=6, ports=((1, 99),)), TrafficClass(protocol=1, ports=())]
    theirs = [TrafficClass(protocol=6, ports=((1, 49),)), TrafficClass(protocol=6, ports=((50, 99),))]

    refined = refine_traffic(ours, theirs)

    assert [(one.protocol, one.ports) for one in refined] == [(6, ((1, 49),)), (6, ((50, 99),)), (1, ())]
