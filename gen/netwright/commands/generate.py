"""The command `netwright generate`."""

import sys
from contextlib import closing
from pathlib import Path

import click

from netwright.commands.options import BAD_INPUT, FINE, format_option, out_option, quiet_option, topology_argument
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import print_findings, print_json, print_lines
from netwright.commands.summary import outcome_json, outcome_text
from netwright.parallel.progress import progress_bar
from netwright.write import Changes
from netwright.write import generate as write


@click.command()
@topology_argument
@out_option
@click.option("--force", is_flag=True, help="Overwrite files in OUT that were edited by hand or are not ours.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, write nothing.")
@click.option("--in-place", is_flag=True, help="Rename file by file where OUT cannot be exchanged as a whole.")
@format_option("text", "json")
@quiet_option
def generate(topology: str, out: str, *, force: bool, dry_run: bool, in_place: bool, format_: str, quiet: bool) -> None:
    """Write OUT from TOPOLOGY.

    Only what changed is written, and all of it at once: an interrupted run leaves the old OUT. Files that netwright
    wrote and no longer wants are removed; files that were edited are not overwritten without --force.

    \b
    Example:
      netwright generate && git diff --stat out/
    """
    production, report = prepare_visibly(topology, quiet=quiet or format_ == "json")
    if production is not None and production.speaks_of_k3s():
        from netwright.verify_input.k3s import report_contradictions  # noqa: PLC0415 (the readers of the proof)

        report += report_contradictions(production)
    if production is None or report.errors:
        outcome = Changes(report=report, nodes=0)
        if production is not None:
            production.close()
    else:
        with (
            closing(production),
            progress_bar(len(production.nodes), quiet=quiet or format_ == "json") as advance,
        ):
            outcome = write(
                Path(out),
                production.nodes,
                production.build,
                fingerprint=production.fingerprint,
                force=force,
                dry_run=dry_run,
                in_place=in_place,
                progress=advance,
            )
        report += outcome.report
    if format_ == "json":
        print_json(outcome_json(outcome, report, dry_run=dry_run))
    else:
        print_findings(report, quiet=quiet)
        if not quiet and not report.errors:
            print_lines(outcome_text(outcome, out, report.warnings, dry_run=dry_run))
    sys.exit(BAD_INPUT if report.errors else FINE)
