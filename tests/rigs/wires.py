"""Network cards and the cables between them."""

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.files.artifact import NodeFile
from netwright.lab.machine import LabMachine, boot, poll, run

# Both ends of a cable need numbers that differ from each other, or their links come up late.
_INDEXES = itertools.count(1000)


class Nic(Struct, frozen=True, kw_only=True):
    """A network card; without `mac` the kernel makes one up."""

    name: str
    mac: str | None = None


class Node(Struct, frozen=True, kw_only=True):
    """The cards of a node, and the files that are to configure them."""

    nics: Sequence[Nic]
    files: Sequence[NodeFile]


def wire(machine: LabMachine, nic: Nic, other: LabMachine, other_nic: Nic) -> None:
    """Gives each machine a card, with a cable between; the other's is up, the first's is for its own files to raise."""
    one, two = (f"name {end.name} index {next(_INDEXES)} {f'address {end.mac}' if end.mac else ''}"
                for end in (nic, other_nic))  # fmt: skip
    # Only the network is the machine's: the other's number means nothing among the machine's own processes.
    enter = ("nsenter", f"--target={machine.pid}", "--net", "--")
    run(*enter, "ip", "-batch", "-", stdin=f"link add {one} type veth peer {two} netns {other.pid}\n")
    other.run("ip", "link", "set", "dev", other_nic.name, "up")


def await_carriers(*machines: LabMachine, seconds: float = 20) -> bool:
    """Return whether every cable of the machines is up in time; the kernel takes up to a second to notice that."""
    return poll(lambda: all(_are_up(machine) for machine in machines), seconds=seconds)


def _are_up(machine: LabMachine) -> bool:
    cables = json.loads(machine.run("ip", "-json", "link", "show", "type", "veth").stdout)
    return all(cable["operstate"] == "UP" for cable in cables)


@contextlib.contextmanager
def boot_wired(nics: Mapping[str, Sequence[Nic]]) -> Iterator[dict[str, LabMachine]]:
    """The named machines with their cards; every card has a carrier, but nobody answers at the cable's other end."""
    with boot(*nics, "switch") as (*machines, switch):
        ports = (f"port{number}" for number in itertools.count())
        for machine in machines:
            for nic in nics[machine.name]:
                wire(machine, nic, switch, Nic(name=next(ports)))
        yield {machine.name: machine for machine in machines}
