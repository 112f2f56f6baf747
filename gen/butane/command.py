"""The command `netwright butane`."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from gen.butane.transpile import transpile
from gen.report import has_colours, printable, render_json, render_text
from gen.source import Source
from gen.standard_input import STANDARD_INPUT, input_name, read_input
from gen.whole_file import write_whole

LARGEST_DOCUMENT = 16 * 1024 * 1024
_HELP = """Compile a Butane file of variant flatcar (versions 1.0.0 and 1.1.0) to Ignition.

Takes the arguments of the program butane and can stand in for it. FILE is - or missing for standard input; the Ignition
config goes to standard output, findings go to standard error.

\b
Example:
  netwright butane --strict -d out/master1/rootfs out/master1/master1.bu > master1.ign

Exit status: 0 compiled; 1 the file has errors, or warnings with --strict, or can't be read; 2 wrong usage.
"""


@click.command("butane", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-d",
    "--files-dir",
    type=click.Path(path_type=Path),
    help="Directory beneath which `local` files are looked up. Links that lead out of it are refused.",
)
@click.option("-s", "--strict", is_flag=True, help="Fail on warnings too.")
@click.option("-c", "--check", is_flag=True, help="Only check; write nothing.")
@click.option("-p", "--pretty", is_flag=True, help="Indent the JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file, whole or not at all.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How findings are printed.")
@click.option("-r", "--raw", is_flag=True, hidden=True, help="Accepted for compatibility; means nothing for flatcar.")
@click.option("--raw-errors", is_flag=True, hidden=True, help="Accepted for compatibility.")
@click.argument("file", type=click.Path(allow_dash=True, path_type=Path), required=False)
def butane(
    *,
    files_dir: Path | None,
    strict: bool,
    check: bool,
    pretty: bool,
    output: Path | None,
    form: str,
    raw: bool,  # noqa: ARG001
    raw_errors: bool,  # noqa: ARG001
    file: Path | None,
) -> None:
    """Compile FILE and print what was found."""
    source = _read(file)
    result = transpile(source, files_dir=files_dir, pretty=pretty)
    colour = has_colours(sys.stderr)
    text = render_json(result.report) if form == "json" else render_text(result.report, colour=colour)
    click.echo(text, nl=False, err=True)
    if result.ignition is None or (strict and result.report.warnings):
        if result.ignition is not None and form == "text":
            click.echo("netwright butane: warnings are errors with --strict; nothing was written", err=True)
        sys.exit(1)
    if check:
        return
    if output is None or str(output) == "-":
        click.echo(result.ignition.encode("utf-8"), nl=False)
        return
    try:
        write_whole(str(output), result.ignition)
    except OSError as error:
        _fail(f"{output} can't be written: {error.strerror}")


def _read(file: Path | None) -> Source:
    try:
        path = STANDARD_INPUT if file is None else str(file)
        content = read_input(path, LARGEST_DOCUMENT)
    except OSError as error:
        _fail(f"{file} can't be read: {error.strerror}")
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
