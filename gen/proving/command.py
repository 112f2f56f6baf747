"""The command `netwright verify`."""

import sys
from contextlib import closing
from pathlib import Path

import click

from gen.printing import print_findings, print_json, print_text
from gen.production import prepare
from gen.proving.wire import assume, state_flows, wire
from gen.verify import render_json, render_text
from gen.verify import verify as prove


@click.command()
@click.argument("topology", default="topology.yaml", type=click.Path(readable=False))
@click.option("-o", "--out", default="out", show_default=True, type=click.Path(readable=False), help="The directory.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors in the input; the exit status tells.")
def verify(topology: str, out: str, *, format_: str, quiet: bool) -> None:
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
        fabric = production.fabric
    missing = [node for node in production.nodes if not (Path(out) / node / "manifest.json").is_file()]
    if missing:
        print_text(f"{out}/{missing[0]}: error: is missing; run netwright generate first\n", to_stderr=True)
        sys.exit(2)
    verification = prove(Path(out), wire(fabric), state_flows(fabric), assume(fabric))
    if not quiet:
        if format_ == "json":
            print_json(render_json(verification))
        else:
            print_text(render_text(verification))
    sys.exit(0 if verification.proved else 1)
