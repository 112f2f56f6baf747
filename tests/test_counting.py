"""Numbers with their nouns."""

import pytest

from gen.counting import count


@pytest.mark.parametrize(
    ("number", "wanted"), [(0, "0 classes"), (1, "1 class"), (2, "2 classes")], ids=["none", "one", "several"]
)
def test_noun_follows_its_number(number: int, wanted: str) -> None:
    assert count(number, "class", "classes") == wanted


def test_most_nouns_take_an_s() -> None:
    assert (count(1, "node"), count(2, "node")) == ("1 node", "2 nodes")
