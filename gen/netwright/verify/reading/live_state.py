"""A machine's record -> what it has now. What can't be read is named, and never guessed."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from netwright.verify.reading.record import Fact, RecordError, read_record
from netwright.verify.values.addresses import EVERYWHERE, AddressNumber, Prefix, parse_host_or_prefix, parse_ip
from netwright.verify.values.facts import ROUTE_KINDS, TABLE_NAMES, Origin, PolicyRule, RuleKind
from netwright.verify.values.live import LiveAddress, LiveFile, LiveLink, LiveNextHop, LiveRoute, LiveState, LiveUnit

_T = TypeVar("_T")
_MOST_TABLE = 0xFFFFFFFF
_SUBNET = re.compile(r"^FLANNEL_SUBNET=(\S+)$", re.MULTILINE)
_SYSCTLS = "/proc/sys/"
_FILE_WORDS = 6
"""Kind, mode, owner, group, target of a link, and path."""
_PRETTY_NAME = re.compile(r"""^PRETTY_NAME=["']?([^"']*)""", re.MULTILINE)
_ACTIONS: Mapping[str, RuleKind] = {kind: kind for kind in ("blackhole", "unreachable", "prohibit")}
_LEGACY = "iptables-legacy"
_SPECIAL = ("tos", "via", "encap")
"""A route for packets of one type of service, a next hop of IPv6, a tunnel of the route's own (ip-route(8))."""
_UNREADABLE_IN_PART = frozenset({"parameters", "files", "digests"})
"""Facts whose commands end with a status of their own where a file is not there, which is usual."""


class _Kind(Struct):
    info_kind: str = ""


class _Link(Struct):
    ifname: str
    mtu: int
    flags: list[str]
    linkinfo: _Kind = field(default_factory=_Kind)
    link_type: str = ""
    master: str | None = None
    address: str | None = None


class _OwnAddress(Struct):
    local: str
    prefixlen: int
    family: str = "inet"
    broadcast: str | None = None


class _Addresses(Struct):
    ifname: str = ""
    addr_info: list[_OwnAddress] = field(default_factory=list)


class _NextHop(Struct):
    gateway: str | None = None
    dev: str | None = None
    weight: int = 1
    flags: list[str] = field(default_factory=list)
    via: Any = None
    encap: Any = None


class _Route(Struct):
    dst: str
    type: str = "unicast"
    gateway: str | None = None
    dev: str | None = None
    table: str | int = "main"
    metric: int = 0
    prefsrc: str | None = None
    protocol: str = "boot"
    flags: list[str] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    nexthops: list[_NextHop] = field(default_factory=list)
    tos: Any = None
    via: Any = None
    encap: Any = None

    @property
    def special(self) -> str:
        """The word for what is not known of the packets that it is for, or of a next hop; "" for nothing."""
        ways = (self, *self.nexthops)
        return next((key for key in _SPECIAL if any(getattr(way, key, None) is not None for way in ways)), "")


class _Rule(Struct, forbid_unknown_fields=True):
    """A rule that is read whole: a key that is not known makes it an unknown one."""

    priority: int
    src: str = "all"
    srclen: int = 32
    dst: str = "all"
    dstlen: int = 32
    table: str | int = "main"
    protocol: str = ""
    fwmark: str | None = None
    fwmask: str | None = None
    iif: str | None = None
    action: str | None = None
    suppress_prefixlen: int | None = None


def read_live_state(node: str, content: bytes) -> LiveState:
    """Return what the node has, by its record. Raises RecordError for what is no record."""
    reader = _Reader(read_record(content))
    rules, unknown_rules = reader.read("rules", _read_rules) or (None, ())
    reader.note_legacy()
    return LiveState(
        node=node,
        hostname=reader.text("hostname"),
        kernel=reader.text("kernel"),
        system=_name_system(reader.output("system")),
        boot=reader.text("boot"),
        links=reader.read("links", _read_links),
        addresses=reader.read("addresses", _read_addresses),
        routes=reader.read("routes", _read_routes),
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


def _read_links(content: bytes) -> dict[str, LiveLink]:
    return {
        link.ifname: LiveLink(
            mtu=link.mtu,
            kind="loopback" if link.link_type == "loopback" else link.linkinfo.info_kind,
            up="UP" in link.flags,
            carries="LOWER_UP" in link.flags,
            controller=link.master,
            mac=link.address if link.link_type == "ether" else None,
        )
        for link in msgspec.json.decode(content, type=list[_Link])
    }


def _read_addresses(content: bytes) -> dict[str, tuple[LiveAddress, ...]]:
    return {
        link.ifname: tuple(
            LiveAddress(
                ip=_ip(one.local),
                length=one.prefixlen,
                broadcast=None if one.broadcast is None else _ip(one.broadcast),
            )
            for one in link.addr_info
            if one.family == "inet"
        )
        for link in msgspec.json.decode(content, type=list[_Addresses])
        if link.ifname
    }


def _ip(text: str) -> AddressNumber:
    ip = parse_ip(text)
    if ip is None:
        raise RecordError(f"{text[:60]!r} is no IPv4 address")
    return ip


def _network(text: str) -> Prefix:
    network = EVERYWHERE if text in ("default", "all") else parse_host_or_prefix(text)
    if network is None:
        raise RecordError(f"{text[:60]!r} is no IPv4 network")
    return network


def _table(word: str | int) -> int:
    number = TABLE_NAMES.get(str(word))
    if number is None and str(word).isdecimal() and int(word) <= _MOST_TABLE:
        number = int(word)
    if number is None:
        raise RecordError(f"the routing table {str(word)[:60]!r} has a name; the number is not known")
    return number


def _read_routes(content: bytes) -> tuple[LiveRoute, ...]:
    return tuple(map(_route, msgspec.json.decode(content, type=list[_Route])))


def _route(route: _Route) -> LiveRoute:
    ways = route.nexthops or [_NextHop(gateway=route.gateway, dev=route.dev, flags=route.flags)]
    mtu = next((one["mtu"] for one in route.metrics if isinstance(one.get("mtu"), int)), None)
    return LiveRoute(
        to=_network(route.dst),
        table=_table(route.table),
        kind=None if route.special else ROUTE_KINDS.get(route.type),
        word=f"{route.type} with {route.special}" if route.special else route.type,
        next_hops=tuple(map(_next_hop, ways)) if ways[0].dev is not None else (),
        metric=route.metric,
        source=None if route.prefsrc is None else _ip(route.prefsrc),
        mtu=mtu,
        by=route.protocol,
        linkdown=any({"linkdown", "dead"} & {*flags} for flags in (route.flags, *(one.flags for one in ways))),
    )


def _next_hop(way: _NextHop) -> LiveNextHop:
    gateway = None if way.gateway is None else _ip(way.gateway)
    return LiveNextHop(
        interface=way.dev,
        gateway=gateway,
        weight=way.weight,
        onlink="onlink" in way.flags,
        dead="dead" in way.flags,
        linkdown="linkdown" in way.flags,
    )


def _read_rules(content: bytes) -> tuple[tuple[PolicyRule, ...], tuple[str, ...]]:
    rules, unknown = [], []
    for raw in msgspec.json.decode(content, type=list[msgspec.Raw]):
        try:
            rules.append(_rule(msgspec.json.decode(raw, type=_Rule)))
        except (msgspec.MsgspecError, RecordError):
            unknown.append(_decode(bytes(raw)))
    return tuple(rules), tuple(unknown)


def _rule(rule: _Rule) -> PolicyRule:
    mark = 0 if rule.fwmark is None else _hexadecimal(rule.fwmark)
    mask = 0 if rule.fwmark is None else 0xFFFFFFFF if rule.fwmask is None else _hexadecimal(rule.fwmask)
    if rule.action is not None and rule.action not in _ACTIONS:
        raise RecordError(f"a rule of action {rule.action[:60]!r}")
    return PolicyRule(
        priority=rule.priority,
        table=_table(rule.table),
        origin=Origin(file="ip rule", line=0),
        source=_end(rule.src, rule.srclen),
        destination=_end(rule.dst, rule.dstlen),
        incoming=rule.iif,
        suppress=rule.suppress_prefixlen,
        mark=mark,
        mask=mask,
        kind="lookup" if rule.action is None else _ACTIONS[rule.action],
    )


def _hexadecimal(text: str) -> int:
    if not re.fullmatch(r"0x[0-9a-f]{1,8}|0", text):
        raise RecordError(f"{text[:60]!r} is no mark")
    return int(text, 16)


def _end(text: str, length: int) -> Prefix:
    return EVERYWHERE if text == "all" else _network(f"{text}/{length}")


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
    return Prefix(first=_ip(ip) >> bits << bits, length=int(length))


def _read_pod_networks(content: bytes) -> dict[str, Prefix]:
    lines = (line.partition("\t") for line in _decode(content).splitlines())
    return {node: _network(network) for node, _, network in lines if network}
