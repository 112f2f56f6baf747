"""Routes and policy rules of systemd-networkd's files."""

import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from netwright.verify.reading.formats.iproute import parse_mark
from netwright.verify.reading.formats.sections import Entry
from netwright.verify.values.addresses import EVERYWHERE, parse_host_or_prefix, parse_ip, parse_number
from netwright.verify.values.facts import (
    MOST_WEIGHT,
    ROUTE_KINDS,
    TABLE_NAMES,
    Link,
    NextHop,
    Origin,
    PolicyRule,
    Reading,
    Route,
    RuleKind,
)


def note_strange(entry: Entry, reading: Reading) -> None:
    reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", f"not known in [{entry.section}]")


BOOLEANS = dict.fromkeys(("1", "yes", "y", "true", "t", "on"), True)

BOOLEANS |= dict.fromkeys(("0", "no", "n", "false", "f", "off"), False)


def read_route(link: Link, entries: tuple[Entry, ...], start: Origin, reading: Reading) -> Link:
    """The section's route; of two assignments of one key the last wins."""
    # Without Destination= the route is the default route if it has a gateway.
    route = Route(to=EVERYWHERE, gateway=None, metric=0, origin=start)
    destination_seen = False
    scope = table = None
    if is_of_ipv6(entries, "Destination", "Gateway"):
        return link
    for entry in entries:
        if entry.key == "Scope":
            scope = entry
            continue
        changed = _change_route(route, entry)
        if changed is None:
            note_strange(entry, reading)
            return link
        destination_seen = destination_seen or entry.key == "Destination"
        table = entry if entry.key == "Table" else table
        route = changed
    if route.next_hops and (route.gateway is not None or route.kind != "unicast" or route.onlink or scope is not None):
        # With Gateway= networkd 252 leaves the section out, and the others make the kernel refuse the route.
        note_strange(next(entry for entry in entries if entry.key == "MultiPathRoute"), reading)
        return link
    if not destination_seen and route.gateway is None and not route.next_hops:
        reading.note_unknown(start, "", "a [Route] without Destination= and Gateway=")
        return link
    if route.kind == "local" and table is None:
        route = replace(route, table=TABLE_NAMES["local"])  # systemd.network(5), Type=
    elif table is not None and route.kind != "local" and route.table == TABLE_NAMES["local"]:
        note_strange(table, reading)
        return link
    if route.kind == "local" and scope is not None and scope.value != "host":
        note_strange(scope, reading)  # the kernel refuses it
        return link
    if route.kind == "unicast" and scope is not None and scope.value != ("global" if route.gateway else "link"):
        note_strange(scope, reading)  # the kernel refuses it, or what goes by it
        return link
    if route.kind != "unicast" and route.gateway is not None:
        reading.note_unknown(start, "", f"a route of Type={route.kind} with a gateway, which the kernel refuses")
        return link
    return replace(link, routes=(*link.routes, route))


def is_of_ipv6(entries: Sequence[Entry], *ends: str) -> bool:
    """Return whether the section has such ends, and all of them are IPv6."""
    said = [":" in entry.value for entry in entries if entry.key in ends]
    return bool(said) and all(said)


def _change_route(route: Route, entry: Entry) -> Route | None:
    value = entry.value
    if entry.key == "Destination":
        prefix = parse_host_or_prefix(value)
        return None if prefix is None else replace(route, to=prefix)
    if entry.key == "Gateway":
        gateway = parse_ip(value)
        return None if gateway is None else replace(route, gateway=gateway)
    if entry.key == "MultiPathRoute":
        hop = _read_hop(value)
        return None if hop is None else replace(route, next_hops=(*route.next_hops, hop))
    if entry.key == "Metric":
        metric = parse_number(value, 0xFFFFFFFF)
        return None if metric is None else replace(route, metric=metric)
    if entry.key == "Table":
        table = TABLE_NAMES.get(value) or parse_number(value, 0xFFFFFFFF)
        return None if not table else replace(route, table=table)
    if entry.key == "PreferredSource":
        source = parse_ip(value)
        return None if source is None else replace(route, source=source)
    if entry.key == "MTUBytes":
        mtu = parse_number(value, 0xFFFFFFFF)
        return None if not mtu else replace(route, mtu=mtu)
    if entry.key == "Type" and value in ROUTE_KINDS:
        return replace(route, kind=ROUTE_KINDS[value])
    if entry.key == "GatewayOnLink" and value.lower() in BOOLEANS:
        return replace(route, onlink=BOOLEANS[value.lower()])
    return None


_HOP = re.compile(r"([0-9.]+)(?:@([^\s@]+))?(?: +([0-9]+))?")


def _read_hop(text: str) -> NextHop | None:
    """Return the next hop of `GATEWAY[@INTERFACE] [WEIGHT]`; of a number for an interface nothing is known."""
    found = _HOP.fullmatch(text)
    gateway = parse_ip(found[1]) if found else None
    weight = parse_number(found[3], MOST_WEIGHT) if found and found[3] else 1
    if found is None or gateway is None or not weight or (found[2] or "").isdigit():
        return None
    return NextHop(gateway=gateway, weight=weight, interface=found[2])


def read_policy_rule(link: Link, entries: tuple[Entry, ...], start: Origin, reading: Reading) -> Link:
    rule = PolicyRule(priority=-1, table=TABLE_NAMES["main"], origin=start)
    families = [entry.value for entry in entries if entry.key == "Family"]
    if is_of_ipv6(entries, "From", "To") or families[-1:] == ["ipv6"]:
        return link
    for entry in entries:
        if entry.key == "Family" and entry.value in ("ipv4", "ipv6", "both"):
            continue
        changed = _change_rule(rule, entry)
        if changed is None:
            note_strange(entry, reading)
            return link
        rule = changed
    if rule.priority < 0:
        reading.note_unknown(start, "", "a [RoutingPolicyRule] without Priority=: its place is the kernel's choice")
        return link
    return replace(link, rules=(*link.rules, rule))


def _change_rule(rule: PolicyRule, entry: Entry) -> PolicyRule | None:
    """The rule with the entry, None if it is not known; OutgoingInterface= decides which gateways the kernel takes."""
    value = entry.value
    if entry.key == "Priority":
        priority = parse_number(value, 0xFFFFFFFF)
        return None if priority is None else replace(rule, priority=priority)
    if entry.key == "Table":
        table = TABLE_NAMES.get(value) or parse_number(value, 0xFFFFFFFF)
        return None if not table else replace(rule, table=table)
    if entry.key in ("From", "To"):
        prefix = parse_host_or_prefix(value)
        if prefix is None:
            return None
        return replace(rule, source=prefix) if entry.key == "From" else replace(rule, destination=prefix)
    if entry.key == "IncomingInterface":
        return replace(rule, incoming=value)
    if entry.key == "FirewallMark":
        mark = parse_mark(value)
        return None if mark is None else replace(rule, **mark)
    if entry.key == "SuppressPrefixLength":
        suppress = parse_number(value, 32)
        return None if suppress is None else replace(rule, suppress=suppress)
    if entry.key == "Type" and value in _ACTIONS:
        return replace(rule, kind=_ACTIONS[value])
    return None


_ACTIONS: Mapping[str, RuleKind] = {
    "table": "lookup",
    "blackhole": "blackhole",
    "unreachable": "unreachable",
    "prohibit": "prohibit",
}
