"""The command `netwright schema`."""

import click

from netwright.commands.group import COMMANDS
from netwright.commands.printing import print_text
from netwright.schema.topology_schema import published_output_schema, published_schema


@click.command()
@click.argument("command", required=False, type=click.Choice([*COMMANDS]), metavar="[COMMAND]")
def schema(command: str | None) -> None:
    """Print the JSON Schema of topology.yaml, or of what COMMAND prints with --format json.

    Editors and other validators take it; `netwright init` puts it next to the topology.

    \b
    Examples:
      netwright schema > topology.schema.json
      netwright schema verify
    """
    printed = published_schema() if command is None else published_output_schema(command)
    if printed is None:
        raise click.UsageError(f"{command} prints no JSON")
    print_text(printed)
