"""The command `netwright butane`."""

import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from netwright import __version__
from netwright.butane.inline import inline_local_files
from netwright.butane.local import FilesDir
from netwright.butane.transpile import Transpiled, transpile
from netwright.files.project import Project
from netwright.files.whole_file import write_whole
from netwright.text.envelope import render_envelope
from netwright.text.report import LocatedDiagnostic, Report, escape_hashes, has_colours, printable, render_text
from netwright.text.source import Source, TopologyPath
from netwright.text.standard_input import STANDARD_INPUT, input_name, read_input

LARGEST_DOCUMENT = 16 * 1024 * 1024
COMPARED_WITH = "0.29.0"
"""The release of Butane that this one was compared with."""
_HELP = """Compile a Butane file of variant flatcar (versions 1.0.0 and 1.1.0) to Ignition.

Takes the arguments of the program butane and can stand in for it. FILE is - or missing for standard input; the Ignition
config goes to standard output, findings go to standard error.

\b
Examples:
  cd out/master1
  netwright butane --strict -d rootfs master1.bu > master1.ign
  netwright butane --inline -d rootfs master1.bu > inline.bu

Exit status: 0 compiled; 1 the file has errors, or warnings with --strict, or can't be read; 2 wrong usage.
"""
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""The words that Go takes for truth values (strconv.ParseBool)."""
_FLAGS = {
    **dict.fromkeys(("--strict", "-s"), "--strict"),
    **dict.fromkeys(("--check", "-c"), "--check"),
    **dict.fromkeys(("--pretty", "-p"), "--pretty"),
    **dict.fromkeys(("--raw", "-r"), "--raw"),
    **dict.fromkeys(("--debug", "-D"), "--debug"),
    "--inline": "--inline",
    **dict.fromkeys(("--version", "-V"), "--version"),
    **dict.fromkeys(("--help", "-h"), "--help"),
    "--raw-errors": "--raw-errors",
}
_VALUED = frozenset({"--files-dir", "-d", "--output", "-o", "--input", "--format"})


class _Drop(click.Command):
    """A command that takes arguments as butane's library does (spf13/pflag)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _as_click_takes_them(args))


def _as_click_takes_them(args: Sequence[str]) -> list[str]:
    """The arguments with `--strict=true`, `-pd=DIR` and a bare `--color` in forms that click knows.

    The last one counts where a flag is given twice. What an option takes as its value is not looked into.
    """
    left, named = deque(args), list[str]()
    options, flags = list[str](), dict[str, bool]()
    while left:
        argument = left.popleft()
        if argument == "--":
            named += left
            break
        if argument.startswith("--"):
            options += _long(argument, left, flags)
        elif argument.startswith("-") and argument != "-":
            options += _letters(argument[1:], left, flags)
        else:
            named.append(argument)
    return [*options, *(flag for flag, wanted in flags.items() if wanted), "--", *named]


def _long(argument: str, left: deque[str], flags: dict[str, bool]) -> list[str]:
    """Return the option of one that begins with two dashes; flags are noted."""
    name, equals, value = argument.partition("=")
    if name in ("--color", "--colour"):
        return [f"--color={value if equals else 'always'}"]
    if name in _FLAGS:
        flags[_FLAGS[name]] = not equals or _truth(name, value)
        return []
    return [f"{name}={_next(name, left)}"] if name in _VALUED and not equals else [argument]


def _letters(letters: str, left: deque[str], flags: dict[str, bool]) -> list[str]:
    """Return the option of letters behind one dash; flags are noted. Of `-d=` alone the sign is the value, as in Go."""
    name, rest = f"-{letters[0]}", letters[1:]
    value = rest[1:] if len(rest) > 1 and rest[0] == "=" else None
    if name in _VALUED:
        return [name, value or rest or _next(name, left)]
    if name not in _FLAGS:
        return [name]
    flags[_FLAGS[name]] = value is None or _truth(name, value)
    return _letters(rest, left, flags) if rest and value is None else []


def _next(name: str, left: deque[str]) -> str:
    if not left:
        raise click.UsageError(f"{name} needs a value after it")
    return left.popleft()


def _truth(name: str, value: str) -> bool:
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise click.UsageError(f"{printable(value)} is no truth value of {name}; write true or false")


def _print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"Butane v{COMPARED_WITH} (variant flatcar, by netwright {__version__})")
        context.exit()


@click.command("butane", cls=_Drop, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-d",
    "--files-dir",
    metavar="DIR",
    help="Directory beneath which `local` files are looked up. Links that lead out of it are refused.",
)
@click.option("-s", "--strict", is_flag=True, help="Fail on warnings too.")
@click.option("-c", "--check", is_flag=True, help="Only check; write nothing.")
@click.option("-p", "--pretty", is_flag=True, help="Indent the JSON.")
@click.option("-o", "--output", type=click.Path(), help="Write to this file, whole or not at all.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How findings are printed.")
@click.option("--raw-errors", is_flag=True, help="Print each finding in one line, without the text that it is about.")
@click.option("--color", "colours", type=click.Choice(["auto", "always", "never"]), help="Colour what is found.")
@click.option("--inline", is_flag=True, help="Write Butane with the local files in it, not Ignition.")
@click.option("-D", "--debug", is_flag=True, help="Show for each field of the Ignition which one it comes from.")
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
@click.option("--input", "old_input", type=click.Path(), hidden=True, help="Deprecated: name the file itself.")
@click.option("-r", "--raw", is_flag=True, hidden=True, help="Accepted for compatibility; means nothing for flatcar.")
@click.argument("file", type=click.Path(allow_dash=True), required=False)
def butane(
    *,
    files_dir: str | None,
    strict: bool,
    check: bool,
    pretty: bool,
    output: str | None,
    form: str,
    raw_errors: bool,
    colours: str | None,
    inline: bool,
    debug: bool,
    old_input: str | None,
    raw: bool,  # noqa: ARG001
    file: str | None,
) -> None:
    """Compile FILE and print what was found."""
    if old_input is not None:
        click.echo("Flag --input has been deprecated, specify filename directly on command line", err=True)
    if old_input and file is not None:
        raise click.UsageError("--input and FILE name a file each; leave --input out")
    source = _read(old_input or file)
    # As with butane, an empty name is no directory.
    root = Path(files_dir) if files_dir else None
    withheld = Project(root=root) if root is not None else None
    result = transpile(source, files_dir=root, pretty=pretty, withheld=withheld)
    colour = has_colours(sys.stderr) if colours in (None, "auto") else colours == "always"
    click.echo(_render(result.report, form, raw=raw_errors, colour=colour), nl=False, err=True, color=colour or None)
    if debug:
        click.echo(_render_origins(result), nl=False, err=True)
    if result.ignition is None or (strict and result.report.warnings):
        if result.ignition is not None and form == "text":
            click.echo("netwright butane: warnings are errors with --strict; nothing was written", err=True)
        sys.exit(1)
    if not check:
        _write(output, _inlined(source, root, withheld) if inline else result.ignition)


def _inlined(source: Source, root: Path | None, withheld: Project | None) -> str:
    """A document that compiles, with its local files in it; exit where what names them has errors."""
    inlined = inline_local_files(source, FilesDir(root=root, withheld=withheld) if root is not None else None)
    if inlined.butane is None:
        click.echo(render_text(inlined.report, colour=False), nl=False, err=True)
        sys.exit(1)
    return inlined.butane


def _render(report: Report, form: str, *, raw: bool, colour: bool) -> str:
    if form == "json":
        return escape_hashes(render_envelope({}, report))
    if not raw:
        return render_text(report, colour=colour)
    return "".join(f"{printable(_raw_line(finding))}\n" for finding in report.findings())


def _raw_line(finding: LocatedDiagnostic) -> str:
    """A finding as butane prints it with --raw-errors (vcontext, report.Entry)."""
    position, diagnostic = finding.position, finding.diagnostic
    place = f", line {position.line} col {position.column}" if position is not None else ""
    return f"{diagnostic.severity} at {_dollar_path(diagnostic.path)}{place}: {diagnostic.message}"


def _dollar_path(path: TopologyPath) -> str:
    return ".".join(("$", *map(str, path)))


def _render_origins(result: Transpiled) -> str:
    """Every field of the Ignition config with the one of the document that it comes from."""
    pairs = (f"{_dollar_path(origin)} \u2192 {_dollar_path(path)}" for path, origin in result.origins())
    return "TranslationSet: yaml \u2192 json\n" + "".join(f"{printable(pair)}\n" for pair in pairs)


def _write(output: str | None, ignition: str) -> None:
    if not output or output == "-":
        click.echo(ignition.encode("utf-8"), nl=False)
        return
    try:
        write_whole(output, ignition)
    except OSError as error:
        _fail(f"{output} can't be written: {error.strerror}")


def _read(file: str | None) -> Source:
    path = file or STANDARD_INPUT  # as with butane, an empty name is none
    try:
        content = read_input(path, LARGEST_DOCUMENT)
    except OSError as error:
        _fail(f"{path} can't be read: {error.strerror}")
    if content is None:
        _fail(f"{input_name(path)} is larger than {LARGEST_DOCUMENT >> 20} MiB, the most that is read as one document")
    return Source(name=input_name(path), text=_text(content))


def _text(contents: bytes) -> str:
    """The contents as text; bytes that can't be text are kept as lone surrogates and refused where they stand."""
    encoding = "utf-16" if contents[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return contents.decode(encoding)
    except UnicodeDecodeError:
        return contents.decode("utf-8", "surrogateescape")


def _fail(message: str) -> NoReturn:
    click.echo(f"netwright butane: {printable(message)}", err=True)
    sys.exit(1)
