"""The real NetworkManager, applying the keyfiles of a machine, with a message bus of its own."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence

from netwright.lab.machine import Daemon, File, Installable, LabMachine, poll

PROGRAMS = {"NetworkManager": "NetworkManager", "dbus-daemon": "dbus-daemon"}
"""Needed programs, and the package of each."""
FOLDER = "/etc/NetworkManager/"
CONFIG_PATH = f"{FOLDER}NetworkManager.conf"
BUS_CONFIG_PATH = "/etc/dbus-1/system.conf"
_SOCKET = "/run/dbus/system_bus_socket"

CONFIG = b"""\
[main]
plugins=keyfile
no-auto-default=*
auth-polkit=false
dns=none
"""

# A system's own policies name users and services that a machine of ours has no use for.
BUS_CONFIG = b"""\
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/> <allow user="*"/> <allow send_destination="*"/> <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


_COMPLAINT = re.compile(r"<(?:warn|error)> +\[[\d.]+\] (?P<text>(?!modem-manager: ).*)")


@contextlib.contextmanager
def networkmanager(machine: LabMachine, files: Iterable[Installable]) -> Iterator[Daemon]:
    """NetworkManager, running on the machine with the files below /etc/NetworkManager until the block ends.

    Killed, it can't take its routes with it.
    """
    machine.install(file for file in files if file.path.startswith(FOLDER))
    machine.install([File(path=CONFIG_PATH, content=CONFIG)])
    with message_bus(machine), machine.daemon("NetworkManager", "--debug") as daemon:
        yield daemon


@contextlib.contextmanager
def message_bus(machine: LabMachine) -> Iterator[None]:
    """A message bus on the machine, on which everybody may do everything, until the block ends."""
    machine.install([File(path=BUS_CONFIG_PATH, content=BUS_CONFIG)])
    machine.run("mkdir", "/run/dbus")
    with machine.daemon("dbus-daemon", f"--config-file={BUS_CONFIG_PATH}", "--nofork", "--nopidfile"):
        poll(lambda: os.path.exists(machine.path(_SOCKET)), seconds=20)
        yield


def is_settled(daemon: Daemon) -> bool:
    """Return whether NetworkManager has activated what it is going to."""
    return any("startup complete" in line for line in daemon.log())


def read_complaints(log: Sequence[str]) -> tuple[str, ...]:
    """The warnings and errors that NetworkManager wrote."""
    return tuple(match["text"] for line in log if (match := _COMPLAINT.search(line)))
