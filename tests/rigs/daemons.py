"""Daemons that read a node's files and tell the kernel: what all of them have in common."""

import contextlib
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from netwright.files.artifact import NodeFile
from netwright.lab.machine import Daemon, LabMachine, poll
from tests.rigs.kernel import Kernel, read_kernel
from tests.rigs.wires import Nic, Node, boot_wired

Start = Callable[[LabMachine, Sequence[NodeFile]], contextlib.AbstractContextManager[Daemon]]


class Managed(Struct, frozen=True, kw_only=True):
    """Report of a daemon on a card: its state, the file or profile that it took, the names it will ask and search."""

    state: str
    source: str | None
    dns: tuple[str, ...]
    domains: tuple[str, ...]


class Applied(Struct, frozen=True, kw_only=True):
    """Result of one node's files; `complaints` are the log's warnings and errors."""

    kernel: Kernel
    managed: Mapping[str, Managed]
    log: tuple[str, ...]
    complaints: tuple[str, ...]


def apply(
    nodes: Mapping[str, Node],
    start: Start,
    *,
    is_settled: Callable[[LabMachine, Daemon, Sequence[Nic]], bool],
    read_managed: Callable[[LabMachine, str], Managed],
    read_complaints: Callable[[Sequence[str]], tuple[str, ...]],
    seconds: float,
) -> dict[str, Applied]:
    """Return the result of each node's daemon, all nodes at the same time; one that never settles costs `seconds`."""
    with boot_wired({name: node.nics for name, node in nodes.items()}) as machines, contextlib.ExitStack() as daemons:
        running = {name: daemons.enter_context(start(machines[name], node.files)) for name, node in nodes.items()}
        for name, node in nodes.items():
            machine, daemon, nics = machines[name], running[name], node.nics
            poll(lambda: is_settled(machine, daemon, nics), seconds=seconds)  # noqa: B023
        return {
            name: Applied(
                kernel=read_kernel(machines[name]),
                managed={nic.name: read_managed(machines[name], nic.name) for nic in node.nics},
                log=running[name].log(),
                complaints=read_complaints(running[name].log()),
            )
            for name, node in nodes.items()
        }
