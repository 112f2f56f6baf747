"""Kernel state of a machine: its IPv4 addresses, routes and policy rules."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from netwright.lab.machine import LabMachine

TABLES = {"default": 253, "main": 254, "local": 255}
_BUILT_IN_RULES = frozenset({0, 32766, 32767})


class Device(Struct, frozen=True, kw_only=True):
    """What a link of software is: its kind, what a VLAN is on, and settings under iproute2's names, sorted."""

    kind: str
    parent: str | None = None
    settings: tuple[tuple[str, object], ...] = ()


class Link(Struct, frozen=True, kw_only=True):
    """A network card or device with its addresses (IP with prefix length), in the order in which they were added."""

    name: str
    mac: str
    mtu: int
    up: bool
    addresses: tuple[str, ...] = ()
    controller: str | None = None
    device: Device | None = None


SETTINGS = {
    "bond": ("mode", "miimon", "updelay", "downdelay", "xmit_hash_policy", "ad_lacp_rate", "min_links", "primary"),
    "bridge": ("stp_state", "priority", "forward_delay", "vlan_filtering"),
    "vlan": ("protocol", "id"),
    "dummy": (),
}
"""The kinds of devices that a node's network service makes, and the settings that are looked at."""


class Route(Struct, frozen=True, kw_only=True):
    """A route that somebody configured; the kernel's own for its addresses are left out."""

    to: str
    via: str | None = None
    interface: str | None = None
    metric: int = 0
    table: int = TABLES["main"]
    source: str | None = None
    metrics: tuple[tuple[str, int], ...] = ()
    """What else is set, in the kernel's words and sorted: mtu and the like."""
    onlink: bool = False
    scope: str = "global"
    kind: str = "unicast"
    next_hops: tuple[str, ...] = ()
    """Several next hops, as `GATEWAY dev INTERFACE weight N`, sorted: each daemon has an order of its own."""


class Rule(Struct, frozen=True, kw_only=True):
    """A policy rule that somebody configured; the three that every system has are left out."""

    priority: int
    table: int
    source: str = "0.0.0.0/0"
    destination: str = "0.0.0.0/0"
    incoming: str | None = None
    outgoing: str | None = None
    mark: str | None = None


class Kernel(Struct, frozen=True, kw_only=True):
    """Everything at once, sorted; two routes that differ in nothing stay two."""

    links: tuple[Link, ...]
    routes: tuple[Route, ...]
    rules: tuple[Rule, ...]


QUESTIONS = {
    "links": ("-details", "address"),
    "routes": ("-4", "-details", "route", "show", "table", "all"),
    "rules": ("-4", "rule"),
}
"""What `ip -json` is asked."""


def read_kernel(machine: LabMachine) -> Kernel:
    """Return the machine's kernel state now."""
    return parse_kernel({name: machine.run("ip", "-json", *question).stdout for name, question in QUESTIONS.items()})


def parse_kernel(answers: Mapping[str, str]) -> Kernel:
    """Return the kernel state that the answers to QUESTIONS tell."""
    rows = {name: json.loads(answer) if answer.strip() else [] for name, answer in answers.items()}
    links = (_link(row) for row in rows["links"] if row["ifname"] != "lo")
    routes = (_route(row) for row in rows["routes"] if _is_ours(row))
    rules = (_rule(row) for row in rows["rules"] if row["priority"] not in _BUILT_IN_RULES)
    return Kernel(
        links=tuple(sorted(links, key=repr)),
        routes=tuple(sorted(routes, key=repr)),
        rules=tuple(sorted(rules, key=repr)),
    )


def _is_ours(row: Mapping[str, Any]) -> bool:
    return bool(row["protocol"] != "kernel")


def _link(row: Mapping[str, Any]) -> Link:
    addresses = (f"{entry['local']}/{entry['prefixlen']}" for entry in row["addr_info"] if entry["family"] == "inet")
    return Link(
        name=row["ifname"],
        mac=row["address"],
        mtu=row["mtu"],
        up="UP" in row["flags"],
        addresses=tuple(addresses),
        controller=row.get("master"),
        device=_device(row.get("linkinfo", {}), row.get("link")),
    )


def _device(info: Mapping[str, Any], parent: str | None) -> Device | None:
    """What the network service made, None for a card: other kinds are how the host makes cards."""
    kind = info.get("info_kind")
    if kind not in SETTINGS:
        return None
    told = info.get("info_data", {})
    settings = ((name, told[name]) for name in SETTINGS[kind] if name in told)
    return Device(kind=kind, parent=parent if kind == "vlan" else None, settings=tuple(sorted(settings)))


def _route(row: Mapping[str, Any]) -> Route:
    return Route(
        to=_network(row["dst"]),
        via=row.get("gateway"),
        interface=row.get("dev"),
        metric=row.get("metric", 0),
        table=_table(row["table"]),
        source=row.get("prefsrc"),
        metrics=tuple(sorted((name, value) for entry in row.get("metrics", ()) for name, value in entry.items())),
        onlink="onlink" in row["flags"],
        # Programs set different scopes for a route that leads nowhere, where none means anything.
        scope=row["scope"] if row["type"] == "unicast" else "global",
        kind=row["type"],
        next_hops=tuple(
            sorted(f"{hop['gateway']} dev {hop['dev']} weight {hop['weight']}" for hop in row.get("nexthops", ()))
        ),
    )


def _rule(row: Mapping[str, Any]) -> Rule:
    mark = row.get("fwmark")
    return Rule(
        priority=row["priority"],
        table=_table(row.get("table", "main")),
        source=_network(row["src"], row.get("srclen")),
        destination=_network(row.get("dst", "all"), row.get("dstlen")),
        incoming=row.get("iif"),
        outgoing=row.get("oif"),
        mark=f"{mark}/{row['fwmask']}" if mark and "fwmask" in row else mark,
    )


def _network(text: str, length: int | None = None) -> str:
    if text in ("default", "all"):
        return "0.0.0.0/0"
    if "/" in text:
        return text
    return f"{text}/{32 if length is None else length}"


def _table(text: str) -> int:
    return TABLES.get(text) or int(text)
