"""A rollout as Markdown, for a comment on a change."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from msgspec.structs import replace

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
from netwright.text.markdown import code, fenced, folded, summary_code

ROWS_LIMIT = 12_000
"""Characters of the table's rows."""
DETAILS_LIMIT = 12_000
"""Characters of the machines' details; what is more is left to `netwright plan`."""

MOST_ROWS, MOST_NAMES, MOST_BROKEN = 100, 20, 20
"""Rows of the table, names in one of them, and broken flows; what is more is counted."""


def render_markdown(rollout: Rollout) -> str:
    """A table of the machines in their order, what breaks, and the files and commands of each folded up."""
    if not rollout.machines:
        return f"{NOTHING}\n"
    lines = [f"### {_headline(rollout)}", ""]
    if rollout.steps is not None:
        lines += [order_sentence(rollout), ""]
    rows, broken = [*_rows(rollout)], [*_broken(rollout)]
    shown = rows[: _fitting(rows[:MOST_ROWS])]
    lines += ["| step | machines | |", "|---|---|---|", *shown]
    lines += [f"| | {len(rows) - len(shown)} rows more | |"] if len(rows) > len(shown) else []
    more = [f"and {len(broken) - MOST_BROKEN} more"] if len(broken) > MOST_BROKEN else []
    lines += ["", *fenced([*broken[:MOST_BROKEN], *more], "text")] if broken else []
    text = "".join(f"{line}\n" for line in lines)
    return text + _details(fold(rollout.machines))


def _headline(rollout: Rollout) -> str:
    return headline(replace(rollout, state=code(rollout.state)))


def _fitting(rows: Sequence[str]) -> int:
    """Return the number of rows that have ROWS_LIMIT characters together."""
    return sum(length <= ROWS_LIMIT for length in accumulate(map(len, rows)))


def _rows(rollout: Rollout) -> Iterator[str]:
    groups = [machines_of(rollout, step) for step in rollout.steps] if rollout.steps is not None else [rollout.machines]
    for number, machines in enumerate(groups, start=1):
        for alike in fold(machines):
            step = number if rollout.steps is not None else ""
            yield f"| {step} | {code(names(alike, MOST_NAMES), in_table=True)} | {sums(alike)} |"


def _broken(rollout: Rollout) -> Iterator[str]:
    for number, step in enumerate(rollout.steps or (), start=1):
        yield from (f"{number}. {break_sentence(one, number)}" for one in step.broken)


def _details(groups: Sequence[tuple[MachinePlan, ...]]) -> str:
    text = ""
    for place, alike in enumerate(groups):
        lines = fenced([*detail_lines(alike[0])], "text")
        section = "\n".join(["", *folded(summary_code(names(alike, MOST_NAMES)), lines), ""])
        if len(text) + len(section) > DETAILS_LIMIT:
            return f"{text}\n... and {len(groups) - place} more; see `netwright plan`.\n"
        text += section
    return text
