"""The command `netwright rollback`."""

import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial

import click

from netwright.apply.calling import Lines
from netwright.apply.look import Applied
from netwright.apply.printing import render_closing, render_json
from netwright.apply.running import Course, Result, carry_out
from netwright.apply.script import look_script, rollback_script
from netwright.apply.steps import new_identity, outcomes, run_steps, who_asks
from netwright.commands.applying import changing_options, find_lines, look_at_all, may_go_on, tell
from netwright.commands.collecting import choose_nodes, choose_ssh, reaching_options
from netwright.commands.ending import ended_by_signals
from netwright.commands.options import BAD_INPUT, DIFFERENT, FINE, format_option
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import fail, print_findings, print_json, print_lines
from netwright.text.report import printable


@click.command()
@click.argument("names", nargs=-1, metavar="[NODE]...")
@click.option("-t", "--topology", default="topology.yaml", show_default=True, type=click.Path(readable=False))
@changing_options
@format_option("text", "json")
@reaching_options
def rollback(
    names: tuple[str, ...],
    *,
    topology: str,
    yes: bool,
    seconds: int,
    parallel: int,
    format_: str,
    ssh_config: str | None,
    ssh_more: tuple[str, ...],
) -> None:
    """Undo the last apply on machines (all, or each NODE), over ssh.

    Each brings back the files that it kept, with mode and owner, and puts them
    into effect; by the same means as apply, so that nothing is cut off for good.

    \b
    Examples:
      netwright rollback worker1
      netwright rollback --yes

    Exit status: 0 it is undone, or there is nothing to undo, 1 not on all, 2 bad input.
    """
    production, report = prepare_visibly(topology, quiet=format_ == "json")
    print_findings(report, quiet=True)
    if production is None:
        sys.exit(BAD_INPUT)
    is_text = format_ == "text"
    with closing(production), ended_by_signals():
        nodes = choose_nodes(production, names, "")
        for node in nodes:
            if not production.resolved.nodes[node].is_managed:
                fail(f"{node}: a person configures it, and nothing was applied there; name other nodes")
        lines = find_lines(production, nodes, choose_ssh(ssh_config, ssh_more, parallel))
        looks = look_at_all(lines, {node: look_script({}) for node in nodes}, quiet=not is_text)
        last = {node: one.applied for node, one in looks.found.items() if one.applied and not one.applied.is_rollback}
        for node, problem in looks.problems.items():
            print_lines(f"{node}: {printable(problem)}\n", to_stderr=True)
        if is_text:
            print_lines(_shown(last))
        results: dict[str, Result] = {}
        if last and may_go_on("Undo it?", yes=yes, is_text=is_text):
            work = partial(_work, last, lines, seconds)
            results = tell(run_steps([[*last]], work, parallel), is_text=is_text, keep=_forget)
    failed = {node: Result(node=node, outcome="untouched", why=why) for node, why in looks.problems.items()}
    found = outcomes([*last, *failed], {**results, **failed})
    if not is_text:
        print_json(render_json({"version": 1}, found, {**results, **failed}))
    elif results:
        print_lines(render_closing(found, ""))
    elif last:
        print_lines("\nNothing was undone; --yes undoes it.\n")
    sys.exit(FINE if all(outcome == "applied" for outcome in found.values()) else DIFFERENT)


def _work(last: Mapping[str, Applied], lines: Lines, seconds: int, node: str) -> Result:
    identity = new_identity()
    course = Course(
        node=node,
        script=rollback_script(last[node].identity, identity, seconds, who_asks()),
        identity=identity,
        seconds=seconds,
        fault=lambda: None,
    )
    return carry_out(course, lines)


def _forget(_result: Result) -> None:
    """Nothing is to be resumed: a rollback looks at what there is."""


def _shown(last: Mapping[str, Applied]) -> str:
    """What would be undone, machine by machine."""
    if not last:
        return "Nothing to undo: the last change there is no apply.\n"
    lines = []
    for node, one in last.items():
        lines += [f"{node}: the apply of {one.who or 'somebody'}"]
        lines += [f"  {sign} {path}" for sign, path in one.brought_back]
        lines += ["  then:", *(f"      {command}" for command in one.commands)] if one.commands else []
    return "".join(f"{printable(line)}\n" for line in lines)
