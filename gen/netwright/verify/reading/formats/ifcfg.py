"""ifcfg-IF and route-IF files, as NetworkManager's ifcfg-rh plugin reads them.

No Debian package has the plugin, so that these rules are read, not seen: in nm-settings-ifcfg-rh(5), and in the source
of the plugin, src/core/settings/plugins/ifcfg-rh/nms-ifcfg-rh-reader.c (NetworkManager 1.32), by its functions:

- make_connection_setting: ONBOOT is yes if it is missing; without UUID the path gives one; AUTOCONNECT_PRIORITY.
- make_ip4_setting: no BOOTPROTO, `none` and `static` are manual where an address is given, any unknown word rejects the
  connection; DEFROUTE=no leaves out GATEWAY; a name server DNS1 to DNS10 that is no address rejects the connection;
  addresses are read from IPADDR, IPADDR0 and IPADDR1 on until, from IPADDR2, one is missing.
- read_full_ip4_address: PREFIX, else NETMASK, else the length of the address's class; a PREFIX or address that is none
  rejects the connection; of several GATEWAYs the first counts.
- read_route_file_parse: a line that is not understood is left out, the others are taken; comments are whole lines.
- parse_route_line: an option that occurs twice, a word that is not known and a number that is not decimal make the
  line one that is not understood; `dev` is ignored.
"""

import re
import shlex
from collections.abc import Mapping

from msgspec.structs import replace

from netwright.verify.reading.formats.iproute import Misread, parse_route, parse_rule
from netwright.verify.values.addresses import EVERYWHERE, AddressNumber, parse_ip, parse_number
from netwright.verify.values.facts import Address, Link, Origin, Reading, Route, parse_mtu

_IRRELEVANT = re.compile(
    r"NAME=.+|UUID=[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|TYPE=Ethernet"
    r"|DNS[0-9]+=|DOMAIN=.*|IPV6(?:INIT|_AUTOCONF|_DEFROUTE|_FAILURE_FATAL|FORWARDING)=(?:yes|no)"
    r"|IPV6_(?:ADDR_GEN_MODE|PRIVACY)=[\w-]*|PROXY_METHOD=none|BROWSER_ONLY=(?:yes|no)|IPV4_FAILURE_FATAL=(?:yes|no)"
    r"|USERCTL=no|PEERDNS=(?:yes|no)|DHCP.*=.*"
)
_NAME_SERVER, _IPV6 = re.compile(r"DNS[0-9]+"), re.compile(r"[0-9a-fA-F]*:[0-9a-fA-F:]+")
_PRIORITY = re.compile(r"-?[0-9]{1,3}")
_WANTED = {
    "BOOTPROTO": ("none", "static"),
    "ONBOOT": ("yes",),
    "NM_CONTROLLED": ("yes",),
    "DEFROUTE": ("yes", "no"),
}
_UNNUMBERED, _LAST_OPTIONAL = -1, 1
"""IPADDR comes before IPADDR0, and from IPADDR2 on a gap ends the list (nms-ifcfg-rh-reader.c)."""
_ADDRESS = re.compile(r"(IPADDR|PREFIX|NETMASK)([0-9]*)")


def read_ifcfg(file: str, text: str, routes: tuple[str, str] | None) -> Reading:
    """One interface, from its ifcfg file and the (shown name, text) of its route file, if there is one."""
    reading = Reading()
    start = Origin(file=file, line=1)
    lines = _last_assignments(text)
    stated = parse_number(_value_of("IPV4_ROUTE_METRIC", lines) or "", 0xFFFFFFFF)
    leads_out = _value_of("DEFROUTE", lines) != "no"
    link = Link(manager="NetworkManager", origin=start, metric=stated)
    ips: dict[int, tuple[AddressNumber, Origin]] = {}
    lengths: dict[int, int] = {}
    for number, line in lines.items():
        origin = Origin(file=file, line=number)
        key, value = _assignment(line)
        if key == "GATEWAY" and not leads_out:
            continue
        address = _ADDRESS.fullmatch(key)
        if address and value is not None and _note_address(address, value, origin, ips, lengths):
            continue
        changed = _change_link(link, key, value, origin) if value is not None else None
        if changed is None:
            reading.note_unknown(origin, line, "not known in an ifcfg file")
        else:
            link = changed
    for index in sorted(ips):
        ip, origin = ips[index]
        if index > _LAST_OPTIONAL + 1 and index - 1 not in ips:
            reading.note_unknown(origin, "", "IPADDR with a number behind a gap is never read")
        if index not in lengths:
            reading.note_unknown(origin, "", "IPADDR without PREFIX: its length is guessed")
        link = replace(link, addresses=(*link.addresses, Address(ip=ip, length=lengths.get(index, 24), origin=origin)))
    if routes is not None:
        link = _add_routes(link, routes, reading)
    if link.name is None and link.mac is None:
        reading.note_unknown(start, "", "neither DEVICE nor HWADDR")
    reading.links.append(link)
    return reading


def _last_assignments(text: str) -> dict[int, str]:
    """The lines by their numbers, without comments and without those whose key is assigned again."""
    lines: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            key, value = _assignment(line)
            lines[key if value is not None else line] = number, line
    return dict(sorted(lines.values()))


def _value_of(wanted: str, lines: Mapping[int, str]) -> str | None:
    return next((value for key, value in map(_assignment, lines.values()) if key == wanted), None)


def _assignment(line: str) -> tuple[str, str | None]:
    key, equals, value = line.strip().partition("=")
    if not equals or line != line.strip():
        return key, None
    try:
        words = shlex.split(value)
    except ValueError:
        return key, None
    # Two words would be an assignment and a command to the legacy scripts; $ and ` are the shell's.
    if len(words) > 1 or set(value) & set("$`\\;&|"):
        return key, None
    return key, words[0] if words else ""


def _note_address(
    found: re.Match[str],
    value: str,
    origin: Origin,
    ips: dict[int, tuple[AddressNumber, Origin]],
    lengths: dict[int, int],
) -> bool:
    index = int(found[2]) if found[2] else _UNNUMBERED
    if found[1] == "IPADDR":
        ip = parse_ip(value)
        if ip is not None:
            ips[index] = (ip, origin)
        return ip is not None
    length = parse_number(value, 32) if found[1] == "PREFIX" else None
    if length is not None:
        lengths[index] = length
    return length is not None


def _change_link(link: Link, key: str, value: str, origin: Origin) -> Link | None:
    """The link with the assignment, None if it is not known."""
    if key == "DEVICE":
        return replace(link, name=value) if ":" not in value else None
    if key == "HWADDR":
        return replace(link, mac=value.lower())
    if key == "MTU":
        mtu = parse_mtu(value, origin)
        return replace(link, mtu=mtu) if mtu is not None else None
    if key in _WANTED:
        return link if value in _WANTED[key] else None
    if key == "GATEWAY":
        gateway = parse_ip(value)
        if gateway is None:
            return None
        route = Route(to=EVERYWHERE, gateway=gateway, metric=link.default_metric, origin=origin)
        return replace(link, routes=(*link.routes, route))
    if key == "ZONE":
        return replace(link, zone=value or None) if re.fullmatch(r"[\w-]*", value) else None
    if key == "IPV4_ROUTE_METRIC":
        number = parse_number(value, 0xFFFFFFFF)
        return link if number is not None and number == link.metric else None
    if key.startswith("ROUTING_RULE_"):
        try:
            return replace(link, rules=(*link.rules, parse_rule(value.split(), origin)))
        except Misread:
            return None
    if key == "AUTOCONNECT_PRIORITY" and _PRIORITY.fullmatch(value):
        return replace(link, priority=int(value))
    if _NAME_SERVER.fullmatch(key) and (parse_ip(value) is not None or _IPV6.fullmatch(value)):
        return link
    return link if _IRRELEVANT.fullmatch(f"{key}={value}") else None


def _add_routes(link: Link, routes: tuple[str, str], reading: Reading) -> Link:
    file, text = routes
    for number, line in enumerate(text.split("\n"), start=1):
        origin = Origin(file=file, line=number)
        if not line.strip() or line.startswith("#"):
            continue
        try:
            route = parse_route(line.split(), origin, metric=link.default_metric, strict=True)
        except Misread as misread:
            reading.note_unknown(origin, line, misread.reason)
            continue
        if "\r" in line or route.interface not in (None, link.name) or (link.name is None and route.interface is None):
            reading.note_unknown(origin, line, "the line ends in CR, or names another interface than the file")
            continue
        link = replace(link, routes=(*link.routes, replace(route, interface=None)))
    return link
