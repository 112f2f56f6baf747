"""Measured ratios beside their goals, as Markdown and as JSON."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, to_builtins

from benchmarks.measure import Usage

Clock = Literal["wall", "cpu"]


class Figure(Struct, frozen=True, kw_only=True):
    """One row: some work, what it is measured against, the ratio that is judged, and its goal.

    Memory is judged in MiB, by no reference. `wall` and `cpu` are both ratios, `clock` is the one that is judged.
    """

    work: str
    reference: str
    value: float
    goal: float
    unit: Literal["x", "MiB"] = "x"
    clock: Clock | None = None
    wall: float | None = None
    cpu: float | None = None
    seconds: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.value <= self.goal


def ratio(
    work: str, reference: str, usages: tuple[Usage, Usage], *, goal: float, clock: Clock, note: str = ""
) -> Figure:
    """The figure of some work's usage beside its reference's."""
    own, other = usages
    wall, cpu = own.wall / other.wall, own.cpu / max(other.cpu, 1e-9)
    return Figure(
        work=work,
        reference=reference,
        value=wall if clock == "wall" else cpu,
        goal=goal,
        clock=clock,
        wall=wall,
        cpu=cpu,
        seconds=own.wall if clock == "wall" else own.cpu,
        note=note,
    )


def render_markdown(figures: Sequence[Figure]) -> str:
    """The figures as a table; the judged ratio is bold."""
    lines = ["| work | against | wall | CPU | took | goal | |", "|---|---|--:|--:|--:|--:|---|"]
    for figure in figures:
        remark = ", ".join(filter(None, ("" if figure.is_met else "missed", figure.note)))
        wall, cpu = (_cell(figure, clock) for clock in ("wall", "cpu"))
        if figure.clock is None:
            cpu = f"**{_number(figure.value, figure.unit)}**"
        took = _duration(figure.seconds) if figure.seconds is not None else ""
        goal = _number(figure.goal, figure.unit)
        lines.append(f"| {figure.work} | {figure.reference} | {wall} | {cpu} | {took} | {goal} | {remark} |")
    return "\n".join(lines) + "\n"


def _cell(figure: Figure, clock: str) -> str:
    value = figure.wall if clock == "wall" else figure.cpu
    if value is None:
        return ""
    return f"**{_number(value, 'x')}**" if figure.clock == clock else _number(value, "x")


def _number(value: float, unit: str) -> str:
    if unit == "MiB":
        return f"{value:.0f} MiB"
    return f"{value:.1f}x" if value >= 9.95 else f"{value:.2f}x"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def render_json(figures: Sequence[Figure]) -> str:
    """The figures and the machine they were measured on, as a JSON object."""
    rows = [{**to_builtins(figure), "is_met": figure.is_met} for figure in figures]
    return json.dumps({"machine": describe_machine(), "figures": rows}, indent=2) + "\n"


def describe_machine() -> str:
    """What the figures were measured on, in one line."""
    processors = len(os.sched_getaffinity(0))
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{platform.system()} {platform.machine()}, {processors} processors, Python {version}"
