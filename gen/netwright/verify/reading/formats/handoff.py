"""handoff.md: what a device that netwright does not configure is asked to have."""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from netwright.verify.reading.formats.iproute import Misread, parse_rule, parse_whole_route
from netwright.verify.reading.formats.sections import Oddity, read_entries
from netwright.verify.reading.formats.sysctl import read_sysctl
from netwright.verify.reading.formats.wireguard import PeerWord, change_peer, parse_port
from netwright.verify.values.addresses import parse_address
from netwright.verify.values.facts import (
    Address,
    Device,
    Kind,
    Link,
    Mtu,
    Origin,
    Peer,
    PolicyRule,
    Reading,
    Route,
    Stated,
    parse_mtu,
)

_ROW = re.compile(r"\| ([A-Za-z0-9_.-]+) \| ([0-9./]+) \|")
_MTU = re.compile(r"    ip link set dev ([A-Za-z0-9_.-]+) mtu ([0-9]+)")
_COMMAND, _RULE_COMMAND = "ip route replace ", "ip rule add "
_RULES = "## Packet filter"
KEEPALIVED_SECTION, HAPROXY_SECTION = "## keepalived", "## HAProxy"
_FILES = (_RULES, KEEPALIVED_SECTION, HAPROXY_SECTION)
"""Sections that hold a file of a program's."""
_LINKS = "## Links"
_TUNNEL = "## WireGuard "
_PEER_WORDS: Mapping[str, PeerWord] = {
    "PublicKey": "key",
    "AllowedIPs": "allowed",
    "Endpoint": "endpoint",
    "PersistentKeepalive": "keepalive",
}
_POST_UP = re.compile(r"wg set %i private-key (/\S+)")


def read_handoff(file: str, text: str) -> Reading:
    """The device's interfaces, routes, policy rules and kernel parameters; for what it refuses, and what moves
    virtual addresses, see handoff_file."""
    reading = Reading()
    addresses: dict[str, list[Address]] = {}
    routes: list[Route] = []
    mtus: dict[str, Mtu] = {}
    rules: list[PolicyRule] = []
    heading = ""
    parameters = [""] * (text.count("\n") + 1)
    for number, line in enumerate(text.split("\n"), start=1):
        origin = Origin(file=file, line=number)
        if line.startswith("#"):
            heading = line
            continue
        row = _ROW.fullmatch(line)
        if row and heading == "## Addresses" and (address := parse_address(row[2])):
            addresses.setdefault(row[1], []).append(Address(ip=address[0], length=address[1], origin=origin))
        elif line.startswith(f"    {_COMMAND}") and heading == "## Routes":
            try:
                words = line.strip().removeprefix(_COMMAND).split()
                route = parse_whole_route(words, origin)
                at = route.next_hops[0].interface if route.next_hops else route.interface
                routes.append(replace(route, interface=at))
            except Misread as misread:
                reading.note_unknown(origin, line, misread.reason)
        elif (sized := _MTU.fullmatch(line)) and heading == "## Packet sizes" and (mtu := parse_mtu(sized[2], origin)):
            mtus[sized[1]] = mtu
        elif line.startswith(f"    {_RULE_COMMAND}") and heading == "## Policy rules":
            try:
                rules.append(parse_rule(line.strip().removeprefix(_RULE_COMMAND).split(), origin))
            except Misread as misread:
                reading.note_unknown(origin, line, misread.reason)
        elif line.startswith("    ") and heading == "## Kernel parameters":
            parameters[number - 1] = line
        elif heading == _LINKS or heading.startswith(_TUNNEL) or (line.startswith("    ") and heading in _FILES):
            continue  # what a person makes, and see handoff_file and _tunnel
        elif line.startswith(("    ", "|")) and not _is_table_head(line):
            reading.note_unknown(origin, line, "not a line that a hand-off sheet has")
    reading.devices += (_tunnel(name, told, file, reading) for name, told in _tunnels(text).items())
    read = read_sysctl(file, "\n".join(parameters))
    reading.settings += read.settings
    reading.unknown += read.unknown
    _add_links(addresses, routes, mtus, file, reading)
    if rules and reading.links:
        reading.links[0] = replace(reading.links[0], rules=tuple(rules))
    return reading


def _tunnels(text: str) -> dict[str, str]:
    """The lines of each tunnel's section, by the name of its interface, each at its place in the sheet."""
    told: dict[str, list[str]] = {}
    heading = ""
    for number, line in enumerate(text.split("\n")):
        heading = line if line.startswith("#") else heading
        if heading.startswith(_TUNNEL):
            lines = told.setdefault(heading.removeprefix(_TUNNEL), [""] * number)
            lines.append(line.removeprefix("    ") if line.startswith("    ") else "")
    return {name: "\n".join(lines) for name, lines in told.items()}


def _tunnel(name: str, text: str, file: str, reading: Reading) -> Device:
    """The tunnel that a sheet asks for, in the words of wg-quick; prose around it counts for nothing."""
    start = Origin(file=file, line=1)
    device = Device(manager="hand", name=name, kind=Kind.WIREGUARD, origin=start)
    peers: dict[int, Peer] = {}
    for entry in read_entries(text, file, "#;"):
        if isinstance(entry, Oddity):
            continue
        post_up = _POST_UP.fullmatch(entry.value)
        port = parse_port(entry.value)
        if entry.section == "Peer":
            peer = peers.setdefault(entry.number, Peer(origin=entry.origin))
            changed = change_peer(peer, entry, _PEER_WORDS)
            if changed is None:
                reading.note_unknown(entry.origin, f"{entry.key} = {entry.value}", "not known of a peer")
            peers[entry.number] = changed or peer
        elif entry.key == "ListenPort" and port is not None:
            device = replace(device, port=Stated(value=port, origin=entry.origin))
        elif entry.key == "PostUp" and post_up is not None:
            device = replace(device, key_file=Stated(value=post_up[1], origin=entry.origin))
        elif entry.key not in ("Address", "MTU") and (entry.key, entry.value) != ("Table", "off"):
            reading.note_unknown(entry.origin, f"{entry.key} = {entry.value}", "not known of a WireGuard interface")
    return replace(device, peers=tuple(peer for peer in peers.values() if peer.key is not None))


def handoff_ruleset(text: str) -> str:
    """Return the ruleset that a hand-off sheet asks nft to load, each line at its place in the sheet; "" if none."""
    return handoff_file(text, _RULES)


def handoff_file(text: str, section: str) -> str:
    """Return the file that a section of a sheet holds, each line at its place in the sheet; "" if none."""
    heading = ""
    lines = []
    for line in text.split("\n"):
        heading = line if line.startswith("#") else heading
        lines.append(line.removeprefix("    ") if line.startswith("    ") and heading == section else "")
    return "\n".join(lines) if any(lines) else ""


def _is_table_head(line: str) -> bool:
    return line in ("| interface | address |", "|---|---|")


def _add_links(
    addresses: dict[str, list[Address]], routes: list[Route], mtus: dict[str, Mtu], file: str, reading: Reading
) -> None:
    start = Origin(file=file, line=1)
    homeless = [route for route in routes if route.interface is None]
    for name in dict.fromkeys([*addresses, *(route.interface for route in routes if route.interface)]):
        mine = [route for route in routes if route.interface == name] + homeless
        homeless = []
        own = tuple(addresses.get(name, ()))
        link = Link(manager="hand", origin=start, name=name, addresses=own, routes=tuple(mine), mtu=mtus.get(name))
        reading.links.append(link)
