"""A rollout as text of 80 columns, and as a JSON document."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from netwright.rollout.values import BrokenFlow, FilePlan, Loss, MachinePlan, Rollout, Step
from netwright.text.counting import count, list_some
from netwright.text.envelope import render_envelope
from netwright.text.report import Report, printable

_WIDTH = 80

LOSSES = {
    Loss.NONE: "no connection drops",
    Loss.UNKNOWN: "what drops is not known",
    Loss.SHORT: "a short loss",
    Loss.GUESTS: "guests lose their link",
    Loss.REBOOT: "in effect after a reboot",
}
"""Losses in a report's words."""

NOTHING = "Nothing to do."


def render_text(rollout: Rollout) -> str:
    """The rollout for people: the machines in order with their worst loss, then each one's files and commands."""
    if not rollout.machines:
        return f"{NOTHING}\n"
    lines = [headline(rollout), "", *_summary(rollout)]
    for alike in fold(rollout.machines):
        lines += ["", *_wrapped(names(alike), "", "  "), *detail_lines(alike[0])]
    return "".join(f"{printable(line)}\n" for line in lines)


def headline(rollout: Rollout) -> str:
    """One line on how many machines change, and the worst that is lost."""
    worst = max((machine.loss for machine in rollout.machines), key=lambda loss: loss.rank)
    return f"{count(len(rollout.machines), 'machine')} to change since {rollout.state}; worst: {LOSSES[worst]}"


def fold(machines: Iterable[MachinePlan]) -> tuple[tuple[MachinePlan, ...], ...]:
    """The machines in groups of those that change alike, in the order of their first."""
    groups: dict[object, tuple[MachinePlan, ...]] = {}
    for machine in machines:
        key = _likeness(machine)
        groups[key] = (*groups.get(key, ()), machine)
    return tuple(groups.values())


def _likeness(machine: MachinePlan) -> object:
    files = ((_nameless(one, machine.node), one.file.sign, one.consequence) for one in machine.files)
    return machine.sign, tuple(files)


def _nameless(one: FilePlan, node: str) -> str:
    return one.file.path.removeprefix(f"{node}.")


def _summary(rollout: Rollout) -> Iterator[str]:
    """The machines with their losses, step by step where there are steps."""
    if rollout.steps is None:
        for alike in fold(rollout.machines):
            yield from _wrapped(f"{names(alike)}: {sums(alike)}", "  ", "    ")
        return
    yield from _wrapped(order_sentence(rollout), "", "")
    yield ""
    for number, step in enumerate(rollout.steps, start=1):
        first = f"{number}. "
        for alike in fold(machines_of(rollout, step)):
            yield from _wrapped(f"{names(alike)}: {sums(alike)}", first, " " * (len(first) + 2))
            first = " " * len(first)
        for broken in step.broken:
            yield from _wrapped(break_sentence(broken, number), first, " " * (len(first) + 2))


def order_sentence(rollout: Rollout) -> str:
    """What holds in the order of the steps."""
    steps = rollout.steps or ()
    together = " Machines of one step go in any order." if any(len(step.nodes) > 1 for step in steps) else ""
    together += "" if rollout.is_proved else " There are too many steps to prove each."
    broken = {one.example.flow for step in steps for one in step.broken}
    if broken:
        breaks = f"{count(len(broken), 'flow')} {'breaks' if len(broken) == 1 else 'break'}"
        return f"No order was found in which every flow goes on; in this one {breaks}.{together}"
    if not rollout.flows:
        return f"No flow holds for the same addresses before and after, so that none can break.{together}"
    return f"In this order no flow breaks that holds before and after ({count(rollout.flows, 'flow')}).{together}"


def machines_of(rollout: Rollout, step: Step) -> tuple[MachinePlan, ...]:
    """The machines of a step."""
    return tuple(machine for machine in rollout.machines if machine.node in step.nodes)


def break_sentence(broken: BrokenFlow, number: int) -> str:
    """What breaks in the step of that number, and for how long."""
    one = broken.example
    until = "while it is done" if broken.until == number else f"until step {broken.until} is done"
    return f"breaks {one.flow} {until}: {one.traffic} from {one.source} to {one.destination}: {one.verdict}"


def names(alike: Sequence[MachinePlan], most: int = sys.maxsize) -> str:
    """The names of machines that change alike, and whether they come or go."""
    signs = {"~": "", "+": "new: ", "-": "not any more: "}
    return signs[alike[0].sign] + list_some([*_ranges([machine.node for machine in alike])], most)


def _ranges(nodes: Sequence[str]) -> Iterator[str]:
    """Yield names, those of three and more that are numbered in a row as a range: worker1 to worker9."""
    for _, run in groupby(enumerate(nodes), key=lambda one: _place(one[1], one[0])):
        names_of_run = [name for _, name in run]
        if len(names_of_run) > _FEW:
            yield f"{names_of_run[0]} to {names_of_run[-1]}"
        else:
            yield from names_of_run


_FEW = 2


def _place(name: str, index: int) -> tuple[str, int]:
    """What names that are numbered in a row have in common, by their place in the list."""
    stem = name.rstrip("0123456789")
    number = name.removeprefix(stem)
    if not number or str(int(number)) != number:
        return name, 0
    return stem, int(number) - index


def sums(alike: tuple[MachinePlan, ...]) -> str:
    """The number of files and the loss of machines that change alike."""
    first = alike[0]
    each = " each" if len(alike) > 1 else ""
    loss = LOSSES[first.loss] + (f": {', '.join(first.guests)}" if first.guests else "")
    return f"{count(len(first.files), 'file')}{each}, {loss}" if first.sign == "~" else loss


def detail_lines(machine: MachinePlan) -> Iterator[str]:
    """The machine's files with their notes, and its commands."""
    for one in machine.files:
        yield f"  {one.file.sign} {one.file.path}"
        for note in one.consequence.notes:
            yield from _wrapped(note, "      ", "        ")
    if machine.commands:
        yield "  then:"
        yield from (f"      {command.text}" for command in machine.commands)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def render_json(rollout: Rollout, report: Report | None = None) -> str:
    """The rollout as a JSON object, with findings about the topology."""
    return render_envelope(rollout_object(rollout), report)


def rollout_object(rollout: Rollout) -> dict[str, Any]:
    """The rollout as plain data."""
    return {
        "state": rollout.state,
        "machines": [_machine_object(machine) for machine in rollout.machines],
        "steps": [_step_object(step) for step in rollout.steps] if rollout.steps is not None else None,
        "proved": rollout.is_proved,
        "flows": rollout.flows,
    }


def _machine_object(machine: MachinePlan) -> dict[str, Any]:
    changes = {"+": "added", "~": "changed", "-": "removed"}
    return {
        "node": machine.node,
        "change": changes[machine.sign],
        "loss": str(machine.loss),
        "guests": machine.guests,
        "files": [
            {
                "path": one.file.path,
                "change": changes[one.file.sign],
                "loss": str(one.consequence.loss),
                "in_effect": one.consequence.moment,
                "commands": [command.text for command in one.consequence.commands],
                "notes": one.consequence.notes,
            }
            for one in machine.files
        ],
        "commands": [
            {"command": command.text, "when": "before" if command.stage == 0 else "after"}
            for command in machine.commands
        ],
    }


def _step_object(step: Step) -> dict[str, Any]:
    return {
        "nodes": step.nodes,
        "breaks": [
            {
                "flow": one.example.flow,
                "from": one.example.source,
                "to": one.example.destination,
                "traffic": one.example.traffic,
                "verdict": one.example.verdict,
                "until_step": one.until,
            }
            for one in step.broken
        ],
    }
