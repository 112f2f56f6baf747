"""What `apply` and `rollback` have in common: machines that are looked at, changes that are carried out and told."""

import sys
from collections.abc import Callable, Iterable, Mapping

import click
from msgspec import Struct

from netwright.apply.calling import Lines
from netwright.apply.look import MachineLook, read_look
from netwright.apply.printing import render_result
from netwright.apply.running import Result
from netwright.commands.collecting import SshChoice
from netwright.commands.printing import fail, print_lines
from netwright.live.gathering import NOT_COLLECTED
from netwright.live.remote import SshError, own_places
from netwright.parallel.progress import progress_bar
from netwright.production.production import Production
from netwright.topology.description import main_address
from netwright.verify.reading.record import RecordError

Command = Callable[..., None]


class Looks(Struct, frozen=True, kw_only=True):
    """What each machine has, and in words why nothing can be changed on others."""

    found: Mapping[str, MachineLook]
    problems: Mapping[str, str]


def changing_options(command: Command) -> Command:
    """Add the options of commands that change machines."""
    seconds, many = click.IntRange(5, 3600), click.IntRange(1, 256)
    added = (
        click.option("--yes", is_flag=True, help="Do it without asking."),
        click.option(
            "--confirm-within",
            "seconds",
            metavar="SECONDS",
            type=seconds,
            default=120,
            show_default=True,
            help="A machine undoes what is not confirmed by then.",
        ),
        click.option(
            "--parallel", type=many, default=1, show_default=True, help="Machines of one step changed at once."
        ),
    )
    for one in reversed(added):
        command = one(command)
    return command


def find_lines(production: Production, nodes: Iterable[str], ssh: SshChoice) -> Lines:
    """Return how the nodes are reached: by ssh's own configuration, or at the topology's addresses; exit where that
    can't be known."""
    resolved = production.resolved
    names = [*nodes]
    try:
        known = own_places(names, ssh.options)
    except SshError as error:
        fail(str(error))
    addresses = {name: None if name in known else main_address(resolved, resolved.nodes[name]) for name in names}
    return Lines(options=ssh.options, addresses=addresses)


def look_at_all(lines: Lines, scripts: Mapping[str, str], *, quiet: bool) -> Looks:
    """Return what the machines have; exit without ssh."""
    found: dict[str, MachineLook] = {}
    problems: dict[str, str] = {}
    try:
        with progress_bar(len(scripts), quiet=quiet, what="machines") as advance:
            for answer in lines.ask_all(scripts, advance=advance):
                look = _read(answer.record, answer.problem)
                if isinstance(look, str):
                    problems[answer.node] = look
                else:
                    found[answer.node] = look
    except SshError as error:
        fail(str(error))
    return Looks(
        found={node: found[node] for node in scripts if node in found},
        problems={node: problems[node] for node in scripts if node in problems},
    )


def _read(record: bytes | None, problem: str | None) -> MachineLook | str:
    if record is None:
        return problem or NOT_COLLECTED
    try:
        look = read_look(record)
    except RecordError as error:
        return f"what it answers {error}"
    if look.problem is not None:
        return look.problem
    if look.under_way:
        return f"a change of {look.who or 'somebody'} is under way there; it is undone in time unless it is confirmed"
    return look


def may_go_on(question: str, *, yes: bool, is_text: bool) -> bool:
    """Return whether it is to be done: as the option says, or as a person at the terminal answers."""
    if yes:
        return True
    return is_text and sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty() and _answers_yes(question)


def _answers_yes(question: str) -> bool:
    try:
        return click.confirm(question, default=False)
    except click.Abort:
        return False


def tell(results: Iterable[Result], *, is_text: bool, keep: Callable[[Result], None]) -> dict[str, Result]:
    """Return the results by node; tells and keeps each as it comes."""
    found = {}
    for result in results:
        found[result.node] = result
        keep(result)
        if is_text:
            print_lines(render_result(result))
    return found
