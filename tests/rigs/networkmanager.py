"""The real NetworkManager, reading a node's keyfiles: what it applies. It exits 0 when it rejects a profile."""

import configparser
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gen.artifact import NodeFile
from tests.rigs.kernel import Kernel, read_kernel
from tests.rigs.machine import Daemon, Machine, poll, run
from tests.rigs.wires import Node, boot_wired

_CONFIG = b"""\
[main]
plugins=keyfile
no-auto-default=*
auth-polkit=false
dns=none
"""

# Debian's own policies name users and services that a machine of ours has no use for.
_BUS_CONFIG = b"""\
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Managed:
    """What NetworkManager says of a card: its state, the profile that is active on it, name servers, search list."""

    state: str
    profile: str | None
    dns: tuple[str, ...]
    domains: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What one node's keyfiles came to; `complaints` are the log's warnings and errors."""

    kernel: Kernel
    managed: Mapping[str, Managed]
    log: tuple[str, ...]
    complaints: tuple[str, ...]


def apply_networkmanager(nodes: Mapping[str, Node], *, seconds: float = 20) -> dict[str, Applied]:
    """What each node's NetworkManager made of its keyfiles, all nodes at the same time."""
    with boot_wired({name: node.nics for name, node in nodes.items()}) as machines, contextlib.ExitStack() as daemons:
        running = {
            name: daemons.enter_context(networkmanager(machines[name], node.files)) for name, node in nodes.items()
        }
        for daemon in running.values():
            await_settled(daemon, seconds=seconds)
        return {name: _applied(machines[name], node, running[name].log()) for name, node in nodes.items()}


@contextlib.contextmanager
def networkmanager(machine: Machine, files: Sequence[NodeFile]) -> Iterator[Daemon]:
    """NetworkManager, running on the machine with the files below /etc/NetworkManager until the block ends."""
    machine.install(file for file in files if file.path.startswith("/etc/NetworkManager/"))
    machine.install([NodeFile(path="/etc/NetworkManager/NetworkManager.conf", content=_CONFIG)])
    machine.install([NodeFile(path="/etc/dbus-1/system.conf", content=_BUS_CONFIG)])
    machine.run("mkdir", "/run/dbus")
    bus = ("dbus-daemon", "--config-file=/etc/dbus-1/system.conf", "--nofork", "--nopidfile")
    with machine.daemon(*bus):
        poll(lambda: machine.run("test", "-S", "/run/dbus/system_bus_socket", check=False).returncode == 0, seconds=20)
        with machine.daemon("NetworkManager", "--debug") as daemon:
            yield daemon


def await_settled(daemon: Daemon, *, seconds: float = 20) -> bool:
    """Whether NetworkManager has activated in time what it is going to."""
    return poll(lambda: any("startup complete" in line for line in daemon.log()), seconds=seconds)


def lost_lines(keyfile: bytes) -> tuple[str, ...]:
    """The lines, as SECTION.KEY=VALUE, that NetworkManager would not write back: it ignores what it does not know."""
    # It insists on a change; this one sets a default, which is never written.
    change = ("connection.wait-device-timeout", "-1")
    written = run("nmcli", "--offline", "connection", "modify", *change, stdin=keyfile.decode())
    return tuple(sorted(_lines(keyfile.decode()) - _lines(written.stdout)))


def _applied(machine: Machine, node: Node, log: Sequence[str]) -> Applied:
    return Applied(
        kernel=read_kernel(machine),
        managed={nic.name: _managed(machine, nic.name) for nic in node.nics},
        log=tuple(log),
        complaints=tuple(match["text"] for line in log if (match := _COMPLAINT.search(line))),
    )


def _managed(machine: Machine, nic: str) -> Managed:
    shown = machine.run("nmcli", "--terse", "device", "show", nic).stdout.splitlines()
    values = [line.split(":", 1) for line in shown if ":" in line]
    profile = next(value for key, value in values if key == "GENERAL.CONNECTION")
    return Managed(
        state=next(value for key, value in values if key == "GENERAL.STATE").split("(")[-1].strip(")"),
        profile=profile or None,
        dns=tuple(value for key, value in values if key.startswith("IP4.DNS[")),
        domains=tuple(value for key, value in values if key.startswith("IP4.SEARCHES[")),
    )


def _lines(keyfile: str) -> set[str]:
    """The keyfile's lines in a form in which equal settings are equal: options sorted, the gateway by itself."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",), strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(keyfile)
    lines = set()
    for section in parser.sections():
        for key, value in parser[section].items():
            if key == "address1" and "," in value:
                address, gateway = value.split(",")
                lines |= {f"{section}.address1={address}", f"{section}.gateway={gateway}"}
            elif key.endswith("_options"):
                lines |= {f"{section}.{key}={option}" for option in value.split(",")}
            else:
                lines.add(f"{section}.{key}={value.rstrip(';')}")
    return lines
