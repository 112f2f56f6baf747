"""The command `netwright completion`."""

import click

from netwright.commands.printing import print_text


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands and options.

    \b
    Example:
      netwright completion bash \\
        > ~/.local/share/bash-completion/completions/netwright
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    group = click.get_current_context().find_root().command
    print_text(kind(group, {}, "netwright", "_NETWRIGHT_COMPLETE").source() + "\n")
