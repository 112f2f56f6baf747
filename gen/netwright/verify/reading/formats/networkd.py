"""systemd-networkd's .network files with their drop-ins (systemd.network(5))."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from msgspec.structs import replace

from netwright.verify.reading.formats.card_patterns import is_plain, read_pattern
from netwright.verify.reading.formats.iproute import parse_mark
from netwright.verify.reading.formats.port_vlans import add_vlans
from netwright.verify.reading.formats.sections import Entry, Oddity, read_entries
from netwright.verify.values.addresses import EVERYWHERE, parse_address, parse_host_or_prefix, parse_ip, parse_number
from netwright.verify.values.facts import (
    MOST_WEIGHT,
    ROUTE_KINDS,
    TABLE_NAMES,
    Address,
    CardPatterns,
    Controller,
    Kind,
    Lease,
    Link,
    NextHop,
    Origin,
    PolicyRule,
    PortVlans,
    Reading,
    Route,
    RuleKind,
    Stated,
    parse_mtu,
)

IRRELEVANT = {
    "Match": frozenset[str](),
    "Link": frozenset({"RequiredForOnline"}),
    "Network": frozenset(
        {"DNS", "Domains", "IPv6AcceptRA", "Description", "LLDP", "NTP", "IPv6SendRA"}
        | {"ConfigureWithoutCarrier", "IgnoreCarrierLoss", "EmitLLDP", "MulticastDNS", "LLMNR", "DNSSEC"}
        | {"PrimarySlave", "ActiveSlave"}  # which member of a bond sends first
    ),
    "Address": frozenset({"Label"}),
    "DHCPv4": frozenset(
        {"ClientIdentifier", "UseDNS", "UseDomains", "UseHostname", "UseNTP", "UseSIP", "UseTimezone", "SendHostname"}
        | {"Hostname", "VendorClassIdentifier", "UserClass", "DUIDType", "IAID", "Anonymize", "SendRelease"}
    ),
    "Route": frozenset({"Protocol", "InitialCongestionWindow"}),
    "RoutingPolicyRule": frozenset[str](),
    "BridgeVLAN": frozenset[str](),
}
"""Keys that decide nothing about where IPv4 packets go."""


def read_network(parts: Sequence[tuple[str, str]]) -> Reading:
    """One interface, from the (shown name, text) of the .network file and then its drop-ins in name order."""
    reading = Reading()
    start = Origin(file=parts[0][0], line=1)
    link = Link(manager="networkd", origin=start)
    for file, text in parts:
        entries: list[Entry] = []
        for entry in read_entries(text, file, "#;"):
            if isinstance(entry, Oddity):
                reading.note_unknown(entry.origin, entry.text, "not a line of a .network file")
            else:
                entries.append(entry)
        for _, group in groupby(entries, key=lambda entry: entry.number):
            link = _read_section(link, tuple(group), reading)
    if link.name is None and link.mac is None and link.patterns is None:
        reading.note_unknown(
            start, "", "no [Match] by Name= or MACAddress=: the file configures nothing, or everything"
        )
    reading.links.append(link)
    return reading


def _read_section(link: Link, entries: tuple[Entry, ...], reading: Reading) -> Link:
    section = entries[0].section
    reader = _SECTIONS.get(section)
    if reader is None:
        for entry in entries:
            reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", f"[{section}] is not known")
        return link
    relevant = tuple(entry for entry in entries if entry.key not in IRRELEVANT[section])
    return reader(link, relevant, entries[0].origin, reading)


def _strange(entry: Entry, reading: Reading) -> None:
    reading.note_unknown(entry.origin, f"{entry.key}={entry.value}", f"not known in [{entry.section}]")


_NONE = CardPatterns()


def _match(link: Link, entries: tuple[Entry, ...], _start: Origin, reading: Reading) -> Link:
    """Type= stands with another key, never alone. A second name, in a drop-in too, adds an interface."""
    for entry in entries:
        patterns = read_pattern(link.patterns or CardPatterns(), entry)
        if entry.key == "Name" and is_plain(entry.value) and link.name is None and not (link.patterns or _NONE).names:
            link = replace(link, name=entry.value)
        elif patterns is not None and (entry.key != "Name" or link.name is None):
            link = replace(link, patterns=patterns)
        elif entry.key in ("MACAddress", "PermanentMACAddress") and len(entry.value) == 17 and link.mac is None:
            current = entry.key == "MACAddress"
            mac = entry.value.lower().replace("-", ":")
            link = replace(link, mac=mac, loose=current, current=current, cards_only=not current)
        elif (entry.key, entry.value) != ("Type", "ether"):
            _strange(entry, reading)
    return replace(link, loose=False, cards_only=True) if any(entry.key == "Type" for entry in entries) else link


def _link(link: Link, entries: tuple[Entry, ...], _start: Origin, reading: Reading) -> Link:
    for entry in entries:
        mtu = parse_mtu(entry.value, entry.origin) if entry.key == "MTUBytes" else None
        if entry.key == "ActivationPolicy" and entry.value in _ACTIVATION:
            down = Stated(value=entry.value, origin=entry.origin) if _ACTIVATION[entry.value] else None
            link = replace(link, down=down)
        elif mtu is None:
            _strange(entry, reading)
        else:
            link = replace(link, mtu=mtu)
    return link


_ACTIVATION = {"up": False, "always-up": False, "down": True, "always-down": True, "manual": True}
"""Values of ActivationPolicy=, and whether networkd leaves the interface down with them (systemd.network(5))."""


def _network(link: Link, entries: tuple[Entry, ...], _start: Origin, reading: Reading) -> Link:
    for entry in entries:
        if entry.key == "Address":
            link = _add_address(link, entry, reading)
        elif entry.key == "Gateway" and (gateway := parse_ip(entry.value)) is not None:
            route = Route(to=EVERYWHERE, gateway=gateway, metric=0, origin=entry.origin)
            link = replace(link, routes=(*link.routes, route))
        elif entry.key in _CONTROLLERS and entry.value and link.controller is None:
            controller = Controller(name=entry.value, kind=_CONTROLLERS[entry.key], origin=entry.origin)
            link = replace(link, controller=controller)
        elif entry.key == "VLAN" and entry.value and not set(entry.value) & set(" \t"):
            link = replace(link, vlans=(*link.vlans, Stated(value=entry.value, origin=entry.origin)))
        elif entry.key in ("IPv4ProxyARP", "IPv4Forwarding", "IPForward", "IPv4ReversePathFilter"):
            # They set what sysctl.d sets too, at a moment of their own: no telling which of them wins.
            _strange(entry, reading)
        elif entry.key == "DHCP" and entry.value in _DHCP:
            lease = Lease(origin=entry.origin, brings_routes=True) if _DHCP[entry.value] else None
            link = replace(link, lease=lease)
        elif entry.key != "LinkLocalAddressing" or entry.value not in ("no", "false", "ipv6"):
            _strange(entry, reading)
    return link


_CONTROLLERS = {"Bond": Kind.BOND, "Bridge": Kind.BRIDGE}


_DHCP = {"ipv4": True, "yes": True, "true": True, "no": False, "false": False, "ipv6": False}
"""Values of DHCP=, and whether an IPv4 address is asked for."""


def _dhcp(link: Link, entries: tuple[Entry, ...], start: Origin, reading: Reading) -> Link:
    """The link with what it takes from its lease; a section before [Network] is not counted."""
    taken = {"UseRoutes": True, "UseMTU": False}
    for entry in entries:
        said = _BOOLEANS.get(entry.value.lower())
        if said is None or entry.key not in ("UseRoutes", "UseGateway", "UseMTU"):
            _strange(entry, reading)
        else:
            taken[entry.key] = said
    if link.lease is None:
        return link
    if taken["UseMTU"]:
        reading.note_unknown(start, "UseMTU=yes", "the lease decides the MTU")
    routes = taken["UseRoutes"] or taken.get("UseGateway", taken["UseRoutes"])
    return replace(link, lease=replace(link.lease, brings_routes=routes))


def _add_address(link: Link, entry: Entry, reading: Reading) -> Link:
    if ":" in entry.value:
        return link
    address = parse_address(entry.value)
    if address is None:
        reading.note_unknown(
            entry.origin, entry.value, "networkd skips or guesses what is not an IP with its prefix length"
        )
        return link
    added = Address(ip=address[0], length=address[1], origin=entry.origin)
    return replace(link, addresses=(*link.addresses, added))


def _address(link: Link, entries: tuple[Entry, ...], _start: Origin, reading: Reading) -> Link:
    """The link with the section's address; of two the last wins."""
    last = None
    for entry in entries:
        if entry.key == "Address":
            last = entry
        else:
            _strange(entry, reading)
    return link if last is None else _add_address(link, last, reading)


_BOOLEANS = dict.fromkeys(("1", "yes", "y", "true", "t", "on"), True)
_BOOLEANS |= dict.fromkeys(("0", "no", "n", "false", "f", "off"), False)


def _route(link: Link, entries: tuple[Entry, ...], start: Origin, reading: Reading) -> Link:
    """The section's route; of two assignments of one key the last wins."""
    # Without Destination= the route is the default route if it has a gateway.
    route = Route(to=EVERYWHERE, gateway=None, metric=0, origin=start)
    destination_seen = False
    scope = table = None
    if _is_of_ipv6(entries, "Destination", "Gateway"):
        return link
    for entry in entries:
        if entry.key == "Scope":
            scope = entry
            continue
        changed = _change_route(route, entry)
        if changed is None:
            _strange(entry, reading)
            return link
        destination_seen = destination_seen or entry.key == "Destination"
        table = entry if entry.key == "Table" else table
        route = changed
    if route.next_hops and (route.gateway is not None or route.kind != "unicast" or route.onlink or scope is not None):
        # With Gateway= networkd 252 leaves the section out, and the others make the kernel refuse the route.
        _strange(next(entry for entry in entries if entry.key == "MultiPathRoute"), reading)
        return link
    if not destination_seen and route.gateway is None and not route.next_hops:
        reading.note_unknown(start, "", "a [Route] without Destination= and Gateway=")
        return link
    if route.kind == "local" and table is None:
        route = replace(route, table=TABLE_NAMES["local"])  # systemd.network(5), Type=
    elif table is not None and route.kind != "local" and route.table == TABLE_NAMES["local"]:
        _strange(table, reading)
        return link
    if route.kind == "local" and scope is not None and scope.value != "host":
        _strange(scope, reading)  # the kernel refuses it
        return link
    if route.kind == "unicast" and scope is not None and scope.value != ("global" if route.gateway else "link"):
        _strange(scope, reading)  # the kernel refuses it, or what goes by it
        return link
    if route.kind != "unicast" and route.gateway is not None:
        reading.note_unknown(start, "", f"a route of Type={route.kind} with a gateway, which the kernel refuses")
        return link
    return replace(link, routes=(*link.routes, route))


def _is_of_ipv6(entries: Sequence[Entry], *ends: str) -> bool:
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
    if entry.key == "GatewayOnLink" and value.lower() in _BOOLEANS:
        return replace(route, onlink=_BOOLEANS[value.lower()])
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


def _policy_rule(link: Link, entries: tuple[Entry, ...], start: Origin, reading: Reading) -> Link:
    rule = PolicyRule(priority=-1, table=TABLE_NAMES["main"], origin=start)
    families = [entry.value for entry in entries if entry.key == "Family"]
    if _is_of_ipv6(entries, "From", "To") or families[-1:] == ["ipv6"]:
        return link
    for entry in entries:
        if entry.key == "Family" and entry.value in ("ipv4", "ipv6", "both"):
            continue
        changed = _change_rule(rule, entry)
        if changed is None:
            _strange(entry, reading)
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


def _bridge_vlan(link: Link, entries: tuple[Entry, ...], start: Origin, reading: Reading) -> Link:
    """The link with the VLANs of a port; those of several sections add up."""
    port = link.port_vlans or PortVlans(origin=start)
    for entry in entries:
        changed = add_vlans(port, entry.key, entry.value)
        if changed is None:
            _strange(entry, reading)
        else:
            port = changed
    return replace(link, port_vlans=port)


_SectionReader = Callable[[Link, tuple[Entry, ...], Origin, Reading], Link]
_SECTIONS: Mapping[str, _SectionReader] = {
    "Match": _match,
    "Link": _link,
    "Network": _network,
    "DHCPv4": _dhcp,
    "Address": _address,
    "Route": _route,
    "RoutingPolicyRule": _policy_rule,
    "BridgeVLAN": _bridge_vlan,
}
