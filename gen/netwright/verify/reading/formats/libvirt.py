"""libvirt's network XML (https://libvirt.org/formatnetwork.html)."""

import re
from collections.abc import Iterator

from netwright.verify.reading.formats.xml_elements import Element, UnreadXml, read_elements
from netwright.verify.values.addresses import AddressNumber, Prefix, network_of, parse_ip, parse_number
from netwright.verify.values.facts import (
    MODES,
    WRITES_AGAIN,
    Address,
    LibvirtNetwork,
    Link,
    Mode,
    Origin,
    Reading,
    Route,
    parse_mtu,
)

_IRRELEVANT = frozenset({"name", "uuid", "dns", "domain", "mac", "title", "description"})
_OF_BRIDGES = frozenset({"name", "stp", "delay"})
_BELOW = frozenset({"dns", "ip"})
"""Elements whose children (dhcp, host, forwarder) decide nothing about forwarding."""


def read_libvirt(file: str, text: str) -> Reading:
    """The network that the file defines."""
    reading = Reading()
    try:
        root = read_elements(file, text)
    except UnreadXml as error:
        reading.note_unknown(error.origin, "", f"{error}; {WRITES_AGAIN}", whole=True)
        return reading
    elements = [*_flatten(root, ())]
    names = (child.text for child in root.children if (root.tag, child.tag) == ("network", "name"))
    _read_elements(elements, "".join(names), file, reading)
    return reading


def _flatten(element: Element, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, str], Origin]]:
    """Each element with the tags that lead to it, in the order of the text."""
    path = (*above, element.tag)
    yield path, element.attributes, element.origin
    for child in element.children:
        yield from _flatten(child, path)


def _read_elements(
    elements: list[tuple[tuple[str, ...], dict[str, str], Origin]], name: str, file: str, reading: Reading
) -> None:
    mode: Mode = "isolated"
    bridge = mtu = None
    addresses: list[Address] = []
    routes: list[Route] = []
    for path, attributes, origin in elements:
        tag = path[-1]
        if _decides_nothing(path) or (path, attributes) == _JOINED:
            continue
        if path == ("network", "forward") and set(attributes) == {"mode"} and attributes["mode"] in MODES:
            mode = MODES[attributes["mode"]]
        elif path == ("network", "bridge") and re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", attributes.get("name", "")):
            bridge = attributes["name"]
            for key in sorted(attributes.keys() - _OF_BRIDGES):
                # A zone, for one, needs firewalld, and without it libvirt does not start the network.
                reading.note_unknown(origin, f'{key}="{attributes[key]}"', "not known of a bridge")
        elif path == ("network", "mtu") and (found := parse_mtu(attributes.get("size", ""), origin)):
            mtu = found
        elif path == ("network", "ip") and (address := _address(attributes, origin)):
            addresses.append(address)
        elif path == ("network", "route") and (route := _route(attributes, origin)):
            routes.append(route)
        elif attributes.get("family") != "ipv6":
            shown = " ".join([tag, *(f'{key}="{value}"' for key, value in attributes.items())])
            reading.note_unknown(origin, f"<{shown}>", "not known in a network")
    start = Origin(file=file, line=1)
    if any((path, attributes) == _JOINED for path, attributes, _ in elements):
        for origin in [one.origin for one in addresses] + [one.origin for one in routes]:
            reading.note_unknown(origin, "", "libvirt configures no bridge that the host makes itself")
        return
    if bridge is None:
        reading.note_unknown(start, "", "no bridge name: libvirt will choose one")
        return
    kept = _kept(elements)
    link = Link(manager="libvirt", origin=start, name=bridge, addresses=tuple(addresses), routes=tuple(routes), mtu=mtu)
    reading.networks.append(LibvirtNetwork(name=name, mode=mode, bridge=link, kept=kept))


def _kept(elements: list[tuple[tuple[str, ...], dict[str, str], Origin]]) -> dict[str, AddressNumber]:
    """Return the addresses that dnsmasq leases to machines, by their hardware address."""
    kept = {}
    for path, attributes, _ in elements:
        ip = parse_ip(attributes.get("ip", "")) if path == ("network", "ip", "dhcp", "host") else None
        if ip is not None:
            kept[attributes.get("mac", "").lower()] = ip
    return kept


_JOINED = ("network", "forward"), {"mode": "bridge"}
"""Guests join a bridge of the host's own, which libvirt leaves as it is."""


def _decides_nothing(path: tuple[str, ...]) -> bool:
    if len(path) == 2:
        return path[1] in _IRRELEVANT
    return len(path) < 2 or path[1] in _BELOW


def _address(attributes: dict[str, str], origin: Origin) -> Address | None:
    ip, length = parse_ip(attributes.get("address", "")), parse_number(attributes.get("prefix", ""), 32)
    if ip is None or length is None or attributes.get("family", "ipv4") != "ipv4":
        return None
    return Address(ip=ip, length=length, origin=origin)


def _route(attributes: dict[str, str], origin: Origin) -> Route | None:
    address = _address(attributes, origin)
    gateway = parse_ip(attributes.get("gateway", ""))
    # libvirt's own default for a route without a metric is 1.
    metric = parse_number(attributes.get("metric", "1"), 0xFFFFFFFF)
    if address is None or gateway is None or metric is None:
        return None
    to = network_of(address.ip, address.length)
    if to.first != address.ip:
        return None
    return Route(to=Prefix(first=to.first, length=to.length), gateway=gateway, metric=metric, origin=origin)
