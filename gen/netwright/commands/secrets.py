"""The command `netwright secrets`."""

import sys
from contextlib import closing

import click
from msgspec import to_builtins

from netwright.commands.options import BAD_INPUT, FINE, format_option, topology_argument
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import print_findings, print_json, print_lines
from netwright.production.secrets import PlacedSecret, find_secrets
from netwright.text.envelope import render_envelope


@click.command()
@topology_argument
@format_option("text", "json")
def secrets(topology: str, *, format_: str) -> None:
    """List the values that are to be filled in at provisioning.

    They are those that snippets ask for by secret("NAME"): each name, the node,
    and the file below OUT with the line where ${NAME} stands.

    \b
    Examples:
      netwright secrets
      netwright secrets --format json
    """
    production, report = prepare_visibly(topology, quiet=True)
    print_findings(report, quiet=True)
    if production is None:
        sys.exit(BAD_INPUT)
    with closing(production):
        places, report = find_secrets(production)
    print_findings(report, quiet=True)
    if format_ == "json":
        print_json(render_envelope({"secrets": [to_builtins(place) for place in places]}, report))
    else:
        print_lines("".join(map(_shown, places)))
    sys.exit(BAD_INPUT if report.errors else FINE)


def _shown(place: PlacedSecret) -> str:
    return f"{place.name}  {place.node}  {place.file}:{place.line}\n"
