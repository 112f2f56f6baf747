"""The work behind `netwright lab`: every form of the network built and tried, with progress on a terminal."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from netwright import lab as kernel
from netwright.text.counting import count
from netwright.verify import Flow

_PAUSE = 0.1
_MOST_UNKNOWN = 5


class TrialResult(Struct, frozen=True, kw_only=True):
    """The kernel's result for every flow, and the remarks on it; `kept` is the id of a lab that is left running."""

    measured: tuple[kernel.Measured, ...]
    remarks: tuple[str, ...]
    kept: str | None
    seconds: float


def build_and_measure(
    plans: Sequence[kernel.LabPlan],
    flows: Sequence[Flow],
    choice: kernel.Choice,
    progress: kernel.Progress,
    *,
    keep: bool,
) -> TrialResult:
    """Every form of the network built in turn, and every flow sent; with `keep` the last one stays. Raises LabError."""
    start = time.monotonic()
    rounds: list[tuple[kernel.Measured, ...]] = []
    remarks: list[str] = []
    kept = None
    for number, plan in enumerate(plans):
        trials = kernel.plan_conversations(plan.network, flows)
        with kernel.built(plan, trials, progress, choice) as standing:
            rounds.append(kernel.measure(standing, trials, progress))
            if not number:
                remarks += standing.remarks
            if keep and number == len(plans) - 1:
                kept = kernel.keep(standing.spaces)
    measured = tuple(kernel.combine(results) for results in zip(*rounds, strict=True))
    return TrialResult(
        measured=measured,
        remarks=(*_limits(plans, measured), *remarks, *_directions(kept)),
        kept=kept.id if kept is not None else None,
        seconds=time.monotonic() - start,
    )


def _limits(plans: Sequence[kernel.LabPlan], measured: Sequence[kernel.Measured]) -> Iterator[str]:
    """Return what the numbers mean, and what the lab did not do."""
    if measured:
        yield "Conversations go between the addresses that the topology gives, with the ports that flows name."
    if len(plans) > 1:
        boots = len({plan.network.boot for plan in plans})
        turns = "every holder of a virtual address had its turn" if len(plans) > boots else ""
        states = "once as on the first boot, once as on later ones" if boots > 1 else ""
        yield f"Built {len(plans)} times: {', '.join(filter(None, (states, turns)))}."
    for trial in (one.trial for one in measured):
        left = trial.classes - trial.unsent - len(trial.probes)
        if left:
            what = count(left, "conversation was", "conversations were")
            yield f"{trial.flow.name}: {what} left out, evenly, to be done in time."
        if trial.unsent:
            yield f"{trial.flow.name}: not sent: what the lab has no packets of ({count(trial.unsent, 'protocol')})."
    unknown = [line for machine in plans[0].network.machines.values() for line in machine.unknown] if plans else []
    for line in unknown[:_MOST_UNKNOWN]:
        yield f"What verify does not know: {line}"
    if len(unknown) > _MOST_UNKNOWN:
        yield f"  and {count(len(unknown) - _MOST_UNKNOWN, 'line')} more; netwright verify names them all"
    if any(machine.bridge_nf for plan in plans for machine in plan.network.machines.values()):
        yield "bridge-nf-call-iptables=1 works only if this machine has loaded br_netfilter."


def _directions(kept: kernel.Kept | None) -> Iterator[str]:
    if kept is not None:
        yield f"The network stands as lab {kept.id}:"
        yield f"  netwright lab shell NODE --lab {kept.id}"
        yield f"  netwright lab remove {kept.id}"


@contextmanager
def progress_line(*, quiet: bool) -> Iterator[kernel.Progress]:
    """Show on a terminal what is being done, until the block ends. An empty text clears it at once."""
    if quiet or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _what, _done, _all: None
        return
    shown, last = "", 0.0

    def write(text: str) -> None:
        nonlocal shown, last
        if text or shown:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        shown, last = text, time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        if what != shown.rpartition(" ")[0] or time.monotonic() - last > _PAUSE:
            write(f"{what} {done}/{total}" if what else "")

    try:
        yield show
    finally:
        write("")
