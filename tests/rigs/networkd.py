"""The real systemd-networkd, reading a node's files: what it applies, and what it complains about."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gen.artifact import NodeFile
from tests.rigs.kernel import Kernel, read_kernel
from tests.rigs.machine import Daemon, Machine, poll
from tests.rigs.wires import Nic, Node, boot_wired

PROGRAM = "/lib/systemd/systemd-networkd"
_SETTLED = ("configured", "failed", "unmanaged")
_LOG_LINE = re.compile(r"<(?P<priority>\d+)>(?P<text>.*)")
_WARNING = 4  # syslog's number: 0 is an emergency, 7 a debug message


@dataclass(frozen=True, kw_only=True, slots=True)
class Managed:
    """What networkd says of a card: its state, the .network file that it took, and the names it will ask and search."""

    state: str
    file: str | None
    dns: tuple[str, ...]
    domains: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What one node's files came to; `complaints` are the log's lines of priority warning and above."""

    kernel: Kernel
    managed: Mapping[str, Managed]
    log: tuple[str, ...]
    complaints: tuple[str, ...]


def apply_networkd(nodes: Mapping[str, Node], *, seconds: float = 20) -> dict[str, Applied]:
    """What each node's networkd made of its files, all nodes at the same time.

    A card that never settles (its gateway is not on its link) keeps the state "configuring" and costs `seconds`.
    """
    with boot_wired({name: node.nics for name, node in nodes.items()}) as machines, contextlib.ExitStack() as daemons:
        running = {name: daemons.enter_context(networkd(machines[name], node.files)) for name, node in nodes.items()}
        for name, node in nodes.items():
            await_settled(machines[name], node.nics, seconds=seconds)
        return {name: _applied(machines[name], node, running[name].log()) for name, node in nodes.items()}


@contextlib.contextmanager
def networkd(machine: Machine, files: Sequence[NodeFile]) -> Iterator[Daemon]:
    """systemd-networkd, running on the machine with the files below /etc/systemd/network until the block ends."""
    machine.install(file for file in files if file.path.startswith("/etc/systemd/network/"))
    machine.run("install", "-d", "-o", "systemd-network", "-g", "systemd-network", "/run/systemd/netif")
    with machine.daemon(PROGRAM, environment={"SYSTEMD_LOG_TARGET": "console-prefixed"}) as daemon:
        yield daemon


def await_settled(machine: Machine, nics: Sequence[Nic], *, seconds: float = 20) -> bool:
    """Whether networkd came to an end with every card in time: configured, failed, or not its business."""
    return poll(lambda: all(_managed(machine, nic.name).state in _SETTLED for nic in nics), seconds=seconds)


def _applied(machine: Machine, node: Node, log: Sequence[str]) -> Applied:
    lines = [match for line in log if (match := _LOG_LINE.fullmatch(line))]
    return Applied(
        kernel=read_kernel(machine),
        managed={nic.name: _managed(machine, nic.name) for nic in node.nics},
        log=tuple(log),
        complaints=tuple(line["text"] for line in lines if int(line["priority"]) % 8 <= _WARNING),
    )


def _managed(machine: Machine, nic: str) -> Managed:
    """What networkd's own state file says of the card; the state is "" while there is none."""
    index = machine.read(f"/sys/class/net/{nic}/ifindex") or b""
    text = machine.read(f"/run/systemd/netif/links/{index.decode().strip()}") or b""
    values = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
    return Managed(
        state=values.get("ADMIN_STATE", ""),
        file=values.get("NETWORK_FILE"),
        dns=tuple(values.get("DNS", "").split()),
        domains=tuple(values.get("DOMAINS", "").split()),
    )
