"""The command `netwright check`."""

import sys

import click

from netwright.commands.comparing import compare_visibly, exit_status
from netwright.commands.options import format_option, out_option, quiet_option, topology_argument
from netwright.commands.printing import print_annotations, print_findings, print_json, print_lines
from netwright.commands.summary import comparison_json, comparison_text


@click.command()
@topology_argument
@out_option
@format_option("text", "json", "github")
@quiet_option
def check(topology: str, out: str, *, format_: str, quiet: bool) -> None:
    """Check that OUT is exactly what generate would write; for CI.

    \b
    Example:
      netwright check || { echo "run netwright generate"; exit 1; }
    """
    comparison = compare_visibly(topology, out, quiet=quiet or format_ != "text")
    if format_ == "json":
        print_json(comparison_json(comparison))
    else:
        show = print_annotations if format_ == "github" else print_findings
        show(comparison.report + comparison.findings, quiet=quiet)
        if not comparison.report.errors and not quiet:
            print_lines(comparison_text(comparison, out))
    sys.exit(exit_status(comparison))
