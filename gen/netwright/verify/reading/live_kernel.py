"""What `ip -j` prints of a machine's kernel -> its links, addresses, routes and policy rules (iproute2 4.18 and later).

Readers raise RecordError, or an error of msgspec's, for what the command would not print.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from netwright.verify.reading.record import RecordError
from netwright.verify.values.addresses import EVERYWHERE, AddressNumber, Prefix, parse_host_or_prefix, parse_ip
from netwright.verify.values.facts import ROUTE_KINDS, TABLE_NAMES, Origin, PolicyRule, RuleKind
from netwright.verify.values.live import LiveAddress, LiveLink, LiveNextHop, LiveRoute

_MOST_TABLE = 0xFFFFFFFF
_ACTIONS: Mapping[str, RuleKind] = {kind: kind for kind in ("blackhole", "unreachable", "prohibit")}
_SPECIAL = ("tos", "via", "encap")
"""A route for packets of one type of service, a next hop of IPv6, a tunnel of the route's own (ip-route(8))."""


class _Data(Struct):
    id: Any = None
    mode: Any = None


class _Kind(Struct):
    info_kind: str = ""
    info_data: _Data = field(default_factory=_Data)


class _Link(Struct):
    ifname: str
    mtu: int
    flags: list[str]
    linkinfo: _Kind = field(default_factory=_Kind)
    link_type: str = ""
    master: str | None = None
    address: str | None = None
    link: str | None = None


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


def read_links(content: bytes) -> dict[str, LiveLink]:
    """Return the interfaces by name, of `ip -j -d link`."""
    return {link.ifname: _link(link) for link in msgspec.json.decode(content, type=list[_Link])}


def _link(link: _Link) -> LiveLink:
    kind, data = link.linkinfo.info_kind, link.linkinfo.info_data
    return LiveLink(
        mtu=link.mtu,
        kind="loopback" if link.link_type == "loopback" else kind,
        up="UP" in link.flags,
        carries="LOWER_UP" in link.flags,
        controller=link.master,
        mac=link.address if link.link_type == "ether" else None,
        tag=data.id if kind == "vlan" and isinstance(data.id, int) else None,
        parent=link.link if kind == "vlan" else None,
        mode=data.mode if kind == "bond" and isinstance(data.mode, str) else None,
    )


def read_addresses(content: bytes) -> dict[str, tuple[LiveAddress, ...]]:
    """Return the IPv4 addresses of each interface in the kernel's order, of `ip -j address`."""
    return {
        link.ifname: tuple(
            LiveAddress(
                ip=read_ip(one.local),
                length=one.prefixlen,
                broadcast=None if one.broadcast is None else read_ip(one.broadcast),
            )
            for one in link.addr_info
            if one.family == "inet"
        )
        for link in msgspec.json.decode(content, type=list[_Addresses])
        if link.ifname
    }


def read_ip(text: str) -> AddressNumber:
    """Return an IP. Raises RecordError."""
    ip = parse_ip(text)
    if ip is None:
        raise RecordError(f"{text[:60]!r} is no IPv4 address")
    return ip


def read_prefix(text: str) -> Prefix:
    """Return a network, or an IP as one; `default` and `all` are everywhere. Raises RecordError."""
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


def read_routes(content: bytes) -> tuple[LiveRoute, ...]:
    """Return the routes of all tables, of `ip -j route show table all`."""
    return tuple(map(_route, msgspec.json.decode(content, type=list[_Route])))


def _route(route: _Route) -> LiveRoute:
    ways = route.nexthops or [_NextHop(gateway=route.gateway, dev=route.dev, flags=route.flags)]
    mtu = next((one["mtu"] for one in route.metrics if isinstance(one.get("mtu"), int)), None)
    return LiveRoute(
        to=read_prefix(route.dst),
        table=_table(route.table),
        kind=None if route.special else ROUTE_KINDS.get(route.type),
        word=f"{route.type} with {route.special}" if route.special else route.type,
        next_hops=tuple(map(_next_hop, ways)) if ways[0].dev is not None else (),
        metric=route.metric,
        source=None if route.prefsrc is None else read_ip(route.prefsrc),
        mtu=mtu,
        by=route.protocol,
        linkdown=any({"linkdown", "dead"} & {*flags} for flags in (route.flags, *(one.flags for one in ways))),
    )


def _next_hop(way: _NextHop) -> LiveNextHop:
    gateway = None if way.gateway is None else read_ip(way.gateway)
    return LiveNextHop(
        interface=way.dev,
        gateway=gateway,
        weight=way.weight,
        onlink="onlink" in way.flags,
        dead="dead" in way.flags,
        linkdown="linkdown" in way.flags,
    )


def read_rules(content: bytes) -> tuple[tuple[PolicyRule, ...], tuple[str, ...]]:
    """Return the policy rules of `ip -j rule`, and the text of those that are not known."""
    rules, unknown = [], []
    for raw in msgspec.json.decode(content, type=list[msgspec.Raw]):
        try:
            rules.append(_rule(msgspec.json.decode(raw, type=_Rule)))
        except (msgspec.MsgspecError, RecordError):
            unknown.append(bytes(raw).decode(errors="replace"))
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
    return EVERYWHERE if text == "all" else read_prefix(f"{text}/{length}")
