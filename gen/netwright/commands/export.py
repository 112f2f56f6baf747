"""The command `netwright export`."""

import sys
from collections.abc import Callable
from contextlib import closing

import click

from netwright.commands.options import BAD_INPUT, topology_argument
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import print_findings, print_text
from netwright.export import (
    render_ansible,
    render_coredns,
    render_dnsmasq,
    render_hosts,
    render_json,
    render_tfvars,
)
from netwright.topology.resolved import ResolvedTopology

FORMATS: dict[str, Callable[[ResolvedTopology], str]] = {
    "json": render_json,
    "hosts": render_hosts,
    "dnsmasq": render_dnsmasq,
    "coredns": render_coredns,
    "ansible": render_ansible,
    "tfvars": render_tfvars,
}


@click.command()
@topology_argument
@click.option("--format", "format_", type=click.Choice([*FORMATS]), default="json", show_default=True, help="For whom.")
def export(topology: str, *, format_: str) -> None:
    """Print nodes, networks, addresses and port forwards of TOPOLOGY for other programs.

    hosts, dnsmasq and coredns list names and addresses. json has everything with
    defaults and groups worked out; tfvars is that as variables of Terraform's,
    for a file NAME.auto.tfvars.json; ansible is an inventory with the groups.

    \b
    Examples:
      netwright export --format hosts
      netwright export --format tfvars > cluster.auto.tfvars.json
    """
    production, report = prepare_visibly(topology, quiet=True)
    print_findings(report, quiet=True)
    if production is None:
        sys.exit(BAD_INPUT)
    with closing(production):
        print_text(FORMATS[format_](production.resolved))
