"""The command `netwright schema`."""

import click

from netwright.commands.printing import print_text
from netwright.schema.topology_schema import published_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of topology.yaml.

    Editors and other validators take it; `netwright init` puts it next to the topology.

    \b
    Example:
      netwright schema > topology.schema.json
    """
    print_text(published_schema())
