"""The command `netwright diff`."""

import sys
from pathlib import Path

import click

from netwright.commands.comparing import comparing, exit_status
from netwright.commands.ending import ended_by_signals
from netwright.commands.options import format_option, out_option, quiet_option, topology_argument
from netwright.commands.printing import print_findings, print_json, print_text
from netwright.commands.summary import diff_json
from netwright.production.production import Production
from netwright.rollout.markdown import render_markdown
from netwright.rollout.rollout import plan_rollout
from netwright.text.report import has_colours
from netwright.write import Differences, render_diff_markdown, render_diff_text
from netwright.write.rendering import COMMENT_LIMIT


@click.command()
@topology_argument
@out_option
@format_option("text", "markdown", "json")
@quiet_option
def diff(topology: str, out: str, *, format_: str, quiet: bool) -> None:
    """Show what generate would change in OUT, node by node.

    \b
    Example:
      netwright diff --format markdown > comment.md
    """
    quietly = quiet or format_ == "json"
    with ended_by_signals(), comparing(topology, out, quiet=quietly, keep_bytes=True) as (production, comparison):
        plan = _plan(production, comparison, out) if format_ == "markdown" and not quiet else ""
    if format_ == "json":
        print_json(diff_json(comparison))
        sys.exit(exit_status(comparison))
    print_findings(comparison.report, quiet=quiet)
    if not comparison.report.errors and not quiet:
        if format_ == "markdown":
            print_text(plan + render_diff_markdown(comparison, limit=COMMENT_LIMIT - len(plan)))
        else:
            print_text(render_diff_text(comparison, colour=has_colours(sys.stdout)))
    sys.exit(exit_status(comparison))


def _plan(production: Production | None, comparison: Differences, out: str) -> str:
    """What follows from the differences on the machines; nothing where none does, or OUT is not there yet."""
    if production is None or comparison.report.errors or not comparison.exists:
        return ""
    rollout = plan_rollout(production, comparison, Path(out), out)
    return f"{render_markdown(rollout)}\n" if rollout.machines else ""
