"""The real systemd-networkd, applying the files of a machine."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from netwright.lab.machine import Daemon, Installable, LabMachine

PROGRAM = "/usr/lib/systemd/systemd-networkd"
FOLDER = "/etc/systemd/network/"
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


def is_settled(machine: LabMachine, cards: Iterable[str]) -> bool:
    """Return whether networkd has come to an end with every card: configured, failed, or not its business."""
    return all(read_state(machine, card).get("ADMIN_STATE") in _SETTLED for card in cards)


def read_state(machine: LabMachine, card: str) -> Mapping[str, str]:
    """networkd's own state file about a card, by key; nothing while there is none."""
    index = machine.read(f"/sys/class/net/{card}/ifindex") or b""
    text = machine.read(f"/run/systemd/netif/links/{index.decode().strip()}") or b"" if index else b""
    return dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)


def read_complaints(log: Sequence[str]) -> tuple[str, ...]:
    """The lines of priority warning and above that networkd wrote."""
    lines = [match for line in log if (match := _LOG_LINE.fullmatch(line))]
    return tuple(line["text"] for line in lines if int(line["priority"]) % 8 <= _WARNING)
