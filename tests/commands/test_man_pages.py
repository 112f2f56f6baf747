"""Man pages: judged by mandoc, and complete."""

import re
import subprocess
from pathlib import Path

from netwright.commands.group import COMMANDS
from netwright.tools.man_pages import render_pages

PAGES = render_pages()


def shown(text: str) -> str:
    """Return a page as a reader sees it."""
    run = subprocess.run(["mandoc", "-T", "utf8"], input=text, capture_output=True, text=True, check=True)
    return re.sub(".\x08", "", run.stdout)  # bold and underlined signs are typed over


def test_every_command_has_a_page() -> None:
    assert {"netwright.1", *(f"netwright-{name}.1" for name in COMMANDS)} <= PAGES.keys()


def test_mandoc_warns_of_nothing(tmp_path: Path) -> None:
    for name, text in PAGES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    run = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *sorted(PAGES)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_options_and_examples_are_as_they_are_typed() -> None:
    page = shown(PAGES["netwright-butane.1"])

    assert "-d, --files-dir DIR" in page
    assert "  netwright butane --strict -d rootfs master1.bu > master1.ign" in page
    assert "NAME\n       netwright-butane - compile a Butane file of variant flatcar" in page
