"""The real NetworkManager, reading a node's keyfiles: what it applies. It exits 0 when it rejects a profile."""

import configparser
from collections.abc import Mapping

from msgspec.structs import replace

from netwright.files.artifact import NodeFile
from netwright.lab.machine import LabMachine, run
from netwright.lab.networkmanager import is_settled, networkmanager, read_complaints
from tests.rigs.daemons import Applied, Managed, apply
from tests.rigs.wires import Node


def apply_networkmanager(nodes: Mapping[str, Node], *, seconds: float = 20) -> dict[str, Applied]:
    """Return the result of each node's NetworkManager, all nodes at the same time."""
    return apply(
        nodes,
        networkmanager,
        is_settled=lambda _, daemon, __: is_settled(daemon),
        read_managed=_managed,
        read_complaints=read_complaints,
        seconds=seconds,
    )


def with_old_names(file: NodeFile) -> NodeFile:
    """The keyfile with the names that 1.42, Debian's NetworkManager, knows: the new ones came with 1.46."""
    content = file.content.replace(b"\ncontroller=", b"\nmaster=").replace(b"\nport-type=", b"\nslave-type=")
    return replace(file, content=content)


def lost_lines(keyfile: bytes) -> tuple[str, ...]:
    """The lines, as SECTION.KEY=VALUE, that NetworkManager would not write back: it ignores what it does not know."""
    # It insists on a change; this one sets a default, which is never written.
    change = ("connection.wait-device-timeout", "-1")
    written = run("nmcli", "--offline", "connection", "modify", *change, stdin=keyfile.decode())
    return tuple(sorted(_lines(keyfile.decode()) - _lines(written.stdout)))


def _managed(machine: LabMachine, nic: str) -> Managed:
    shown = machine.run("nmcli", "--terse", "device", "show", nic).stdout.splitlines()
    values = [line.split(":", 1) for line in shown if ":" in line]
    profile = next(value for key, value in values if key == "GENERAL.CONNECTION")
    return Managed(
        state=next(value for key, value in values if key == "GENERAL.STATE").split("(")[-1].strip(")"),
        source=profile or None,
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
