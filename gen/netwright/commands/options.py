"""Arguments and options that several commands have, and the exit statuses."""

from collections.abc import Callable

import click

from netwright.text.standard_input import STANDARD_INPUT

FINE, DIFFERENT, BAD_INPUT = 0, 1, 2
"""Exit statuses of every command; 70 and 130 are set where a run ends unforeseen."""

Command = Callable[..., None]


def topology_argument(command: Command) -> Command:
    """Add the argument TOPOLOGY, topology.yaml by default."""
    return click.argument("topology", default="topology.yaml", type=click.Path(readable=False))(command)


def out_option(command: Command) -> Command:
    """Add the option --out."""
    path = click.Path(readable=False)  # our own message names what can't be read
    return click.option("-o", "--out", default="out", show_default=True, type=path, help="The directory.")(command)


def format_option(*formats: str) -> Callable[[Command], Command]:
    """Return what adds the option --format with these values, the first by default."""
    return click.option(
        "--format", "format_", type=click.Choice(formats), default=formats[0], show_default=True, help="How to print."
    )


def quiet_option(command: Command) -> Command:
    """Add the option --quiet."""
    return click.option("-q", "--quiet", is_flag=True, help="Print errors only.")(command)


def refuse_repeated_input(*files: str) -> None:
    """Raise UsageError where several files are to come from standard input."""
    if files.count(STANDARD_INPUT) > 1:
        raise click.UsageError(f"{STANDARD_INPUT} is standard input, which can stand for one file only")
