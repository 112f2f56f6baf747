"""A rollout as Markdown, for a comment on a change."""

import html
import re
from collections.abc import Iterator, Sequence

from netwright.rollout.printing import (
    NOTHING,
    break_sentence,
    detail_lines,
    fold,
    headline,
    machines_of,
    names,
    order_sentence,
    sums,
)
from netwright.rollout.values import MachinePlan, Rollout
from netwright.text.report import printable

DETAILS_LIMIT = 12_000
"""Characters of the machines' details; what is more is left to `netwright plan`."""

MOST_ROWS, MOST_NAMES, MOST_BROKEN = 100, 20, 20
"""Rows of the table, names in one of them, and broken flows; what is more is counted."""


def render_markdown(rollout: Rollout) -> str:
    """A table of the machines in their order, what breaks, and the files and commands of each folded up."""
    if not rollout.machines:
        return f"{NOTHING}\n"
    lines = [f"### {headline(rollout)}", ""]
    if rollout.steps is not None:
        lines += [order_sentence(rollout), ""]
    rows, broken = [*_rows(rollout)], [*_broken(rollout)]
    lines += ["| step | machines | |", "|---|---|---|", *rows[:MOST_ROWS]]
    lines += [f"| | {len(rows) - MOST_ROWS} rows more | |"] if len(rows) > MOST_ROWS else []
    more = [f"and {len(broken) - MOST_BROKEN} more"] if len(broken) > MOST_BROKEN else []
    lines += ["", *_fenced([*broken[:MOST_BROKEN], *more])] if broken else []
    text = "".join(f"{line}\n" for line in lines)
    return text + _details(fold(rollout.machines))


def _rows(rollout: Rollout) -> Iterator[str]:
    groups = [machines_of(rollout, step) for step in rollout.steps] if rollout.steps is not None else [rollout.machines]
    for number, machines in enumerate(groups, start=1):
        for alike in fold(machines):
            step = number if rollout.steps is not None else ""
            yield f"| {step} | {_code(names(alike, MOST_NAMES))} | {_plain(sums(alike))} |"


def _broken(rollout: Rollout) -> Iterator[str]:
    for number, step in enumerate(rollout.steps or (), start=1):
        yield from (f"{number}. {break_sentence(one, number)}" for one in step.broken)


def _details(groups: Sequence[tuple[MachinePlan, ...]]) -> str:
    text = ""
    for place, alike in enumerate(groups):
        lines = _fenced([*detail_lines(alike[0])])
        section = "\n".join(
            ["", f"<details><summary>{_code(names(alike, MOST_NAMES))}</summary>", "", *lines, "", "</details>", ""]
        )
        if len(text) + len(section) > DETAILS_LIMIT:
            return f"{text}\n... and {len(groups) - place} more; see `netwright plan`.\n"
        text += section
    return text


def _code(text: str) -> str:
    return f"<code>{_plain(text)}</code>"


def _plain(text: str) -> str:
    return html.escape(printable(text)).replace("|", "&#124;")


def _fenced(lines: Sequence[str]) -> list[str]:
    """The lines in a fence longer than any run of backticks in them, so that none can end it."""
    shown = [printable(line) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *shown, fence]
