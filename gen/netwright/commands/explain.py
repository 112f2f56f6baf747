"""The command `netwright explain`."""

import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import click

from netwright.commands.completing import complete_flow, complete_place
from netwright.commands.flow_choice import choose_flow
from netwright.commands.options import out_option
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import print_findings, print_json, print_lines
from netwright.explain.explanation import Explanation, describe_flow, explain_line, explanation_json
from netwright.explain.show import explanation_text, story_text
from netwright.explain.story import story_json, tell_story
from netwright.production.production import Production
from netwright.text.envelope import render_envelope
from netwright.text.report import Report


@click.command()
@click.argument("place", required=False, metavar="[FILE:LINE]", shell_complete=complete_place)
@click.option(
    "--flow",
    "flow_name",
    metavar="NAME",
    shell_complete=complete_flow,
    help="Explain a flow instead: its ways, and what it needs where.",
)
@click.option("-t", "--topology", default="topology.yaml", show_default=True, type=click.Path(readable=False))
@out_option
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(place: str | None, flow_name: str | None, *, topology: str, out: str, format_: str) -> None:
    """Explain why a line of OUT is there: the flows and topology lines it comes from, and what breaks without it.

    \b
    Examples:
      netwright explain out/kvm/libvirt/kube02.xml:14
      netwright explain --flow ingress-to-pods
    """
    if (place is None) == (flow_name is None):
        raise click.UsageError("name either a line as FILE:LINE, or a flow as --flow NAME")
    production, report = prepare_visibly(topology, quiet=False)
    if production is None:
        print_findings(report, quiet=True)
        sys.exit(2)
    with closing(production):
        answer = explain_line(production, out, place) if place is not None else _story(production, flow_name or "", out)
    if isinstance(answer, Report):
        print_findings(answer, quiet=True)
        sys.exit(2)
    if isinstance(answer, Explanation):
        summaries = {flow.name: describe_flow(flow) for flow in production.resolved.topology.flows}
        text = explanation_text(answer, production.source, summaries)
        data: Mapping[str, Any] = explanation_json(answer, production.source)
    else:
        text, data = answer
    if format_ == "json":
        print_json(render_envelope(data, report))
    else:
        print_lines(text)


def _story(production: Production, name: str, out: str) -> Report | tuple[str, Mapping[str, Any]]:
    flow = choose_flow(production, name)
    if isinstance(flow, Report):
        return flow
    story = tell_story(production, flow, out)
    return story_text(story), story_json(story)
