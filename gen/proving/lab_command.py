"""The command `netwright lab`."""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from gen import lab as kernel
from gen.printing import fail, print_findings, print_json, print_text
from gen.production import prepare
from gen.proving.wire import assume, state_flows, wire
from gen.verify import Flow


@click.command()
@click.argument("topology", default="topology.yaml", type=click.Path(readable=False))
@click.option("-o", "--out", default="out", show_default=True, type=click.Path(readable=False), help="The directory.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--apply",
    type=click.Choice(["ip", "networkd"]),
    default="ip",
    show_default=True,
    help="What applies the files of systemd-networkd: ip, as they say, or the real daemon.",
)
@click.option("--keep", is_flag=True, help="Leave the network standing, and say how to enter it.")
@click.option("--remove", is_flag=True, help="Remove what --keep left, and do nothing else.")
@click.option("--shell", metavar="NODE", help="Send nothing; open a shell on the node, and clean up after it.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors in the input; the exit status tells.")
def lab(
    topology: str, out: str, *, format_: str, apply: str, keep: bool, remove: bool, shell: str | None, quiet: bool
) -> None:
    """Build the network of OUT in this machine's kernel, send every flow of TOPOLOGY, compare with verify.

    Each node is a network namespace with its own files applied: interfaces, routes, kernel parameters, nftables
    rules. For every flow and every class of addresses, real ICMP, TCP and UDP goes both ways; what the receiver saw is
    compared with what verify predicts. Needs root; nothing outside the namespaces is touched, and all is removed at
    the end.

    \b
    Examples:
      netwright generate && netwright lab
      netwright lab --format json > lab.json

    Exit status: 0 every flow works and verify agrees, 1 not so, 2 bad input.
    """
    reason = kernel.missing()
    if reason is not None:
        fail(reason)
    if apply == "networkd" and not Path(kernel.NETWORKD).exists():
        fail(f"--apply networkd: {kernel.NETWORKD} is missing; install systemd, or use --apply ip")
    try:
        if remove:
            print_text(f"{kernel.remove()} namespaces removed\n")
            return
        plan, flows = _read(topology, out)
        if shell is not None and shell not in plan.network.machines:
            fail(f"--shell: there is no node {shell}; the nodes are {', '.join(plan.network.machines)}")
        status = _run(plan, flows, format_=format_, networkd=apply == "networkd", keep=keep, shell=shell, quiet=quiet)
    except kernel.LabError as error:
        fail(str(error))
    sys.exit(status)


def _read(topology: str, out: str) -> tuple[kernel.Plan, tuple[Flow, ...]]:
    """What to build and what to send; exits where the topology or OUT is no good."""
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
    return kernel.read_plan(Path(out), wire(fabric), assume(fabric)), state_flows(fabric)


def _run(
    plan: kernel.Plan,
    flows: tuple[Flow, ...],
    *,
    format_: str,
    networkd: bool,
    keep: bool,
    shell: str | None,
    quiet: bool,
) -> int:
    start = time.monotonic()
    trials = kernel.plan_trials(plan.network, flows)
    progress = _show_progress(quiet=quiet or format_ == "json")
    with kernel.built(plan, trials, progress, networkd=networkd) as spaces:
        if shell is not None:
            progress("", 0, 0)
            return kernel.enter_shell(spaces, shell)
        measured = kernel.measure(spaces, plan, trials, progress)
        progress("", 0, 0)
        labels = kernel.keep(spaces) if keep else {}
    if not quiet:
        remarks = (*_remarks(plan, trials, networkd=networkd), *_directions(labels))
        if format_ == "json":
            print_json(kernel.render_json(measured, remarks))
        else:
            print_text(kernel.render_text(measured, remarks))
            print_text(f"in {time.monotonic() - start:.1f} s\n", to_stderr=True)
    return 0 if all(one.fine for one in measured) else 1


def _remarks(plan: kernel.Plan, trials: tuple[kernel.Trial, ...], *, networkd: bool) -> tuple[str, ...]:
    """What the numbers stand for, and what the lab did not do."""
    program = "systemd-networkd, those of other systems with ip" if networkd else "ip"
    said = [
        f"One conversation stands for each pair of address classes; the lab applies Flatcar's files with {program}."
    ]
    for trial in trials:
        left = trial.classes - trial.unsent - len(trial.probes)
        if left:
            said.append(f"{trial.flow.name}: {left} pairs of classes were left out, evenly, to be done in time.")
        if trial.unsent:
            said.append(
                f"{trial.flow.name}: {trial.unsent} pairs are of protocols other than ICMP, TCP and UDP: not sent."
            )
    if any(machine.bridge_nf for machine in plan.network.machines.values()):
        said.append("bridge-nf-call-iptables=1 works only if this machine has loaded br_netfilter.")
    return tuple(said)


def _directions(labels: dict[str, str]) -> tuple[str, ...]:
    if not labels:
        return ()
    return (
        "The network stands. Enter a node, and remove everything, with:",
        *(f"  ip netns exec {label} bash" for label in labels.values()),
        "  netwright lab --remove",
    )


def _show_progress(*, quiet: bool) -> Callable[[str, int, int], None]:
    """A line on a terminal that says what is being done; an empty word clears it."""
    if quiet or not sys.stderr.isatty():
        return lambda _what, _done, _all: None

    def show(what: str, done: int, total: int) -> None:
        text = f"{what} {done}/{total}" if what else ""
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    return show
