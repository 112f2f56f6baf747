"""The command `netwright graph`."""

import sys
from collections.abc import Callable, Mapping
from contextlib import closing

import click

from netwright.commands.completing import complete_flow
from netwright.commands.flow_choice import choose_flow
from netwright.commands.options import topology_argument
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import print_findings, print_text
from netwright.graph.d2 import render_d2
from netwright.graph.dot import render_dot
from netwright.graph.draw import draw
from netwright.graph.drawing import Drawing
from netwright.graph.layout import lay_out
from netwright.graph.mermaid import render_mermaid
from netwright.graph.save import save
from netwright.graph.svg import render_svg
from netwright.text.report import Report

FORMATS: Mapping[str, Callable[[Drawing], str]] = {
    "svg": lambda drawing: render_svg(lay_out(drawing)),
    "mermaid": render_mermaid,
    "dot": render_dot,
    "d2": render_d2,
}


@click.command()
@topology_argument
@click.option(
    "--flow", "flow_name", metavar="NAME", shell_complete=complete_flow, help="Show the way that a flow takes."
)
@click.option("--format", "format_", type=click.Choice([*FORMATS]), default="svg", show_default=True)
@click.option("-o", "--output", metavar="FILE", type=click.Path(readable=False), help="Where to write; else stdout.")
def graph(topology: str, *, flow_name: str | None, format_: str, output: str | None) -> None:
    """Draw TOPOLOGY: segments, nodes, their addresses, and a flow's way.

    \b
    Examples:
      netwright graph -o network.svg
      netwright graph --flow ingress-to-pods --format mermaid
      netwright graph --format dot -o network.dot
    """
    production, report = prepare_visibly(topology, quiet=False)
    if production is None:
        print_findings(report, quiet=True)
        sys.exit(2)
    with closing(production):
        flow = choose_flow(production, flow_name) if flow_name is not None else None
    if isinstance(flow, Report):
        print_findings(flow, quiet=True)
        sys.exit(2)
    drawing = draw(production.resolved, production.derivation.passages, flow)
    text = FORMATS[format_](drawing)
    if output is None or output == "-":
        print_text(text)
        return
    report = save(output, text)
    print_findings(report, quiet=True)
    sys.exit(2 if report.errors else 0)
