"""A machine's record -> what it has now. What can't be read is named, and never guessed."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import msgspec

from netwright.verify.reading.live_kernel import (
    read_addresses,
    read_ip,
    read_links,
    read_prefix,
    read_routes,
    read_rules,
)
from netwright.verify.reading.live_tunnels import join, read_keys, read_peers
from netwright.verify.reading.record import Fact, RecordError, read_record
from netwright.verify.values.addresses import Prefix
from netwright.verify.values.live import LiveFile, LiveState, LiveUnit

_T = TypeVar("_T")
_SUBNET = re.compile(r"^FLANNEL_SUBNET=(\S+)$", re.MULTILINE)
_SYSCTLS = "/proc/sys/"
_FILE_WORDS = 6
"""Kind, mode, owner, group, target of a link, and path."""
_PRETTY_NAME = re.compile(r"""^PRETTY_NAME=["']?([^"']*)""", re.MULTILINE)
_LEGACY = "iptables-legacy"
_UNREADABLE_IN_PART = frozenset({"parameters", "files", "digests"})
"""Facts whose commands end with a status of their own where a file is not there, which is usual."""


def read_live_state(node: str, content: bytes) -> LiveState:
    """Return what the node has, by its record. Raises RecordError for what is no record."""
    reader = _Reader(read_record(content))
    rules, unknown_rules = reader.read("rules", read_rules) or (None, ())
    reader.note_legacy()
    return LiveState(
        node=node,
        hostname=reader.text("hostname"),
        kernel=reader.text("kernel"),
        system=_name_system(reader.output("system")),
        boot=reader.text("boot"),
        links=reader.read("links", read_links),
        tunnels=join(reader.read("wireguard-keys", read_keys), reader.read("wireguard-peers", read_peers)),
        addresses=reader.read("addresses", read_addresses),
        routes=reader.read("routes", read_routes),
        rules=rules,
        unknown_rules=unknown_rules,
        ruleset=reader.read("ruleset", _decode),
        iptables=reader.read("iptables", _decode),
        parameters=reader.read("parameters", _read_parameters),
        files=reader.read("files", lambda content: _read_files(content, reader.output("digests"))),
        asked=tuple(filter(None, _decode(reader.output("asked")).split("\0"))),
        units=reader.read("units", _read_units),
        libvirt=reader.read("libvirt", _decode),
        pod_network=reader.read("flannel", _read_flannel),
        pod_networks=reader.read("pod-networks", _read_pod_networks),
        provisioned=reader.read("ignition", bytes),
        versions={name.removesuffix("-version"): reader.text(name) for name in reader.names if "-version" in name},
        unread=reader.unread,
    )


class _Reader:
    """Facts that are read one by one, and the reasons for which some are not."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = facts
        self.names = tuple(facts)
        self.unread: dict[str, str] = {}

    def output(self, name: str) -> bytes:
        """The fact's output, nothing where it is not there."""
        return self._facts[name].output if name in self._facts else b""

    def text(self, name: str) -> str:
        """The fact's first line."""
        return next(iter(_decode(self.output(name)).splitlines()), "")

    def note_legacy(self) -> None:
        """Notes rules that iptables says it does not show: those of its older kernel interface."""
        complaint = self._facts["iptables"].complaint if "iptables" in self._facts else ""
        if _LEGACY in complaint:
            self.unread[_LEGACY] = complaint

    def read(self, name: str, reader: Callable[[bytes], _T]) -> _T | None:
        """What the reader makes of a fact, None where the fact is not there or not whole."""
        fact = self._facts.get(name)
        if fact is None:
            self.unread[name] = "the record does not have it"
            return None
        fault = fact.fault
        if fault is not None and not (name in _UNREADABLE_IN_PART and fact.output and fact.status in (1, 2)):
            self.unread[name] = fault
            return None
        try:
            return reader(fact.output)
        except (msgspec.MsgspecError, RecursionError, RecordError, UnicodeDecodeError) as error:
            self.unread[name] = f"is not what the command prints: {error}"
            return None


def _decode(content: bytes) -> str:
    return content.decode(errors="replace")


def _name_system(content: bytes) -> str:
    found = _PRETTY_NAME.search(_decode(content))
    return found[1] if found is not None else ""


def _read_parameters(content: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in _decode(content).splitlines() if line.startswith(_SYSCTLS))
    return {path.removeprefix(_SYSCTLS): value for path, _, value in lines}


def _read_files(content: bytes, digests: bytes) -> dict[str, LiveFile]:
    known = dict(_read_digests(digests))
    found: dict[str, LiveFile] = {}
    for entry in filter(None, content.split(b"\0")):
        words = _decode(entry).split("\t", _FILE_WORDS - 1)
        if len(words) != _FILE_WORDS or not re.fullmatch(r"[0-7]{1,4}", words[1]):
            raise RecordError("a file has another form than find was told")
        kind, mode, owner, group, target, path = words
        found[path] = LiveFile(
            mode=int(mode, 8),
            owner=f"{owner}:{group}",
            digest=known.get(path),
            target=target if kind == "l" else None,
        )
    return found


def _read_digests(content: bytes) -> Iterator[tuple[str, str]]:
    for entry in filter(None, content.split(b"\0")):
        digest, _, path = _decode(entry).partition("  ")
        yield path, digest


def _read_units(content: bytes) -> dict[str, LiveUnit]:
    blocks = (dict(_assignments(block)) for block in _decode(content).split("\n\n"))
    return {
        one["Id"]: LiveUnit(
            load=one.get("LoadState", ""),
            active=one.get("ActiveState", ""),
            state=one.get("SubState", ""),
            enabled=one.get("UnitFileState", ""),
            stale=one.get("NeedDaemonReload") == "yes",
        )
        for one in blocks
        if "Id" in one
    }


def _assignments(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        key, assigned, value = line.partition("=")
        if assigned:
            yield key, value


def _read_flannel(content: bytes) -> Prefix:
    found = _SUBNET.search(_decode(content))
    if found is None:
        raise RecordError("FLANNEL_SUBNET is not there")
    # flannel writes the address of its bridge, the network's first.
    ip, _, length = found[1].partition("/")
    if not re.fullmatch(r"[0-9]|[12][0-9]|3[0-2]", length):
        raise RecordError(f"{found[1][:60]!r} is no network")
    bits = 32 - int(length)
    return Prefix(first=read_ip(ip) >> bits << bits, length=int(length))


def _read_pod_networks(content: bytes) -> dict[str, Prefix]:
    lines = (line.partition("\t") for line in _decode(content).splitlines())
    return {node: read_prefix(network) for node, _, network in lines if network}
