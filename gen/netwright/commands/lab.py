"""The command `netwright lab`, and those that look at a lab and end it: shell, list, remove."""

import sys
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import click

from netwright import lab as kernel
from netwright.commands.completing import complete_flow
from netwright.commands.ending import ended_by_signals
from netwright.commands.lab_boot import boot as boot_machines
from netwright.commands.lab_boot import read_images, what_is_missing
from netwright.commands.lab_group import TRIAL, LabGroup, TrialCommand
from netwright.commands.lab_trial import build_and_measure, progress_line
from netwright.commands.options import Command, out_option, topology_argument
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import fail, print_findings, print_json, print_lines, print_text
from netwright.commands.verify_request import Refusal, check_out, choose_flows
from netwright.lab import booted
from netwright.parallel.progress import progress_stages
from netwright.production.production import Production
from netwright.text.report import printable
from netwright.verify import Flow
from netwright.verify_input.wiring import assume, state_flows, wire

_NONE_KEPT = "no lab is kept; netwright lab --keep leaves one\n"


def _complete_node(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    out = Path(ctx.params.get("out") or "out")
    return sorted(path.parent.name for path in out.glob("*/manifest.json") if path.parent.name.startswith(incomplete))


def _complete_lab(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [kept.id for kept in kernel.list_kept() if kept.id.startswith(incomplete)]


def _apply_option(command: Command) -> Command:
    return click.option(
        "--apply",
        type=click.Choice(["auto", "ip"]),
        default="auto",
        show_default=True,
        help="Who applies network files: networkd and NetworkManager where installed, or ip alone.",
    )(command)


@click.group(cls=LabGroup, subcommand_metavar="")
def lab() -> None:
    """Build the network of OUT in this machine's kernel, send every flow of TOPOLOGY, compare with verify.

    Each node is a network namespace in which the real programs apply its own files. For every flow and all its
    addresses, real ICMP, TCP and UDP goes both ways; what the receiver saw, and where and why a packet was lost, is
    compared with what verify predicts. Needs root; nothing outside the namespaces is touched, and all is removed at
    the end.

    \b
    Examples:
      netwright generate && netwright lab
      netwright lab --flow ingress-to-pods --format json > lab.json

    Exit status: 0 every flow works and verify agrees, 1 not so, 2 bad input.
    """


@lab.command(TRIAL, cls=TrialCommand, hidden=True)
@topology_argument
@out_option
@click.option(
    "--flow",
    "names",
    metavar="NAME",
    shell_complete=complete_flow,
    multiple=True,
    help="Send this flow only; may be given again.",
)
@_apply_option
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--keep", is_flag=True, help="Leave the network standing, and show how to enter it.")
@click.option("--boot", is_flag=True, help="Boot a whole machine for each node, twice, from what is delivered to it.")
@click.option(
    "--image",
    "images",
    metavar="OS=DIR",
    multiple=True,
    help="With --boot: the root file system to boot for that os; may be given again. Default: a Debian, made once.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors in the input; the exit status tells.")
def trial(
    topology: str,
    out: str,
    *,
    names: tuple[str, ...],
    apply: str,
    format_: str,
    keep: bool,
    boot: bool,
    images: tuple[str, ...],
    quiet: bool,
) -> None:
    """Build the network, send every flow, compare with verify: what `netwright lab` does."""
    if images and not boot:
        raise click.UsageError("--image names what --boot boots; add --boot")
    if boot and keep:
        raise click.UsageError("--boot leaves nothing standing; leave out --boot or --keep")
    _check_machine()
    if boot:
        _boot(topology, out, names, images, format_, quiet=quiet)
    plans, flows = _read(topology, out, names, quiet=quiet or format_ == "json")
    try:
        with ended_by_signals(), progress_line(quiet=quiet or format_ == "json") as progress:
            result = build_and_measure(plans, flows, kernel.choose_programs(apply), progress, keep=keep)
    except kernel.LabError as error:
        fail(str(error))
    if format_ == "json" and not quiet:
        print_json(kernel.render_json(result.measured, result.remarks, result.kept))
    elif not quiet:
        print_lines(kernel.render_text(result.measured, result.remarks))
        print_text(f"in {result.seconds:.1f} s\n", to_stderr=True)
    sys.exit(0 if all(one.fine for one in result.measured) else 1)


def _boot(
    topology: str, out: str, names: tuple[str, ...], images: tuple[str, ...], format_: str, *, quiet: bool
) -> NoReturn:
    """Try the flows on machines that boot, and exit."""
    silent = quiet or format_ == "json"
    with closing(_prepare(topology, out, names, quiet=silent)) as production:
        flows = _choose(production, names)
        try:
            folders = read_images(images, production.resolved)
            reason = what_is_missing(production.resolved, folders)
            if reason is not None:
                fail(reason)
            with ended_by_signals(), progress_line(quiet=silent) as progress:
                result = boot_machines(production, out, flows, folders, progress)
        except Refusal as refusal:
            print_lines(f"{refusal}\n", to_stderr=True)
            sys.exit(2)
        except kernel.LabError as error:
            fail(str(error))
    if format_ == "json" and not quiet:
        print_json(booted.render_json(result.compared, result.moves, result.remarks))
    elif not quiet:
        print_lines(booted.render_text(result.compared, result.moves, result.remarks))
        print_text(f"in {result.seconds:.1f} s\n", to_stderr=True)
    sys.exit(0 if booted.is_fine(result.compared, result.moves) else 1)


@lab.command()
@click.argument("node", shell_complete=_complete_node)
@topology_argument
@out_option
@_apply_option
@click.option("--lab", "run", metavar="ID", shell_complete=_complete_lab, help="Enter a lab that --keep left.")
def shell(node: str, topology: str, out: str, *, apply: str, run: str | None) -> None:
    """Open a shell on NODE, with the whole network around it.

    The shell is $SHELL, with the node's interfaces, routes and rules; ping, tcpdump and nft work as on the machine.
    NODE.pods is where the node's pods are, INTERNET the internet. When the shell ends, everything is removed.

    \b
    Examples:
      netwright lab shell worker1
      netwright lab shell worker1.pods --lab 3f2a1c
    """
    _check_machine()
    try:
        if run is not None:
            kept = kernel.find_kept(run)
            _check_node(node, kept.names)
            status = kernel.run_shell(node, kernel.inside(kept, node))
        else:
            status = _run_shell(node, topology, out, apply)
    except kernel.LabError as error:
        fail(str(error))
    sys.exit(status)


def _run_shell(node: str, topology: str, out: str, apply: str) -> int:
    plans, flows = _read(topology, out, (), quiet=False)
    _check_node(node, kernel.names_of(plans[0]))
    trials = kernel.plan_conversations(plans[0].network, flows)
    choice = kernel.choose_programs(apply)
    with (
        ended_by_signals(),
        progress_line(quiet=False) as progress,
        kernel.built(plans[0], trials, progress, choice) as standing,
    ):
        progress("", 0, 0)
        return kernel.run_shell(node, standing.spaces.enter(node))


@lab.command(name="list")
def list_() -> None:
    """List the labs that --keep left.

    \b
    Example:
      netwright lab list
    """
    labs = kernel.list_kept()
    if not labs:
        print_text(_NONE_KEPT, to_stderr=True)
    for kept in labs:
        print_text(f"{kept.id}  {' '.join(kept.names)}\n")


@lab.command()
@click.argument("runs", metavar="[ID]...", nargs=-1, shell_complete=_complete_lab)
@click.option("--all", "everything", is_flag=True, help="Remove all of them.")
def remove(runs: tuple[str, ...], *, everything: bool) -> None:
    """Remove labs that --keep left.

    \b
    Example:
      netwright lab remove --all
    """
    if bool(runs) == everything:
        raise click.UsageError("name the labs to remove (netwright lab list shows them), or give --all")
    _check_machine()
    try:
        labs = kernel.list_kept() if everything else [kernel.find_kept(run) for run in dict.fromkeys(runs)]
        if not labs:
            print_text(_NONE_KEPT, to_stderr=True)
        for kept in labs:
            kernel.remove(kept)
            print_text(f"removed {kept.id}\n")
    except kernel.LabError as error:
        fail(str(error))


def _check_machine() -> None:
    reason = kernel.missing()
    if reason is not None:
        fail(reason)


def _check_node(node: str, names: tuple[str, ...]) -> None:
    if node not in names:
        fail(f"there is no node {node}; there are {', '.join(names)}")


def _read(
    topology: str, out: str, names: tuple[str, ...], *, quiet: bool
) -> tuple[tuple[kernel.LabPlan, ...], tuple[Flow, ...]]:
    """Return what to build, in each of its forms, and what to send; exit where the topology or OUT is refused."""
    with closing(_prepare(topology, out, names, quiet=quiet)) as production:
        resolved, flows = production.resolved, _choose(production, names)
    with progress_stages(quiet=quiet) as stage:
        stage(f"reading {printable(out)}")
        return kernel.read_plans(Path(out), wire(resolved), assume(resolved)), flows


def _prepare(topology: str, out: str, names: tuple[str, ...], *, quiet: bool) -> Production:
    """Return the prepared topology; exit where it, or OUT, is refused."""
    production, report = prepare_visibly(topology, quiet=quiet)
    if production is not None:
        report += choose_flows(production, names)
    print_findings(report, quiet=True)
    if production is None or report.errors:
        sys.exit(2)
    try:
        check_out(out, production.nodes)
    except Refusal as refusal:
        production.close()
        print_lines(f"{refusal}\n", to_stderr=True)
        sys.exit(2)
    return production


def _choose(production: Production, names: tuple[str, ...]) -> tuple[Flow, ...]:
    return tuple(flow for flow in state_flows(production.resolved) if not names or flow.name in names)
