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
_RUN = "/run/NetworkManager/system-connections/"
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


_OLD_NAMES = {"controller": "master", "port-type": "slave-type"}
_NEW_NAMES = re.compile(rf"^( *)({'|'.join(_OLD_NAMES)})=", re.MULTILINE)
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


def with_old_names(keyfile: str) -> str:
    """Return the keyfile, indented or not, with the names that NetworkManager before 1.46 knows, as later ones do."""
    return _NEW_NAMES.sub(lambda found: f"{found[1]}{_OLD_NAMES[found[2]]}=", keyfile)


def with_key(path: str, profile: str, private: str) -> File:
    """The copy of a profile for a WireGuard tunnel that has the private key, where it comes before the profile."""
    text = f"{profile}\n[wireguard]\nprivate-key={private}\n"
    return File(path=f"{_RUN}{os.path.basename(path)}", content=text.encode(), mode=0o600)


def is_settled(daemon: Daemon) -> bool:
    """Return whether NetworkManager has activated what it is going to."""
    return any("startup complete" in line for line in daemon.log())


def unsettled(machine: LabMachine, links: Iterable[str]) -> Iterator[str]:
    """The links with which NetworkManager is not done, each with its state: its start does not wait for a device that
    it makes."""
    shown = machine.run("nmcli", "-t", "-e", "no", "-f", "STATE,DEVICE", "device", check=False).stdout
    states = {name: state for state, _, name in (line.partition(":") for line in shown.splitlines())}
    for link in links:
        if states.get(link) != "connected":
            yield f"{link} ({states.get(link, 'not there')})"


def read_complaints(log: Sequence[str]) -> tuple[str, ...]:
    """The warnings and errors that NetworkManager wrote."""
    return tuple(match["text"] for line in log if (match := _COMPLAINT.search(line)))
