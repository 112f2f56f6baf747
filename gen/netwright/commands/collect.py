"""The command `netwright collect`."""

import contextlib
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import click

from netwright.commands.collecting import ask, choose_nodes, choose_ssh, ssh_options
from netwright.commands.ending import ended_by_signals
from netwright.commands.options import BAD_INPUT, DIFFERENT, FINE, out_option, topology_argument
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import fail, print_findings, print_lines, print_text
from netwright.files.whole_file import write_whole_bytes
from netwright.live.remote import Answer
from netwright.live.script import collecting_script, further_files
from netwright.live.wanted import read_wanted
from netwright.text.counting import count
from netwright.text.report import printable
from netwright.verify.reading.record import SUFFIX


@click.command()
@topology_argument
@out_option
@click.option("--ssh", "directory", metavar="DIR", type=click.Path(), help="Run it over ssh; write DIR/NODE.facts.")
@click.option("--node", "names", metavar="NAME", multiple=True, help="Ask this node only; may be given again.")
@ssh_options
def collect(
    topology: str,
    out: str,
    *,
    directory: str | None,
    names: tuple[str, ...],
    ssh_config: str | None,
    ssh_more: tuple[str, ...],
    parallel: int,
) -> None:
    """Print the shell script that collects what a machine has, or run it on all over ssh.

    The script reads and never writes: addresses, routes, rules, sysctls, nft's
    rules, digests of files, states of units. What only root may read it asks by
    sudo -n. Its output is the record of the machine, for status and verify --live.

    \b
    Examples:
      netwright collect > collect.sh && sh collect.sh > worker1.facts
      netwright collect --ssh live/

    Exit status: 0 all were collected, 1 not all, 2 bad input.
    """
    if directory is None:
        if names:
            raise click.UsageError("--node goes with --ssh; the script is the same for every node")
        written = sorted(path.parent.name for path in Path(out).glob("*/manifest.json"))
        print_text(collecting_script(further_files(read_wanted(Path(out), node) for node in written)))
        return
    production, report = prepare_visibly(topology, quiet=False)
    print_findings(report, quiet=True)
    if production is None:
        sys.exit(BAD_INPUT)
    with closing(production), ended_by_signals():
        nodes = choose_nodes(production, names)
        wanted = [read_wanted(Path(out), node) for node in nodes]
        answers = ask(production, nodes, wanted, choose_ssh(ssh_config, ssh_more, parallel), quiet=False)
    sys.exit(FINE if _keep(directory, answers) else DIFFERENT)


def _keep(directory: str, answers: Mapping[str, Answer]) -> bool:
    """Write the records and return whether there are all. An old record of a machine that gives none now is removed."""
    try:
        os.makedirs(directory, exist_ok=True)
        for node, answer in answers.items():
            path = f"{directory}/{node}{SUFFIX}"
            if answer.record is not None:
                write_whole_bytes(path, answer.record)
                continue
            print_lines(f"{node}: {printable(answer.problem or '')}\n", to_stderr=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    except OSError as error:
        fail(f"{error.filename or directory}: can't be written: {error.strerror}")
    collected = sum(answer.record is not None for answer in answers.values())
    print_text(f"{printable(directory)}: {count(collected, 'record')} of {count(len(answers), 'node')}\n")
    return collected == len(answers)
