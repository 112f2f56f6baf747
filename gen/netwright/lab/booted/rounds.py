"""Every flow tried on machines that have booted once, after what they do later by themselves, and booted again."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from netwright.lab.applying import Progress
from netwright.lab.booted.building import BootedNetwork, BootOrder, Computers, booted, computers
from netwright.lab.booted.moving import Move, find_callers
from netwright.lab.booted.scheduled import find_jobs
from netwright.lab.building import Lab, LabPlan
from netwright.lab.measuring import measure
from netwright.lab.probes import Trial
from netwright.lab.verdicts import Measured, combine
from netwright.verify.network_model.network import Network
from netwright.verify.values.boots import Boot
from netwright.verify.values.wiring import HeldAddress

FIRST, LATER, AGAIN = "first boot", "timers and jobs", "second boot"
_BOOTS = {FIRST: Boot.FIRST, AGAIN: Boot.LATER}


class Form(Struct, frozen=True, kw_only=True):
    """The network on one boot with one turn of its virtual addresses, as verify sees it, and what is to be tried in
    it."""

    network: Network
    trials: tuple[Trial, ...]


class Round(Struct, frozen=True, kw_only=True):
    """Round: results of the flows after one boot, or after what machines do later by themselves."""

    name: str
    measured: tuple[Measured, ...]


class Booted(Struct, frozen=True, kw_only=True):
    """All rounds, what became of virtual addresses on the first boot, and the remarks."""

    rounds: tuple[Round, ...]
    moves: tuple[Move, ...]
    remarks: tuple[str, ...]


def boot_and_measure(order: BootOrder, forms: Sequence[Form], progress: Progress) -> Booted:
    """Boot the machines and measure all flows, by the forms for each boot: where both boots are alike, they are for
    every one. Raises LabError."""
    rounds: list[Round] = []
    moves: tuple[Move, ...] = ()
    callers = find_callers([trial for form in forms for trial in form.trials], order.wiring)
    with computers(order, progress) as machines:
        remarks = [*machines.remarks]
        for number, name in enumerate((FIRST, AGAIN)):
            told = _named(name, progress)
            here = [form for form in forms if _BOOTS[name] in form.network.boot.each()]
            with booted(machines, told, None if number else callers) as standing:
                moves += standing.moves
                remarks += standing.remarks if number == 0 else _new(standing.remarks, remarks)
                rounds.append(Round(name=name, measured=_measure(standing, here, told)))
                done = () if number else _do_jobs(standing, machines, told)
                if done:
                    remarks.append(f"Done after the first boot, without waiting for their time: {', '.join(done)}.")
                    rounds.append(Round(name=LATER, measured=_measure(standing, here, told)))
    return Booted(rounds=tuple(rounds), moves=moves, remarks=tuple(remarks))


def _named(name: str, progress: Progress) -> Progress:
    return lambda what, done, count: progress(f"{name}: {what}", done, count)


def _new(remarks: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    """Return the remarks of the second boot alone."""
    return (f"{AGAIN}: {remark}" for remark in remarks if remark not in known)


def _do_jobs(standing: BootedNetwork, machines: Computers, progress: Progress) -> tuple[str, ...]:
    done = []
    for node, machine in standing.machines.items():
        for job in find_jobs(node, machine, machines.roots):
            progress(f"{node}: {job.name}", 0, 0)
            machine.run(*job.command)
            done.append(f"{node} {job.name}")
    if done:
        standing.await_quiet()
    return tuple(done)


def _measure(standing: BootedNetwork, forms: Sequence[Form], progress: Progress) -> tuple[Measured, ...]:
    """Every flow in as many forms of the network as have each holder of each virtual address have it once: where they
    stay at keepalived's choice, in that one alone."""
    results: list[tuple[Measured, ...]] = []
    waiting, tried = [*forms], set[HeldAddress]()
    while waiting:
        form = max(waiting, key=lambda one: len({*one.network.wiring.held} - tried))
        waiting.remove(form)
        held = form.network.wiring.held
        if results and tried.issuperset(held):
            break
        if standing.holding.move(held):
            lab = Lab(spaces=standing.spaces, plan=LabPlan(guests=(), network=form.network), remarks=())
            results.append(measure(lab, form.trials, progress))
            tried.update(held)
    if not results:
        # No node holds them: what is tried with them fails.
        lab = Lab(spaces=standing.spaces, plan=LabPlan(guests=(), network=forms[0].network), remarks=())
        results.append(measure(lab, forms[0].trials, progress))
    return tuple(combine(one) for one in zip(*results, strict=True))
