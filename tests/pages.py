"""Pages of documentation, followed as a reader does: files are written, commands run, and what is shown is compared.

On a page

- "`PATH`" above a block names a file. One below out/ is compared with what is there by then, any other one is written;
- a block `diff` below a path is a change of that file: what stands there without a sign or with `-` becomes what stands
  there without a sign or with `+`;
- a block `console` has commands, each behind `$ `, with what they print, errors among it;
- a block `sh` has commands that need other machines: their syntax is checked, and netwright's own options;
- a block `text`, and one without a kind, is only shown.
"""

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import click
import yaml

from netwright.commands.lab_group import TRIAL
from netwright.commands.main import netwright
from tests.netwright import PROJECT, environment

_BLOCK = re.compile(r"(?:^`([^`\s]+)`\n\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
_CALL = re.compile(r"(?:^|[|&;(]|\bsudo )\s*netwright ([^|&;>)#\n]*)", re.MULTILINE)
_SHOWN = {"", "text", "mermaid"}


class Reader:
    """A reader who follows a page in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._home, self.folder = folder, folder / "work"
        self.folder.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        program = programs / "netwright"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m netwright "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        person = {f"GIT_{role}_{key}": "ops" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        self._environment = environment(**person) | {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)}

    def follow(self, page: Path) -> str:
        """Return the page as it should be, once all that it shows is done; AssertionError if something can't be."""
        text, end, parts = page.read_text(encoding="utf-8"), 0, []
        for found in _BLOCK.finditer(text):
            path, kind, shown = found.groups()
            try:
                real = self._do(kind, path, shown)
            except AssertionError as error:
                raise AssertionError(f"{page.name}:{text.count(chr(10), 0, found.start(3)) + 1}: {error}") from error
            parts += [text[end : found.start(3)], real]
            end = found.end(3)
        return "".join([*parts, text[end:]])

    def _do(self, kind: str, path: str | None, shown: str) -> str:
        """Return what should stand in a block, once it is done."""
        match kind, path:
            case "console", None:
                return self._run(shown)
            case "sh", None:
                check_commands(shown)
            case _, None:
                assert kind in _SHOWN, f"a block of {kind} without the path of its file"
            case "diff", str():
                change(self.folder / path, shown)
            case _, str() if "out" in Path(path).parts:
                return (self.folder / path).read_text(encoding="utf-8")
            case _, str():
                _check_form(kind, path, shown)
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).write_text(shown, encoding="utf-8")
        return shown

    def _run(self, shown: str) -> str:
        """Return what the commands print, each below itself. The directory in which they end is kept."""
        ended = self._home / "directory"
        script = "".join(f"printf '%s\\n' {shlex.quote(f'$ {each}')}\n{each}\n" for each in _COMMAND.findall(shown))
        run = subprocess.run(
            ["/bin/sh", "-c", f"{script}pwd > {shlex.quote(str(ended))}\n"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.folder = Path(ended.read_text().rstrip("\n"))
        return run.stdout


def _check_form(kind: str, path: str, text: str) -> None:
    """Raises AssertionError where a file is not of the kind of its block."""
    try:
        if kind == "json":
            json.loads(text)
        elif kind == "yaml" and not path.endswith(".j2"):
            yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise AssertionError(f"{path} is no {kind}: {error}") from error


def change(file: Path, shown: str) -> None:
    """Makes the change that a block shows of a file. Raises AssertionError where its lines do not stand there once."""
    before, after = ("".join(line[1:] for line in shown.splitlines(True) if line[0] in signs) for signs in (" -", " +"))
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"these lines stand {text.count(before)} times in {file.name}:\n{before}"
    file.write_text(text.replace(before, after), encoding="utf-8")


def check_commands(script: str) -> None:
    """Raises AssertionError where a shell would not take the script, or netwright not an option."""
    checked = subprocess.run(["/bin/sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert not checked.stderr, checked.stderr
    for call in _CALL.findall(script.replace("\\\n", " ")):
        _parse(netwright, shlex.split(call))


def _parse(command: click.Command, arguments: list[str]) -> None:
    """Raises AssertionError where a command does not take the arguments."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        below = command.get_command(context, arguments[0]) if arguments else None
        if below is not None:
            return _parse(below, arguments[1:])
        trial = command.get_command(context, TRIAL)
        assert trial is not None, f"netwright has no command {shlex.join(arguments)}"
        return _parse(trial, arguments)
    try:
        command.make_context("netwright", arguments)
    except click.ClickException as error:
        raise AssertionError(f"netwright {command.name} {shlex.join(arguments)}: {error.format_message()}") from error


_NAMES = ("README.md", "docs/tutorial.md", "docs/json.md", "docs/plan.md")
PAGES = (*(PROJECT / name for name in _NAMES), *sorted((PROJECT / "docs/how-to").glob("*.md")))
"""Pages that readers follow."""
