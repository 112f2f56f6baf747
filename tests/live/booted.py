"""Machines of a small network that boot from what is generated, for as long as a module's tests need them."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from netwright.lab import booted
from netwright.lab.booted.building import BootedNetwork, computers
from netwright.lab.booted.building import booted as standing
from netwright.lab.booted.machine import BootedMachine
from netwright.live.script import collecting_script, further_files
from netwright.live.wanted import read_wanted
from netwright.production.production import prepare
from netwright.verify_input.wiring import assume, wire
from tests.netwright import netwright

NODES = ("lb1", "master1")


@contextlib.contextmanager
def booted_machines(topology: Path, out: Path) -> Iterator[Mapping[str, BootedMachine]]:
    """The managed machines of a topology, generated into `out` and booted."""
    with booted_network(topology, out) as network:
        yield network.machines


@contextlib.contextmanager
def booted_network(topology: Path, out: Path) -> Iterator[BootedNetwork]:
    """The network of a topology, generated into `out`, with its managed machines booted."""
    assert netwright("generate", "-q", str(topology), "-o", str(out), cwd=topology.parent).status == 0
    production, _ = prepare(str(topology))
    assert production is not None
    with contextlib.closing(production):
        resolved = production.resolved
        order = booted.BootOrder(out=out, wiring=wire(resolved), assumptions=assume(resolved), images={}, tried={})
        with computers(order, _silent) as roots, standing(roots, _silent, None) as network:
            yield network


def _silent(_what: str, _done: int, _count: int) -> None:
    """No progress."""


def record_of(machine: BootedMachine, out: Path) -> str:
    """The record that the script prints on the machine."""
    script = collecting_script(further_files([read_wanted(out, machine.name)]))
    return machine.run("sh", "-s", stdin=script).stdout
