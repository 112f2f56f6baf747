"""The command `netwright validate`."""

import sys

import click

from netwright.commands.options import (
    BAD_INPUT,
    FINE,
    format_option,
    quiet_option,
    refuse_repeated_input,
    topology_argument,
)
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import print_annotations, print_findings, print_json, print_lines
from netwright.commands.summary import validation_text
from netwright.text.envelope import render_envelope


@click.command()
@topology_argument
@format_option("text", "json", "github")
@quiet_option
@click.option("--against", metavar="FILE", type=click.Path(readable=False), help="Output of kubectl get nodes -o json.")
def validate(topology: str, *, format_: str, quiet: bool, against: str | None) -> None:
    """Check TOPOLOGY alone, without looking at OUT.

    With --against, nodes whose pod network or address is another one in the running cluster are errors; FILE (- for
    standard input) is what kubectl get nodes -o json prints.

    \b
    Examples:
      netwright validate topology.yaml --format json
      netwright validate --against nodes.json
    """
    if against is not None:
        refuse_repeated_input(topology, against)
    production, report = prepare_visibly(topology, quiet=quiet or format_ != "text")
    if production is not None and production.speaks_of_k3s():
        from netwright.verify_input.k3s import report_contradictions  # noqa: PLC0415 (the readers of the proof)

        report += report_contradictions(production)
    if production is not None and against is not None:
        from netwright.importing import report_differences  # noqa: PLC0415 (rarely needed)

        report += report_differences(production, against)
    if format_ == "json":
        print_json(render_envelope({}, report))
    elif format_ == "github":
        print_annotations(report, quiet=quiet)
    else:
        print_findings(report, quiet=quiet)
    if production is not None:
        production.close()
        if not quiet and format_ != "json" and not report.errors:
            print_lines(validation_text(production.source.name, len(production.nodes), report.warnings))
    sys.exit(BAD_INPUT if report.errors else FINE)
