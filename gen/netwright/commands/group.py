"""The commands of netwright as a group: in which order they are listed, and which are loaded only when asked for."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module

import click

from netwright.text.standard_input import STANDARD_INPUT

INTERRUPTED = 130
"""128 and SIGINT's number, as shells have it."""

ORDER = (
    *("init", "generate", "validate", "diff", "check", "verify", "lab", "explain", "graph", "butane"),
    *("schema", "completion"),
)
"""The commands in the order in which a person meets them."""

LAZY_COMMANDS: Mapping[str, str] = {
    "init": "netwright.commands.init",
    "verify": "netwright.commands.verify",
    "lab": "netwright.commands.lab",
    "explain": "netwright.commands.explain",
    "graph": "netwright.commands.graph",
    "butane": "netwright.commands.butane",
}
"""Commands that live in modules of their own, imported when they are asked for."""

SUMMARIES: Mapping[str, str] = {
    "init": "Write a starter TOPOLOGY, or a draft of a cluster.",
    "verify": "Prove from the files that every flow works.",
    "lab": "Build the network in this kernel and send every flow.",
    "explain": "Say why a line of OUT is there, or what a flow needs.",
    "graph": "Draw the topology, and the way that a flow takes.",
    "butane": "Compile a Butane file to Ignition.",
}
"""The one-line help of each lazy command: importing the commands to ask them would take ten times as long."""


def refuse_repeated_input(*files: str) -> None:
    """Raises UsageError where several files are to come from standard input."""
    if files.count(STANDARD_INPUT) > 1:
        raise click.UsageError(f"{STANDARD_INPUT} is standard input, which can stand for one file only")


class NetwrightGroup(click.Group):
    """The commands in their order, some of them loaded late."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names of all commands, for --help and completion."""
        return sorted((*self.commands, *LAZY_COMMANDS), key=ORDER.index)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name in LAZY_COMMANDS:
            command: click.Command = getattr(import_module(LAZY_COMMANDS[cmd_name]), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading the lazy ones."""
        short = {name: command.get_short_help_str(formatter.width) for name, command in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES.get(name) or short[name]) for name in self.list_commands(ctx)])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return the arguments that are left after the group's own options."""
        with _harmless_errors():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Return what the command returns; exit where it is interrupted, or where the working directory is gone."""
        try:
            os.getcwd()
            with _harmless_errors():
                return super().invoke(ctx)
        except FileNotFoundError as error:
            if error.filename is not None:
                raise
            from netwright.commands.printing import fail  # noqa: PLC0415

            fail("the current directory does not exist any more; change to another one")
        except KeyboardInterrupt:
            click.echo("netwright: interrupted", err=True)
            sys.exit(INTERRUPTED)


@contextmanager
def _harmless_errors() -> Iterator[None]:
    """Lets click's own errors pass, with nothing in them that a terminal would act on: they quote the arguments."""
    try:
        yield
    except click.UsageError as error:
        from netwright.commands.printing import harmless  # noqa: PLC0415

        message = error.format_message()
        if harmless(message) == message:
            raise
        raise click.UsageError(harmless(message), error.ctx) from error
