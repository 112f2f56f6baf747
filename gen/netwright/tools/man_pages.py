"""Man pages, from the commands' own help: `python -m netwright.tools.man_pages` (make man) writes them to build/man/.

The macros are those of man(7), which groff and mandoc read alike.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import click

from netwright import __version__
from netwright.commands.lab_group import TRIAL
from netwright.commands.main import netwright
from netwright.tools.commands_docs import option_rows

PROJECT = Path(__file__).parents[3]
_STATUS = """\
0 fine, nothing differs; 1 something differs, or is not proved; 2 bad input or wrong usage; 70 an internal error; \
130 interrupted."""


def render_pages() -> dict[str, str]:
    """Return each page by the name of its file."""
    root = click.Context(netwright, info_name="netwright", max_content_width=100)
    return {f"{context.command_path.replace(' ', '-')}.1": _page(context) for context in (root, *_below(root))}


def _below(context: click.Context) -> Iterator[click.Context]:
    """Yield the contexts of a group's commands, and of theirs."""
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None and not command.hidden:
                below = click.Context(command, info_name=name, parent=context)
                yield below
                yield from _below(below)


def _page(context: click.Context) -> str:
    command, name = context.command, context.command_path.replace(" ", "-")
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    summary = " ".join(paragraphs[0].split()).rstrip(".:")
    lines = [
        f'.TH {name.upper()} 1 {_released()} "netwright {__version__}" "User Commands"',
        ".SH NAME",
        f"{_text(name)} \\- {_text(summary[0].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        f".B {_text(context.command_path)}",
        _text(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *[line for paragraph in paragraphs for line in (".PP", *_paragraph(paragraph))][1:],
        *_options(context),
    ]
    if isinstance(command, click.Group):
        lines += _commands(command, context)
    if "Exit status" not in (command.help or ""):
        lines += [".SH EXIT STATUS", _text(_STATUS)]
    parent = ".BR netwright (1)" if context.parent is not None else "The documents are in docs/ of the source."
    return "\n".join([*lines, ".SH SEE ALSO", parent, ""])


def _paragraph(text: str) -> Iterator[str]:
    """Yield a paragraph, or lines that stand as they are."""
    marked, _, lines = text.partition("\b\n")
    if not lines:
        yield _text(" ".join(marked.split()))
        return
    title, _, examples = lines.partition("\n")
    if not title.rstrip().endswith(":"):
        title, examples = "", lines
    yield from [_text(title)] if title else ()
    yield from (".nf", *map(_text, dedent(examples).splitlines()), ".fi")


def _options(context: click.Context) -> Iterator[str]:
    """Yield the section on options; those of a group that is a command as well are the command's."""
    command = context.command
    trial = command.commands.get(TRIAL) if isinstance(command, click.Group) else None
    yield ".SH OPTIONS"
    for names, meaning in option_rows(trial or command, context):
        yield from (".TP", f".B {_text(names)}", _text(meaning))


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    yield ".SH COMMANDS"
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            page = f"{context.command_path} {name}".replace(" ", "-")
            yield from (".TP", f".BR {_text(page)} (1)", _text(command.get_short_help_str(limit=200)))


def _text(text: str) -> str:
    """Text that no macro or escape is in (groff_char(7)): signs as they are typed, and no line that begins a macro."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{shown}" if shown[:1] in {".", "'"} else shown


def _released() -> str:
    """The day of the release that the changelog names, so that a page is the same whenever it is made."""
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(__version__)}\] - (\S+)$", changelog, re.MULTILINE)
    if found is None:
        raise ValueError(f"CHANGELOG.md has no section of {__version__}")
    return found[1]


def main() -> None:
    """Write the pages."""
    folder = PROJECT / "build" / "man"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in render_pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    main()
