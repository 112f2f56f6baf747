"""The command `netwright status`."""

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from netwright.commands.collecting import ask, bring, choose_nodes, choose_ssh, ssh_options
from netwright.commands.ending import ended_by_signals
from netwright.commands.options import BAD_INPUT, DIFFERENT, FINE, format_option, out_option
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import print_findings, print_json, print_lines
from netwright.commands.verify_request import Refusal, check_out
from netwright.live.judging import judge_all
from netwright.live.printing import render_json, render_table
from netwright.live.wanted import read_wanted


@click.command()
@click.argument("directory", required=False, metavar="[DIR]", type=click.Path(readable=False))
@click.option("--ssh", "over_ssh", is_flag=True, help="Ask the machines over ssh, instead of reading records in DIR.")
@click.option("-t", "--topology", default="topology.yaml", show_default=True, type=click.Path(readable=False))
@out_option
@click.option("--node", "names", metavar="NAME", multiple=True, help="This node only; may be given again.")
@click.option("--details", is_flag=True, help="List what differs, each once with its nodes.")
@format_option("text", "json")
@ssh_options
def status(
    directory: str | None,
    *,
    over_ssh: bool,
    topology: str,
    out: str,
    names: tuple[str, ...],
    details: bool,
    format_: str,
    ssh_config: str | None,
    ssh_more: tuple[str, ...],
    parallel: int,
) -> None:
    """Show which machine is not as OUT was reviewed: files, units, addresses, routes, rules, sysctls, nft.

    What the machines have comes over ssh, or from records NODE.facts in DIR that
    the script of netwright collect printed there. Nothing is changed anywhere.

    \b
    Examples:
      netwright status --ssh
      netwright status --ssh --node worker1 --details
      netwright status live/

    Exit status: 0 all are as reviewed, 1 not all or not known, 2 bad input.
    """
    if over_ssh == (directory is not None):
        raise click.UsageError("name a directory with records (netwright collect), or ask the machines by --ssh")
    production, report = prepare_visibly(topology, quiet=format_ == "json")
    print_findings(report, quiet=True)
    if production is None:
        sys.exit(BAD_INPUT)
    with closing(production), ended_by_signals():
        nodes = choose_nodes(production, names)
        _check_out(out, nodes)
        wanted = {node: read_wanted(Path(out), node) for node in nodes}
        if directory is None:
            ssh = choose_ssh(ssh_config, ssh_more, parallel)
            answers = ask(production, nodes, [*wanted.values()], ssh, quiet=format_ == "json")
        else:
            answers = bring(directory, nodes)
        statuses = tuple(judge_all(production, Path(out), wanted, answers))
    if format_ == "json":
        print_json(render_json(statuses, report))
    else:
        print_lines(render_table(statuses, details=details or bool(names)))
    sys.exit(FINE if all(one.is_as_reviewed for one in statuses) else DIFFERENT)


def _check_out(out: str, nodes: Sequence[str]) -> None:
    try:
        check_out(out, nodes)
    except Refusal as refusal:
        print_lines(f"{refusal}\n", to_stderr=True)
        sys.exit(BAD_INPUT)
