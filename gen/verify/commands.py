"""Commands that run at boot and change the network: what they come to is in no file that is read."""

import re
from collections.abc import Iterator, Mapping

from gen.verify.delivery import Delivery, Text
from gen.verify.facts import Origin, Unknown
from gen.verify.readers.ignition import UNIT_FOLDER

_BEYOND = "a command that changes the network in a way that is not known"
_EXEC = re.compile(r"^Exec(?:Start|StartPre|StartPost|Condition)=[-@:+!|]*(.+)$", re.MULTILINE)
_SHELL_MARKS = re.compile(r"[;&|()\n`]+")
_PREFIXES = frozenset(
    {"sudo", "exec", "env", "sh", "bash", "-c", "-ec", "-euc", "if", "then", "else", "do", "!", "time"}
)
_KNOWN: Mapping[str, re.Pattern[str]] = {
    "nmcli": re.compile(r"(?:connection|con|c) (?:reload|up|load)|(?:device|dev|d) (?:reapply|status)"),
    "sysctl": re.compile(r"--system|-p|-a"),
    "networkctl": re.compile(r"reload|reconfigure|list|status"),
    "nft": re.compile(r"-c|list|-f /etc/nftables/"),
    "ip": re.compile(r"(?:-\S+ )*\w+(?:$| show| list| get)"),
}
"""What of the programs that change the network follows from files alone, or changes nothing."""
_UNKNOWN = frozenset(
    {"iptables", "iptables-restore", "iptables-nft", "iptables-legacy", "ifconfig", "route", "ifup", "ifdown", "arp"}
    | {"brctl", "bridge", "tc", "firewall-cmd"}
)
_APPLIERS = frozenset({"systemd-networkd", "systemd-sysctl", "NetworkManager", "nftables", "netwright-nftables"})


def unknown_commands(delivery: Delivery) -> Iterator[Unknown]:
    """The commands of units that start, of cloud-init, and what is done to the units that apply our files."""
    for path in sorted(delivery.files):
        unit, _, dropin = path.removeprefix(UNIT_FOLDER).partition(".d/")
        if unit == path:
            continue
        if dropin and _name(unit) in _APPLIERS:
            yield _unknown(delivery.files[path], 0, "", f"a drop-in that changes how {unit} applies files")
        elif not dropin and unit in delivery.enabled:
            yield from _of_unit(delivery.files[path])
    for origin, command in delivery.commands:
        if changes_network(command):
            yield Unknown(origin=origin, text=command, reason=_BEYOND)


def _of_unit(file: Text) -> Iterator[Unknown]:
    for found in _EXEC.finditer(file.text):
        if changes_network(found[1]):
            yield _unknown(file, file.text.count("\n", 0, found.start()) + 1, found[0], _BEYOND)


def _unknown(file: Text, line: int, text: str, reason: str) -> Unknown:
    return Unknown(origin=Origin(file=file.shown, line=line), text=text, reason=reason)


def _name(unit: str) -> str:
    return unit.removesuffix(".service")


def changes_network(command: str) -> bool:
    """Whether a command line, or one of a shell's in it, changes the network by more than files say."""
    return any(map(_changes, _SHELL_MARKS.split(command)))


def _changes(command: str) -> bool:
    words = [word for part in command.split() if (word := part.strip("\"'$"))]
    while words and (words[0].rpartition("/")[2] in _PREFIXES or "=" in words[0]):
        del words[0]
    if not words:
        return False
    program, rest = words[0].rpartition("/")[2], " ".join(words[1:])
    if program == "systemctl":
        return not _ENDING.isdisjoint(words[1:3]) and any(_name(word) in _APPLIERS for word in words[2:])
    known = _KNOWN.get(program)
    return program in _UNKNOWN or (known is not None and known.match(rest) is None)


_ENDING = frozenset({"mask", "disable", "stop", "kill"})
