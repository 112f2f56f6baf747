"""The group lab of the command line: without the name of a subcommand it tries the topology."""

import os
from collections.abc import Sequence
from difflib import get_close_matches

import click
from click.shell_completion import CompletionItem

TRIAL = "trial"


class LabGroup(click.Group):
    """Commands about labs; where none is named, the trial of all flows."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments that are left, the name of a command first."""
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        if not named and not (ctx.resilient_parsing and not args):
            self._check_spelling(ctx, args)
            args = [TRIAL, *args]
        return super().parse_args(ctx, args)

    def _check_spelling(self, ctx: click.Context, args: Sequence[str]) -> None:
        """Stops at a word that looks like a command rather than a topology that is not there."""
        likely = get_close_matches(args[0], [*self.commands.keys() - {TRIAL}], n=1) if args else []
        if likely and not ctx.resilient_parsing and not os.path.lexists(args[0]):
            raise click.UsageError(f"{args[0]} is neither a topology nor a command; {likely[0]} is one", ctx)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return what follows the name in the help."""
        return [*self.commands[TRIAL].collect_usage_pieces(ctx), "| COMMAND"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the trial's options, and the other commands."""
        self.commands[TRIAL].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return completions of `netwright lab`: a command, an option of the trial, a topology."""
        trial = self.commands[TRIAL].shell_complete(ctx, incomplete)
        file = [] if incomplete.startswith("-") else [CompletionItem(incomplete, type="file")]
        return [*super().shell_complete(ctx, incomplete), *trial, *file]


class _TrialContext(click.Context):
    """A trial's: its name is never typed."""

    @property
    def command_path(self) -> str:
        """The command as people type it."""
        return self.parent.command_path if self.parent is not None else super().command_path


class TrialCommand(click.Command):
    """`netwright lab` without a subcommand; its help is that of the group, for the trial alone."""

    context_class = _TrialContext

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the group's own description."""
        if ctx.parent is not None:
            ctx.parent.command.format_help_text(ctx, formatter)
