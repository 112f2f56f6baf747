"""The commands of netwright as a group: listed in their order, and loaded only when asked for."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module

import click

from netwright import INTERRUPTED

COMMANDS: Mapping[str, str] = {
    "init": "Write a starter TOPOLOGY, or a draft of a cluster.",
    "generate": "Write OUT from TOPOLOGY.",
    "validate": "Check TOPOLOGY alone, without looking at OUT.",
    "diff": "Show what generate would change in OUT, node by node.",
    "plan": "Show what applying TOPOLOGY means, machine by machine.",
    "check": "Check that OUT is exactly what generate would write; for CI.",
    "verify": "Prove from the files that every flow works.",
    "lab": "Build the network in this kernel and send every flow.",
    "collect": "Print the script that collects what a machine has, or run it.",
    "status": "Show which machine is not as OUT was reviewed.",
    "apply": "Bring machines to what OUT has, and undo what cuts them off.",
    "rollback": "Undo the last apply on machines.",
    "explain": "Explain why a line of OUT is there, or what a flow needs.",
    "report": "Write one page to look at: flow by flow, hop by hop.",
    "graph": "Draw the topology, and the way that a flow takes.",
    "export": "Print nodes, networks and names for other programs.",
    "secrets": "List the values that are filled in at provisioning.",
    "butane": "Compile a Butane file to Ignition.",
    "schema": "Print the JSON Schema of topology.yaml, or of JSON output.",
    "completion": "Print what makes a shell complete commands and options.",
}
"""The one-line help of each command, in the order in which a person meets them.

Each is a module of this package that is imported when it is asked for: to import all for their help would take ten
times as long.
"""


class NetwrightGroup(click.Group):
    """The commands in their order, each loaded when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands, for --help and completion."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"netwright.commands.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])

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
    """Lets click's own errors pass, as wide as the terminal, and with nothing in them that it would act on: they quote
    the arguments."""
    try:
        yield
    except click.UsageError as error:
        from netwright.commands.printing import harmless, terminal_columns  # noqa: PLC0415
        from netwright.text.wrapping import wrap  # noqa: PLC0415

        message = harmless(error.format_message())
        columns = terminal_columns(sys.stderr)
        if columns is not None:
            message = wrap(f"{_ERROR}{message}", columns).rstrip("\n").removeprefix(_ERROR)
        if message == error.format_message():
            raise
        raise click.UsageError(message, error.ctx) from error


_ERROR = "Error: "
"""What click puts before the message of a usage error."""
