"""The documents are a site without a broken link: what mkdocs warns of is an error."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.netwright import PROJECT

_CODE = re.compile(r"<(pre|code|script|style)\b.*?</\1>", re.DOTALL)
_UNREAD = re.compile(r"```|<p>[^<]*(?:<(?:em|strong|a)\b.*?>[^<]*)*\n(?:- |\d+\. |\|)")
"""Markdown that was not read as such: a fence, and a list or table that continues a paragraph."""


def build(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site), *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    run = build(tmp_path)

    assert run.returncode == 0, run.stderr
    assert [str(page) for page in tmp_path.rglob("*.html") if _UNREAD.search(_CODE.sub("", page.read_text()))] == []
    assert "reference-network.svg" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "search/search_index.json").stat().st_size > 100_000


@pytest.mark.parametrize("link", ["[x](missing.md)", "[x](verify.md#missing)", "[x](../missing.py)"])
def test_a_broken_link_is_an_error(tmp_path: Path, link: str) -> None:
    pages = tmp_path / "docs"
    pages.mkdir()
    (pages / "page.md").write_text(f"# Page\n\n{link}\n")
    (pages / "verify.md").write_text("# Verify\n")
    (tmp_path / "mkdocs.yml").write_text(
        f"INHERIT: {PROJECT}/mkdocs.yml\ndocs_dir: docs\nhooks: [{PROJECT}/gen/netwright/tools/site.py]\n"
        "nav: [index.md, page.md, verify.md, CONTRIBUTING.md, CHANGELOG.md, SECURITY.md]\n"
    )

    run = build(tmp_path / "site", "--config-file", str(tmp_path / "mkdocs.yml"))

    assert run.returncode == 1
    assert "page.md' contains a link" in run.stderr
