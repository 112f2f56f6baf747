"""The command `netwright verify`."""

import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from gen.printing import print_findings, print_json, print_text
from gen.production import Production, prepare
from gen.proving.against import Change, compare
from gen.proving.heat_map import render_heat_map
from gen.proving.judgement import Judgement
from gen.proving.junit import render_junit
from gen.proving.markdown import render_markdown
from gen.proving.matrix import measure
from gen.proving.plain import render_object, render_plain
from gen.proving.repair import find_repairs
from gen.proving.revision import RevisionError, open_past
from gen.proving.sarif import render_sarif
from gen.proving.wire import assume, state_flows, wire
from gen.verify.network import Network, read_network
from gen.verify.proof import verify_network

FORMATS: Mapping[str, Callable[[Judgement], str]] = {
    "text": render_plain,
    "json": render_object,
    "junit": render_junit,
    "sarif": render_sarif,
    "markdown": render_markdown,
}


@click.command()
@click.argument("topology", default="topology.yaml", type=click.Path(readable=False))
@click.option("-o", "--out", default="out", show_default=True, type=click.Path(readable=False), help="The directory.")
@click.option("--format", "format_", type=click.Choice([*FORMATS]), default="text", show_default=True)
@click.option("--against", metavar="DIR|REV", help="Also say which flows differ from another OUT or a git revision.")
@click.option("--matrix", is_flag=True, help="Also say who reaches whom by ping: networks, groups, pods, internet.")
@click.option("--matrix-out", metavar="FILE", type=click.Path(), help="Draw that as a heat map, FILE.svg or .html.")
@click.option("--no-repair", is_flag=True, help="Don't search for changes of TOPOLOGY that repair a refuted flow.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors in the input; the exit status tells.")
def verify(
    topology: str,
    out: str,
    *,
    format_: str,
    against: str | None,
    matrix: bool,
    matrix_out: str | None,
    no_repair: bool,
    quiet: bool,
) -> None:
    """Prove from the files in OUT that every flow of TOPOLOGY works, both ways, or show where it does not.

    Only the files count: what the machines would read is walked as the kernel forwards packets. The flows, and
    who is connected to whom, come from TOPOLOGY.

    \b
    Example:
      netwright generate && netwright verify

    Exit status: 0 every flow is proved, 1 one is not, 2 bad input.
    """
    production, report = prepare(topology)
    print_findings(report, quiet=True)
    if production is None:
        sys.exit(2)
    with closing(production):
        judgement = _judge(production, topology, out, against, matrix=matrix or matrix_out is not None)
        if not (judgement.verification.proved or no_repair or quiet):
            judgement = replace(judgement, repairs=find_repairs(production, judgement.verification))
    if matrix_out is not None and judgement.matrix is not None:
        _save(matrix_out, render_heat_map(judgement.matrix, page=matrix_out.endswith((".html", ".htm"))))
    if not quiet:
        text = FORMATS[format_](judgement)
        (print_json if format_ in ("json", "sarif") else print_text)(text)
    sys.exit(0 if judgement.verification.proved else 1)


def _judge(production: Production, topology: str, out: str, against: str | None, *, matrix: bool) -> Judgement:
    """All that was asked for."""
    fabric = production.fabric
    _require(Path(out), out, production)
    network = read_network(Path(out), wire(fabric), assume(fabric))
    return Judgement(
        verification=verify_network(network, state_flows(fabric)),
        out=out,
        topology=production.source,
        changes=_changes(production, network, topology, out, against) if against is not None else None,
        matrix=measure(fabric, network) if matrix else None,
    )


def _require(folder: Path, named: str, production: Production) -> None:
    """Exits where the folder lacks a node."""
    missing = [node for node in production.nodes if not (folder / node / "manifest.json").is_file()]
    if missing:
        _refuse(f"{named}/{missing[0]}", "is missing; run netwright generate first")


def _changes(production: Production, network: Network, topology: str, out: str, against: str) -> tuple[Change, ...]:
    """What distinguishes OUT from another state of it."""
    try:
        with open_past(against, out, topology) as past:
            fabric = past.fabric or production.fabric
            absent = [node for node in fabric.nodes if not (past.out / node / "manifest.json").is_file()]
            if absent:
                raise RevisionError(f"has no {absent[0]}; name a state of OUT in which every node was generated")
            before = read_network(past.out, wire(fabric), assume(fabric))
            return compare(before, network, state_flows(production.fabric))
    except RevisionError as error:
        _refuse(against, str(error))


def _save(path: str, picture: str) -> None:
    try:
        Path(path).write_text(picture, encoding="utf-8")
    except OSError as error:
        _refuse(path, f"can't be written: {error.strerror}")


def _refuse(what: str, message: str) -> NoReturn:
    print_text(f"{what}: error: {message}\n", to_stderr=True)
    sys.exit(2)
