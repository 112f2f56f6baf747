"""docs/commands.md, from the commands' own help: `python -m netwright.tools.commands_docs` writes it."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, fill

import click

from netwright.commands.lab_group import TRIAL
from netwright.commands.main import netwright

INTRODUCTION = """\
# Commands

Every command of netwright with its options, as `--help` shows them.

TOPOLOGY is `topology.yaml` where nothing else is named, OUT is `out`. Findings go to standard error, results to
standard output. Colours appear on a terminal only, and not where `NO_COLOR` is set.

## Exit statuses

| status | meaning |
|---|---|
| 0 | fine, nothing differs, every flow is proved; warnings may have been printed |
| 1 | something differs (`check`, `diff`), is not proved (`verify`) or fails (`lab`); for `butane`, errors in the file |
| 2 | bad input or wrong usage, nowhere to write, a program that is missing |
| 70 | an internal error: please report it, and attach the file that is named |
| 130 | interrupted by Ctrl-C; `generate` leaves OUT as it was |

What `--format json` prints is in [json.md](json.md).
"""


def render_commands() -> str:
    """The reference of all commands, in Markdown."""
    return "\n".join([INTRODUCTION, *_sections(click.Context(netwright, info_name="netwright"))])


def _sections(context: click.Context) -> Iterator[str]:
    """Yield the sections of a group's commands, and of theirs."""
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            below = click.Context(command, info_name=name, parent=context)
            yield from _section(below)
            yield from _sections(below)


def _section(context: click.Context) -> Iterator[str]:
    command = context.command
    yield f"## {context.command_path}\n"
    yield f"```text\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```\n"
    yield from _paragraphs(inspect.cleandoc(command.help or ""))
    trial = command.commands.get(TRIAL) if isinstance(command, click.Group) else None
    yield "| option | meaning |\n|---|---|"
    for names, meaning in option_rows(trial or command, context):
        yield _row(names, meaning)
    yield ""


def _row(names: str, meaning: str) -> str:
    """A row of the table, with nothing in it that ends a cell."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{names}`", meaning)) + " |"


def option_rows(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield each option's names and meaning."""
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:
            yield record


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; examples as what a shell takes."""
    for paragraph in text.split("\n\n"):
        marked, _, lines = paragraph.partition("\b\n")
        if not lines:
            yield f"{fill(' '.join(marked.split()), 120)}\n"
            continue
        title, _, examples = lines.partition("\n")
        yield f"{title}\n\n```sh\n{dedent(examples)}\n```\n"


def main() -> None:
    """Write docs/commands.md."""
    path = Path(__file__).parents[3] / "docs" / "commands.md"
    path.write_text(render_commands(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
