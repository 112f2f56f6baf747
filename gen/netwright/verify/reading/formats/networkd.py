"""systemd-networkd's .network files with their drop-ins (systemd.network(5))."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from msgspec.structs import replace

from netwright.verify.reading.formats.card_patterns import is_plain, read_pattern
from netwright.verify.reading.formats.networkd_routes import BOOLEANS, note_strange, read_policy_rule, read_route
from netwright.verify.reading.formats.port_vlans import add_vlans
from netwright.verify.reading.formats.sections import Entry, Oddity, read_entries
from netwright.verify.values.addresses import EVERYWHERE, parse_address, parse_ip
from netwright.verify.values.facts import (
    Address,
    CardPatterns,
    Controller,
    Kind,
    Lease,
    Link,
    Origin,
    PortVlans,
    Reading,
    Route,
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
            note_strange(entry, reading)
    return replace(link, loose=False, cards_only=True) if any(entry.key == "Type" for entry in entries) else link


def _link(link: Link, entries: tuple[Entry, ...], _start: Origin, reading: Reading) -> Link:
    for entry in entries:
        mtu = parse_mtu(entry.value, entry.origin) if entry.key == "MTUBytes" else None
        if entry.key == "ActivationPolicy" and entry.value in _ACTIVATION:
            down = Stated(value=entry.value, origin=entry.origin) if _ACTIVATION[entry.value] else None
            link = replace(link, down=down)
        elif mtu is None:
            note_strange(entry, reading)
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
            note_strange(entry, reading)
        elif entry.key == "DHCP" and entry.value in _DHCP:
            lease = Lease(origin=entry.origin, brings_routes=True) if _DHCP[entry.value] else None
            link = replace(link, lease=lease)
        elif entry.key != "LinkLocalAddressing" or entry.value not in ("no", "false", "ipv6"):
            note_strange(entry, reading)
    return link


_CONTROLLERS = {"Bond": Kind.BOND, "Bridge": Kind.BRIDGE}


_DHCP = {"ipv4": True, "yes": True, "true": True, "no": False, "false": False, "ipv6": False}
"""Values of DHCP=, and whether an IPv4 address is asked for."""


def _dhcp(link: Link, entries: tuple[Entry, ...], start: Origin, reading: Reading) -> Link:
    """The link with what it takes from its lease; a section before [Network] is not counted."""
    taken = {"UseRoutes": True, "UseMTU": False}
    for entry in entries:
        said = BOOLEANS.get(entry.value.lower())
        if said is None or entry.key not in ("UseRoutes", "UseGateway", "UseMTU"):
            note_strange(entry, reading)
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
            note_strange(entry, reading)
    return link if last is None else _add_address(link, last, reading)


def _bridge_vlan(link: Link, entries: tuple[Entry, ...], start: Origin, reading: Reading) -> Link:
    """The link with the VLANs of a port; those of several sections add up."""
    port = link.port_vlans or PortVlans(origin=start)
    for entry in entries:
        changed = add_vlans(port, entry.key, entry.value)
        if changed is None:
            note_strange(entry, reading)
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
    "Route": read_route,
    "RoutingPolicyRule": read_policy_rule,
    "BridgeVLAN": _bridge_vlan,
}
