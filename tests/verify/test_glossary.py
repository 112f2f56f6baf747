"""docs/concepts.md explains every word that a finding begins with."""

import re

from netwright.verify.values.outcome import Fault, Outcome
from tests.netwright import PROJECT


def test_every_kind_of_finding_is_in_the_glossary() -> None:
    page = (PROJECT / "docs/concepts.md").read_text(encoding="utf-8")

    words = re.findall(r"^\| `([A-Z_]+)` \| ", page, re.MULTILINE)

    assert sorted(words) == sorted([*Outcome, *Fault])
