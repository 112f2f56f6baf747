"""The state of a draft: its networks and names, what was left out, and how its lines are written."""

import re
from collections.abc import Mapping
from textwrap import indent
from typing import Any

import yaml
from msgspec import Struct, field
from netaddr import IPAddress, IPNetwork

from netwright.text.report import printable

HOST = "kvm"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME, _LONGEST_COMMENT = 63, 300
_RESERVED = frozenset({"default", "pods", "services", "internet", "any", "masters", "workers"})
"""Names that mean something else in a topology, or in a draft."""


class Inline(dict[str, Any]):
    """A mapping that is written in one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


_Dumper.add_representer(
    Inline, lambda dumper, flow: dumper.represent_mapping("tag:yaml.org,2002:map", flow, flow_style=True)
)


class Entry(Struct):
    """What a network or node has, in one line if it is a Inline, and the comments below it."""

    value: dict[str, Any]
    comments: list[str] = field(default_factory=list)


class Drafting(Struct):
    """State of the draft: networks by name with their prefixes, the addresses of the host that routes
    libvirt's, what was left out, and which prefixes are guessed."""

    networks: dict[str, Entry] = field(default_factory=dict)
    prefixes: dict[str, IPNetwork] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    routers: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    kept: dict[IPAddress, str] = field(default_factory=dict)
    used: set[IPAddress] = field(default_factory=set)

    def name(self, wanted: str) -> str:
        """A name that a topology can have and nothing has, as like the wanted one as may be."""
        legal = _NOT_IN_NAMES.sub("-", wanted.lower()).strip("-")[:_LONGEST_NAME].strip("-") or "network"
        legal = f"libvirt-{legal}"[:_LONGEST_NAME].strip("-") if legal in _RESERVED else legal
        number, found = 2, legal
        while found in self.names:
            found, number = f"{legal[: _LONGEST_NAME - 5]}-{number}", number + 1
        self.names.add(found)
        return found

    def overlapping(self, network: IPNetwork) -> str | None:
        """The name of a network that has addresses of this one."""
        return next((name for name, one in self.prefixes.items() if overlap(one, network)), None)

    def network_of(self, ip: IPAddress) -> str | None:
        """The name of the network that the address lies in."""
        return next((name for name, network in self.prefixes.items() if ip in network), None)

    def add_network(self, network: IPNetwork, *, guessed: bool = False) -> str:
        """Add a network that has none of another's addresses, and return its name."""
        name = self.name("net-" + str(network.network).replace(".", "-"))
        self.networks[name], self.prefixes[name] = Entry(Inline({"cidr": str(network)})), network
        if guessed:
            self.guessed.append(name)
        return name

    def network_around(self, ip: IPAddress) -> str:
        """The name of the network with the address: a known one, else a /24 or what is free of it."""
        known = self.network_of(ip)
        if known is not None:
            return known
        lengths = (IPNetwork(f"{ip}/{length}").cidr for length in range(24, 33))
        return self.add_network(next(one for one in lengths if self.overlapping(one) is None), guessed=True)


def dump(document: Mapping[str, Any]) -> str:
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, width=2**20, allow_unicode=True)


def lines_of(entries: Mapping[str, Entry]) -> str:
    """The entries, indented, with their comments below."""
    lines = []
    for name, entry in entries.items():
        lines.append(indent(dump({name: entry.value}), "  "))
        lines += (f"    # {as_comment(comment)}\n" for comment in entry.comments)
    return "".join(lines)


def as_comment(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST_COMMENT else shown[:_LONGEST_COMMENT] + " ..."


def overlap(one: IPNetwork, other: IPNetwork) -> bool:
    return bool(one.first <= other.last and other.first <= one.last)
