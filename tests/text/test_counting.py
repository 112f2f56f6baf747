"""Numbers with their nouns."""

import pytest

from netwright.text.counting import count, list_some


@pytest.mark.parametrize(
    ("number", "wanted"), [(0, "0 classes"), (1, "1 class"), (2, "2 classes")], ids=["none", "one", "several"]
)
def test_noun_follows_its_number(number: int, wanted: str) -> None:
    assert count(number, "class", "classes") == wanted


def test_most_nouns_take_an_s() -> None:
    assert (count(1, "node"), count(2, "node")) == ("1 node", "2 nodes")


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")],
    ids=["none", "one", "all", "too-many"],
)
def test_long_list_is_cut_short(texts: list[str], wanted: str) -> None:
    assert list_some(texts, 2) == wanted
