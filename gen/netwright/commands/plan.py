"""The command `netwright plan`."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from netwright.commands.comparing import compare_production
from netwright.commands.ending import ended_by_signals
from netwright.commands.options import (
    BAD_INPUT,
    DIFFERENT,
    FINE,
    format_option,
    out_option,
    quiet_option,
    topology_argument,
)
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import print_findings, print_json, print_lines, print_text
from netwright.compare.revision import Past, RevisionError, open_past
from netwright.production.production import Production
from netwright.rollout.markdown import render_markdown
from netwright.rollout.printing import render_json, render_text
from netwright.rollout.rollout import plan_rollout
from netwright.rollout.values import Rollout
from netwright.text.report import printable


@click.command()
@topology_argument
@out_option
@click.option("--against", metavar="REV|DIR/", help="What machines have: a git revision, or another OUT.")
@format_option("text", "json", "markdown")
@quiet_option
def plan(topology: str, out: str, *, against: str | None, format_: str, quiet: bool) -> None:
    """Show what applying TOPOLOGY means, machine by machine, before anything happens.

    What the topology generates now is compared with OUT, as diff does, or with
    --against. For each machine: the files that change, the commands that put
    them into effect, and which connections drop.

    \b
    Examples:
      netwright plan
      netwright plan --format markdown > comment.md

    Exit status: 0 nothing to do, 1 machines are to change, 2 bad input.
    """
    if against == "":
        raise click.UsageError("--against names nothing; name a directory or a git revision")
    with ended_by_signals():
        production, report = prepare_visibly(topology, quiet=quiet or format_ == "json")
        print_findings(report, quiet=True)
        if production is None:
            sys.exit(BAD_INPUT)
        with closing(production), _before(against, out, topology) as past:
            rollout = _plan(production, past, out, against, quiet=quiet or format_ == "json")
    if not quiet:
        if format_ == "json":
            print_json(render_json(rollout, report))
        else:
            print_text(FORMATS[format_](rollout))
    sys.exit(DIFFERENT if rollout.machines else FINE)


FORMATS = {"text": render_text, "markdown": render_markdown}


@contextmanager
def _before(against: str | None, out: str, topology: str) -> Iterator[Past]:
    """The state that machines have; exit where it can't be read."""
    if against is None:
        yield Past(out=Path(out), resolved=None, topology=None, flows_unknown=False)
        return
    try:
        with open_past(against, out, topology) as past:
            yield past
    except RevisionError as error:
        print_lines(f"{printable(against)}: error: {printable(str(error))}\n", to_stderr=True)
        sys.exit(BAD_INPUT)


def _plan(production: Production, past: Past, out: str, against: str | None, *, quiet: bool) -> Rollout:
    """The rollout; exit where OUT can't be read, or a node can't be built."""
    comparison = compare_production(production, past.out, quiet=quiet, known=against is None)
    print_findings(comparison.report, quiet=True)
    if comparison.report.errors:
        sys.exit(BAD_INPUT)
    return plan_rollout(production, comparison, past.out, against or out, past.resolved)
