"""handoff.md: what a device that netwright does not configure is asked to have."""

import re

from msgspec.structs import replace

from netwright.verify.reading.formats.iproute import Misread, parse_route, parse_rule
from netwright.verify.reading.formats.sysctl import read_sysctl
from netwright.verify.values.addresses import parse_address
from netwright.verify.values.facts import Address, Link, Mtu, Origin, PolicyRule, Reading, Route, parse_mtu

_ROW = re.compile(r"\| ([A-Za-z0-9_.-]+) \| ([0-9./]+) \|")
_MTU = re.compile(r"    ip link set dev ([A-Za-z0-9_.-]+) mtu ([0-9]+)")
_COMMAND, _RULE_COMMAND = "ip route replace ", "ip rule add "
_RULES = "## Packet filter"
_LINKS = "## Links"


def read_handoff(file: str, text: str) -> Reading:
    """The device's interfaces, routes, policy rules and kernel parameters; for what it refuses see handoff_ruleset."""
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
                routes.append(parse_route(words, origin, metric=0, strict=False))
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
        elif heading == _LINKS or (line.startswith("    ") and heading == _RULES):
            continue  # what a person makes, and see handoff_ruleset
        elif line.startswith(("    ", "|")) and not _is_table_head(line):
            reading.note_unknown(origin, line, "not a line that a hand-off sheet has")
    read = read_sysctl(file, "\n".join(parameters))
    reading.settings += read.settings
    reading.unknown += read.unknown
    _add_links(addresses, routes, mtus, file, reading)
    if rules and reading.links:
        reading.links[0] = replace(reading.links[0], rules=tuple(rules))
    return reading


def handoff_ruleset(text: str) -> str:
    """Return the ruleset that a hand-off sheet asks nft to load, each line at its place in the sheet; "" if none."""
    heading = ""
    lines = []
    for line in text.split("\n"):
        heading = line if line.startswith("#") else heading
        lines.append(line.removeprefix("    ") if line.startswith("    ") and heading == _RULES else "")
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
