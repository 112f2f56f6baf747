"""Steps from what may not be new while something else is old."""

import pytest

from netwright.rollout.arranging import arrange
from netwright.rollout.exploring import Clash
from netwright.rollout.values import Break

ALPHABET = "abcdef"


def clash(updated: str, pending: str, flow: str = "web") -> Clash:
    example = Break(flow=flow, source="10.0.0.1", destination="10.0.0.2", traffic="icmp", verdict="NO_ROUTE")
    return Clash(updated=frozenset(updated), pending=frozenset(pending), example=example)


def order(*clashes: Clash, units: str = ALPHABET) -> list[str]:
    """The steps of units of one machine each, and behind each the flows that break with the step that ends it."""
    steps = arrange([frozenset({name}) for name in units], clashes)
    return [
        "".join(step.nodes) + "".join(f" {one.example.flow} until {one.until}" for one in step.broken) for step in steps
    ]


@pytest.mark.parametrize(
    ("clashes", "steps"),
    [
        ([], ["abcdef"]),
        ([("a", "b")], ["bcdef", "a"]),
        ([("a", "b"), ("b", "c")], ["cdef", "b", "a"]),
        ([("ab", "c")], ["acdef", "b"]),
        ([("a", "bc")], ["bcdef", "a"]),
        ([("ab", "cd"), ("c", "a")], ["adef", "bc"]),
        ([("ab", "c"), ("ac", "b")], ["b", "cdef", "a"]),
        ([("a", "b"), ("b", "a")], ["cdef", "a web until 3", "b"]),
    ],
    ids=[
        "free",
        "one after another",
        "chain",
        "both at once",
        "either first",
        "three",
        "back from a dead end",
        "circle",
    ],
)
def test_the_steps(clashes: list[tuple[str, str]], steps: list[str]) -> None:
    assert order(*(clash(*one) for one in clashes)) == steps


def test_where_no_order_is_free_the_fewest_flows_break() -> None:
    circle = [clash("a", "b", "web"), clash("a", "b", "mail"), clash("b", "a", "time")]

    assert order(*circle, units="ab") == ["b time until 2", "a"]


def test_machines_of_a_unit_that_break_each_other_break_whatever_comes_first() -> None:
    steps = arrange([frozenset("ab"), frozenset("c")], [clash("a", "b")])

    assert [(step.nodes, [one.until for one in step.broken]) for step in steps] == [(("c",), []), (("a", "b"), [2])]


def test_machines_that_are_kept_apart_go_one_after_another() -> None:
    steps = arrange([frozenset({name}) for name in "abcd"], [], [frozenset("abc")])

    assert ["".join(step.nodes) for step in steps] == ["ad", "b", "c"]


def test_what_holds_of_one_machine_of_a_unit_holds_of_all() -> None:
    steps = arrange([frozenset("ab"), frozenset("c")], [clash("a", "c")])

    assert [step.nodes for step in steps] == [("c",), ("a", "b")]
