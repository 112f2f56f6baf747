"""Records of machines for `collect` and `status`: which nodes are asked, and how ssh is told to."""

import os
from collections.abc import Callable, Sequence

import click
from msgspec import Struct

from netwright.commands.printing import fail, print_text
from netwright.live.gathering import ask_machines, foreign_records, read_records
from netwright.live.remote import AT_ONCE, Answer, SshError
from netwright.live.script import collecting_script, further_files
from netwright.live.wanted import Wanted
from netwright.parallel.progress import progress_bar
from netwright.production.production import Production
from netwright.text.counting import list_some
from netwright.text.report import printable
from netwright.topology.description import main_address

Command = Callable[..., None]
_MOST_NAMES = 6


class SshChoice(Struct, frozen=True, kw_only=True):
    """Words of ssh's command line, and how many machines are asked at once."""

    options: tuple[str, ...]
    at_once: int


def reaching_options(command: Command) -> Command:
    """Add the options by which ssh is told more than its own configuration says."""
    added = (
        click.option("--ssh-config", metavar="FILE", help="Configuration of ssh instead of ~/.ssh/config (ssh -F)."),
        click.option("--ssh-option", "ssh_more", metavar="KEY=VALUE", multiple=True, help="Setting of ssh (ssh -o)."),
    )
    for one in reversed(added):
        command = one(command)
    return command


def ssh_options(command: Command) -> Command:
    """Add the options of `reaching_options`, and how many machines are asked at once."""
    many = click.IntRange(1, 256)
    asked = click.option("--parallel", type=many, default=AT_ONCE, show_default=True, help="Machines asked at once.")
    return reaching_options(asked(command))


def choose_ssh(ssh_config: str | None, ssh_more: Sequence[str], parallel: int) -> SshChoice:
    """Return what the options of ssh ask for."""
    configuration = ("-F", ssh_config) if ssh_config is not None else ()
    return SshChoice(options=(*configuration, *(w for one in ssh_more for w in ("-o", one))), at_once=parallel)


def choose_nodes(production: Production, wanted: Sequence[str], word: str = "--node ") -> tuple[str, ...]:
    """Return the nodes by name, all that are managed without a name; exit where there is none of a name, which the
    command line has behind a word."""
    nodes = {node.name: node for node in production.resolved.topology.nodes}
    absent = [name for name in wanted if name not in nodes]
    if absent:
        fail(f"{word}{absent[0]}: the topology has no such node; it has {list_some([*nodes], _MOST_NAMES)}")
    return tuple(dict.fromkeys(wanted)) or tuple(name for name, node in nodes.items() if node.is_managed)


def ask(
    production: Production, nodes: Sequence[str], wanted: Sequence[Wanted], ssh: SshChoice, *, quiet: bool
) -> dict[str, Answer]:
    """Return the record of each node, over ssh; exit without ssh."""
    resolved = production.resolved
    script = collecting_script(further_files(wanted))
    addresses = {name: main_address(resolved, resolved.nodes[name]) for name in nodes}
    try:
        with progress_bar(len(nodes), quiet=quiet, what="machines") as advance:
            return ask_machines(addresses, script, options=ssh.options, at_once=ssh.at_once, advance=advance)
    except SshError as error:
        fail(str(error))


def bring(directory: str, nodes: Sequence[str]) -> dict[str, Answer]:
    """Return the records of a directory; exit where there is no directory. Names records that are of no node."""
    try:
        foreign = foreign_records(directory, nodes)
    except OSError as error:
        advice = "; netwright collect says how to fill it" if isinstance(error, FileNotFoundError) else ""
        fail(f"{directory}: can't be read: {os.strerror(error.errno or 0)}{advice}")
    for name in foreign:
        print_text(
            f"{printable(directory)}: warning: {printable(name)} is no node that is asked about\n", to_stderr=True
        )
    return read_records(directory, nodes)
