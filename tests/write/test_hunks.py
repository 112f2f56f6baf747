"""Hunks are correct for any two texts, and small."""

import difflib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.write.hunks import unified_hunks

LINES = st.lists(st.sampled_from("abcdefghij"), max_size=40)


def apply(old: list[str], hunks: list[str]) -> list[str]:
    """Apply the hunks to a text; every context and removed line must be there."""
    new: list[str] = []
    at = 0
    for line in hunks:
        head = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line)
        if head:
            start = int(head[1]) - (head[2] != "0")
            new += old[at:start]
            at = start
            assert len(new) == int(head[3]) - (head[4] != "0")
        elif line[0] == "+":
            new.append(line[1:])
        else:
            assert old[at] == line[1:]
            new += [line[1:]] * (line[0] == " ")
            at += 1
    return new + old[at:]


@given(LINES, LINES)
def test_hunks_make_the_new_text_of_the_old(old: list[str], new: list[str]) -> None:
    hunks = list(unified_hunks(old, new))

    assert apply(old, hunks) == new
    assert (hunks == []) == (old == new)


@given(LINES, st.integers(0, 40), st.sampled_from("abxyz"))
def test_one_inserted_line_is_one_plus_line(old: list[str], place: int, line: str) -> None:
    new = [*old[:place], line, *old[place:]]

    hunks = list(unified_hunks(old, new))

    assert [shown for shown in hunks if shown[0] in "+-"] == [f"+{line}"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "a"),
        ("a", ""),
        ("abc", "abc"),
        ("abcdefgh", "abcXefgh"),
        ("abcdefghijklmnop", "XbcdefghijklmnoY"),
        ("a", "b"),
    ],
)
def test_hunks_look_as_those_of_diff_do(old: str, new: str) -> None:
    assert list(unified_hunks(old, new)) == list(difflib.unified_diff(old, new, lineterm=""))[2:]


def test_ten_thousand_lines_that_alternately_change_are_not_all_replaced() -> None:
    old = [f"route {number} via {'a' if number % 2 else 'b'}" for number in range(20_000)]
    new = [line.replace("via a", "via c") for line in old]

    hunks = list(unified_hunks(old, new))

    assert sum(line.startswith("+") for line in hunks) == 10_000
