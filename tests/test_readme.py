"""README.md, the tutorial and the how-to guides show what really happens: tests/pages.py follows them."""

import re
from pathlib import Path

import pytest

from netwright.verify.values.outcome import Fault, Outcome
from tests.netwright import PROJECT
from tests.pages import PAGES, Reader, change, check_commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_happens(page: Path, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    real = Reader(tmp_path).follow(page)

    if pytestconfig.getoption("update"):
        page.write_text(real, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == real


def test_a_page_that_shows_something_else_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`a.txt`\n\n```text\none\ntwo\n```\n\n```console\n$ cat a.txt\none\n```\n")

    real = Reader(tmp_path).follow(page)

    assert real == page.read_text().replace("$ cat a.txt\none\n", "$ cat a.txt\none\ntwo\n")


def test_a_change_needs_the_lines_that_it_shows(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one\ntwo\n")

    with pytest.raises(AssertionError, match="stand 0 times"):
        change(file, " one\n-three\n+four\n")


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("netwright generate --fast\n", "--fast"),
        ("sudo netwright lab --boots\n", "--boots"),
        ("netwright prove\n", "no command prove"),
        ("netwright secrets | (\n", "[Ss]yntax error"),
    ],
)
def test_a_command_that_is_not_run_has_to_exist(script: str, wrong: str) -> None:
    with pytest.raises(AssertionError, match=wrong):
        check_commands(script)


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", (PROJECT / "README.md").read_text(encoding="utf-8"))

    assert links
    assert [link for link in links if not (PROJECT / link).exists()] == []


def test_every_page_of_docs_is_on_the_site() -> None:
    nav = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    pages = {str(page.relative_to(PROJECT / "docs")) for page in (PROJECT / "docs").rglob("*.md")}

    assert pages <= set(re.findall(r"[\w/.-]+\.md", nav)), "add the page to nav in mkdocs.yml"


def test_every_kind_of_finding_is_in_the_glossary() -> None:
    page = (PROJECT / "docs/concepts.md").read_text(encoding="utf-8")

    words = re.findall(r"^\| `([A-Z0-9_]+)` \| ", page, re.MULTILINE)

    assert sorted(words) == sorted([*Outcome, *Fault])
