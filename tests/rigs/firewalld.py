"""The real firewalld, as installed, in namespaces of its own: the rules that it loads."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

START = """
mount -t tmpfs tmpfs /run && mkdir -p /run/dbus
mount -t tmpfs tmpfs /etc/firewalld && mkdir /etc/firewalld/zones
[ -z "$1" ] || cp -r "$1"/. /etc/firewalld/
ip link set lo up
timeout 60 dbus-daemon --system --nofork --nopidfile 2>/dev/null &
while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.1; done
timeout 60 /usr/sbin/firewalld --nofork --nopid 2>/run/said &
for _ in $(seq 100); do timeout 5 firewall-cmd --quiet --state 2>/dev/null && break; sleep 0.2; done
"""
_LIST = "nft list table inet firewalld; grep -v 'ipset not usable' /run/said >&2 || true"
_CHAIN = re.compile(r"^\tchain (\S+) \{\n(.*?)^\t\}$", re.MULTILINE | re.DOTALL)
_SET = re.compile(r"^\tset (\S+) \{\n.*?elements = (\{.*?\})\n\t\}$", re.MULTILINE | re.DOTALL)
_SPACES = ("unshare", "--net", "--mount", "--pid", "--kill-child", "--fork", "--mount-proc")


class Loaded(Struct, frozen=True, kw_only=True):
    """The lines of each chain, with the members of sets in the place of their names, and firewalld's complaints."""

    chains: dict[str, list[str]]
    complaints: str


def loaded_rules() -> dict[str, list[str]]:
    """The lines of each chain; its processes end with the namespace of their numbers."""
    return load({}).chains


def load(files: Mapping[str, str]) -> Loaded:
    """What firewalld makes of files below /etc/firewalld, by their path from there."""
    with tempfile.TemporaryDirectory() as directory:
        for path, text in files.items():
            file = Path(directory, path)
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        done = run(START + _LIST, directory if files else "")
    assert done.returncode == 0, done.stderr
    return Loaded(chains=parse_chains(done.stdout), complaints=done.stderr.strip())


def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The script, run in namespaces of its own."""
    command = [*_SPACES, "sh", "-c", script, "sh", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=90)


def list_as_nft(text: str) -> dict[str, list[str]]:
    """The chains of a ruleset as nft lists them once they are loaded."""
    with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
        file.write(text)
        file.flush()
        done = run('nft -f "$1" && nft list table inet firewalld', file.name)
    assert done.returncode == 0, done.stderr
    return parse_chains(done.stdout)


def parse_chains(listing: str) -> dict[str, list[str]]:
    """The lines of each chain of a listing."""
    sets = {name: " ".join(members.split()) for name, members in _SET.findall(listing)}
    for name, members in sets.items():
        held = members if "," in members else members.strip("{ }")
        listing = re.sub(rf"@{re.escape(name)}\b(?!-)", held, listing)
    return {name: [line.strip() for line in body.splitlines()] for name, body in _CHAIN.findall(listing)}


def in_line(chains: dict[str, list[str]], name: str) -> list[str]:
    """The chain's rules in the order in which a packet meets them, those of the chains that it calls among them."""
    met = []
    for line in chains[name]:
        verb, _, target = line.rpartition(" ")
        if verb in ("jump", "goto"):
            met += in_line(chains, target)
        else:
            met.append(line)
    return met


Nested = list["str | tuple[str, Nested]"]


def nested(chains: Mapping[str, Sequence[str]], name: str, unread: Mapping[str, str] = MappingProxyType({})) -> Nested:
    """The chain's rules with those of the chains that it calls, each behind its condition, if there is one.

    What goes to chains by interface alone is sorted, as names exclude each other. `unread` replaces lines, by nothing
    where the replacement is empty.
    """
    found: Nested = []
    for line in chains[name]:
        words = unread.get(line, line)
        verb = re.fullmatch(r"(.*)\b(jump|goto) (\S+)", words)
        if verb is None:
            found += [words] if words else []
        elif verb[1] == "" and verb[2] == "jump":
            found += nested(chains, verb[3], unread)
        elif inner := nested(chains, verb[3], unread):
            found.append((f"{verb[1]}{verb[2]}", inner))
    named = sorted((one for one in found if _is_of_interface(one)), key=str)
    return [*named, *(one for one in found if not _is_of_interface(one))] if name.endswith("_ZONES") else found


def _is_of_interface(one: object) -> bool:
    return isinstance(one, tuple) and re.fullmatch(r'[io]ifname "\S+" goto', one[0]) is not None
