"""The command `netwright diff`."""

import sys

import click

from netwright.commands.comparing import compare_visibly, exit_status
from netwright.commands.options import format_option, out_option, quiet_option, topology_argument
from netwright.commands.printing import print_findings, print_json, print_text
from netwright.commands.summary import diff_json
from netwright.text.report import has_colours
from netwright.write import render_diff_markdown, render_diff_text


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
    comparison = compare_visibly(topology, out, quiet=quiet or format_ == "json", keep_bytes=True)
    if format_ == "json":
        print_json(diff_json(comparison))
        sys.exit(exit_status(comparison))
    print_findings(comparison.report, quiet=quiet)
    if not comparison.report.errors and not quiet:
        if format_ == "markdown":
            print_text(render_diff_markdown(comparison))
        else:
            print_text(render_diff_text(comparison, colour=has_colours(sys.stdout)))
    sys.exit(exit_status(comparison))
