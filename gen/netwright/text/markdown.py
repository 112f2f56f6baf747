"""Pieces of Markdown with texts of others in them: none of these ends its piece, or names a person or an issue."""

import html
import re
from collections.abc import Sequence

from netwright.text.report import printable


def code(text: str, *, in_table: bool = False) -> str:
    """A code span, whose characters stand as they are (CommonMark 6.1); in a table `|` needs a backslash (GFM 4.10)."""
    shown = printable(text)
    if in_table:
        shown = shown.replace("|", "\\|")
    ticks = "`" * (_longest_run(shown) + 1) if "`" in shown else "`"
    pad = " " if shown[:1] in {"`", " "} or shown[-1:] in {"`", " "} else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}" if shown else ""


def fenced(lines: Sequence[str], kind: str = "") -> list[str]:
    """The lines in a fence longer than any run of backticks in them, so that none can end it."""
    shown = [printable(line) for line in lines]
    fence = "`" * max(3, _longest_run("\n".join(shown)) + 1)
    return [f"{fence}{kind}", *shown, fence]


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Lines that a reader opens; the summary is HTML, as code hosts read no Markdown in it."""
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"]


def summary_code(text: str) -> str:
    """Code in a summary."""
    return f"<code>{html.escape(printable(text), quote=False)}</code>"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
