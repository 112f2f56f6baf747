"""The real systemd-networkd, applying the files of a machine."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from netwright.lab.machine import Daemon, Installable, LabMachine
from netwright.verify.values.wiring import Port

PROGRAM = "/usr/lib/systemd/systemd-networkd"
FOLDER = "/etc/systemd/network/"
GROUP = "systemd-network"
"""The group as which it reads files."""
_PERMANENT = re.compile(r"^PermanentMACAddress=([0-9A-Fa-f:]{17})$", re.MULTILINE)
_LOG_LINE = re.compile(r"<(?P<priority>\d+)>(?P<text>.*)")
_WARNING = 4  # syslog's number: 0 is an emergency, 7 a debug message
_SETTLED = ("configured", "failed", "unmanaged")


@contextlib.contextmanager
def networkd(machine: LabMachine, files: Iterable[Installable]) -> Iterator[Daemon]:
    """systemd-networkd, running on the machine with the files below /etc/systemd/network until the block ends.

    Killed, it can't take its routes with it.
    """
    machine.install(file for file in files if file.path.startswith(FOLDER))
    machine.run("install", "-d", "-o", "systemd-network", "-g", "systemd-network", "/run/systemd/netif")
    with machine.daemon(PROGRAM, environment={"SYSTEMD_LOG_TARGET": "console-prefixed"}) as daemon:
        yield daemon


def match_cables(text: str, ports: Iterable[Port]) -> str:
    """Return a file that takes the cards of cables by their names in place of the permanent hardware addresses that
    only real cards have."""
    names = {port.mac.lower(): port.interface for port in ports if port.mac is not None and port.kind is None}

    def by_name(found: re.Match[str]) -> str:
        name = names.get(found[1].lower())
        return f"Name={name}" if name is not None else found[0]

    return _PERMANENT.sub(by_name, text)


def is_settled(machine: LabMachine, cards: Iterable[str]) -> bool:
    """Return whether networkd has come to an end with every card: configured, failed, or not its business."""
    return next(unsettled(machine, cards), None) is None


def unsettled(machine: LabMachine, links: Iterable[str]) -> Iterator[str]:
    """The links with which networkd has not come to an end, each with its state."""
    for link in links:
        state = read_state(machine, link).get("ADMIN_STATE", "not there")
        if state not in _SETTLED:
            yield f"{link} ({state})"


def read_state(machine: LabMachine, card: str) -> Mapping[str, str]:
    """networkd's own state file about a card, by key; nothing while there is none."""
    index = machine.read(f"/sys/class/net/{card}/ifindex") or b""
    text = machine.read(f"/run/systemd/netif/links/{index.decode().strip()}") or b"" if index else b""
    return dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)


def read_complaints(log: Sequence[str]) -> tuple[str, ...]:
    """The lines of priority warning and above that networkd wrote."""
    lines = [match for line in log if (match := _LOG_LINE.fullmatch(line))]
    return tuple(line["text"] for line in lines if int(line["priority"]) % 8 <= _WARNING)
