"""docs/architecture.md and CONTRIBUTING.md name files that are there, and what is in them."""

import re

import pytest

from tests.netwright import PROJECT

PAGES = ("docs/architecture.md", "CONTRIBUTING.md")
NAMED = re.compile(r"`([\w./-]+/[\w.-]+\.(?:py|j2|yaml|sh|md))(?:: (\w+)[\w.]*)?`(?: \(`(\w+)`)?")
"""A path, and what the page says is in it: `PATH: NAME`, or `PATH` (`NAME`)."""
FOLDERS = ("", "gen/netwright", "gen/netwright/verify", "gen/netwright/verify/reading")
"""Folders from which the pages count paths."""


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_for_developers_names_is_there(page: str) -> None:
    wrong = []
    for path, *names in NAMED.findall((PROJECT / page).read_text(encoding="utf-8")):
        files = [file for folder in FOLDERS if (file := PROJECT / folder / path).exists()]
        text = files[0].read_text(encoding="utf-8") if files else ""
        missing = [name for name in names if not re.search(rf"\b{name}\b", text)]
        if not re.search(r"[A-Z]{4}", path) and (not files or missing):
            wrong.append((path, *missing))

    assert not wrong
