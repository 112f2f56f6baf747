"""libvirt's network XML (`virsh net-dumpxml`) -> the network it defines."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Container, Iterator, Mapping
from xml.parsers import expat

from msgspec import Struct, field
from netaddr import AddrFormatError, IPAddress, IPNetwork

from netwright.importing.errors import ImportFileError, read_bytes

_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_MAC = re.compile(r"[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}", re.ASCII)
_MODES = frozenset({"open", "route", "nat", "isolated"})
_TAKEN = {
    "name": frozenset[str](),
    "uuid": frozenset[str](),
    "bridge": frozenset({"name", "stp", "delay"}),
    "mac": frozenset({"address"}),
    "mtu": frozenset({"size"}),
    "forward": frozenset({"mode"}),
}
"""Elements that a topology determines, with their attributes; libvirt chooses uuid and mac again."""


class LibvirtRoute(Struct, frozen=True, kw_only=True):
    """A static route on a network's bridge."""

    to: IPNetwork
    via: IPAddress
    metric: int | None


class LibvirtService(Struct, frozen=True, kw_only=True):
    """What dnsmasq is told of a network: whether it leases addresses, and of which range; the addresses that it keeps,
    each with a hardware address; the domain, and names with their addresses."""

    leases: bool = False
    range: tuple[IPAddress, IPAddress] | None = None
    kept: Mapping[IPAddress, str] = field(default_factory=dict)
    domain: str | None = None
    names: Mapping[str, IPAddress] = field(default_factory=dict)


class LibvirtDefinition(Struct, frozen=True, kw_only=True):
    """A network: libvirt's name of it, bridge, forward mode, the bridge's IPv4 addresses with their networks, IPv4
    routes, MTU (octets), whether dnsmasq answers DNS and what else it is told, and as XML what no topology has a key
    for."""

    name: str
    bridge: str
    forward: str
    addresses: tuple[tuple[IPAddress, IPNetwork], ...]
    routes: tuple[LibvirtRoute, ...] = ()
    mtu: int | None = None
    dns: bool = True
    left_out: tuple[str, ...] = ()
    served: LibvirtService = field(default_factory=LibvirtService)


def read_libvirt(path: str) -> LibvirtDefinition:
    """Return the network that a file defines (https://libvirt.org/formatnetwork.html). Raises ImportFileError."""
    root = _parse(path)
    name, bridge = root.findtext("name"), root.find("bridge")
    if root.tag != "network" or not name or bridge is None or not bridge.get("name"):
        raise ImportFileError(path, "is no libvirt network with a bridge; write it with virsh net-dumpxml NAME")
    if not _INTERFACE.fullmatch(str(bridge.get("name"))):
        raise ImportFileError(path, f"has the bridge {bridge.get('name')}, which is no interface's name; correct it")
    forward = root.find("forward")
    mode = "isolated" if forward is None else forward.get("mode", "nat")
    if mode not in _MODES:
        raise ImportFileError(path, f"forwards in mode {mode}, which is not routed by the host; leave this network out")
    addresses = tuple(_address(ip, path) for ip in root.findall("ip") if _is_ipv4(ip))
    if not addresses:
        raise ImportFileError(path, "gives its bridge no IPv4 address; leave this network out")
    dns = root.find("dns")
    served, taken = _read_service(root)
    return LibvirtDefinition(
        name=name,
        bridge=str(bridge.get("name")),
        forward=mode,
        addresses=addresses,
        routes=tuple(_route(route, path) for route in root.findall("route") if _is_ipv4(route)),
        mtu=_mtu(root, path),
        dns=dns is None or dns.get("enable", "yes") == "yes",
        left_out=tuple(_left_out(root, taken)),
        served=served,
    )


def _read_service(root: ET.Element) -> tuple[LibvirtService, frozenset[int]]:
    """Return what dnsmasq is told, as far as a topology has keys for it, and the elements that say so by their id()."""
    taken: list[ET.Element] = []
    domain = root.find("domain")
    names: dict[str, IPAddress] = {}
    if domain is not None and set(domain.keys()) <= {"name", "localOnly"} and _DOMAIN.fullmatch(domain.get("name", "")):
        taken.append(domain)
    for host in root.findall("dns/host"):
        told = {one.text or "": ip for one in host.findall("hostname") if (ip := _ip(host.get("ip"))) is not None}
        if told and all(_DOMAIN.fullmatch(name) for name in told):
            names |= told
            taken.append(host)
    dhcp = next((one for ip in root.findall("ip") if _is_ipv4(ip) for one in ip.findall("dhcp")), None)
    found, kept = None, {}
    for element in dhcp if dhcp is not None else ():
        ends = (_ip(element.get("start")), _ip(element.get("end")))
        if element.tag == "range" and None not in ends and found is None and not [*element]:
            found = ends
            taken.append(element)
        ip, mac = _ip(element.get("ip")), element.get("mac", "")
        if element.tag == "host" and ip is not None and _MAC.fullmatch(mac) and not [*element]:
            kept[ip] = mac
            taken.append(element)
    service = LibvirtService(
        leases=dhcp is not None,
        range=found,  # type: ignore[arg-type]
        kept=kept,
        domain=domain.get("name") if domain is not None and domain in taken else None,
        names=names,
    )
    return service, frozenset(map(id, taken))


def _ip(text: str | None) -> IPAddress | None:
    try:
        return IPAddress(text or "", version=4)
    except (AddrFormatError, ValueError):
        return None


def _parse(path: str) -> ET.Element:
    content = read_bytes(path)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ImportFileError(path, "has a document type, which libvirt never writes; take virsh net-dumpxml's output")
    try:
        return ET.fromstring(content)  # noqa: S314 (entities were refused above)
    except (ET.ParseError, expat.ExpatError, ValueError) as error:
        raise ImportFileError(path, f"is not XML: {error}; write it with virsh net-dumpxml NAME") from None


def _is_ipv4(element: ET.Element) -> bool:
    return element.get("family", "ipv4") == "ipv4"


def _address(ip: ET.Element, path: str) -> tuple[IPAddress, IPNetwork]:
    """The bridge's address and network; libvirt takes a prefix, or a netmask, or neither (then the class's)."""
    address, length = ip.get("address", ""), ip.get("prefix") or ip.get("netmask")
    if length is None:
        raise ImportFileError(path, f"gives {address} no prefix; add prefix='24' or the like")
    network = _network(address, length, path)
    return network.ip, network.cidr


def _route(route: ET.Element, path: str) -> LibvirtRoute:
    address, length = route.get("address", ""), route.get("prefix") or route.get("netmask") or "32"
    gateway, metric = route.get("gateway", ""), route.get("metric")
    try:
        via = IPAddress(gateway)
    except (AddrFormatError, ValueError):
        raise ImportFileError(path, f"routes {address} by {gateway}, which is no address; correct it") from None
    if metric is not None and not re.fullmatch(r"[0-9]{1,9}", metric, re.ASCII):
        raise ImportFileError(path, f"routes {address} with the metric {metric}, which is no number; correct it")
    to = _network(address, length, path).cidr
    return LibvirtRoute(to=to, via=via, metric=int(metric) if metric is not None else None)


def _network(address: str, length: str, path: str) -> IPNetwork:
    try:
        return IPNetwork(f"{address}/{length}")
    except (AddrFormatError, ValueError):
        raise ImportFileError(path, f"has the address {address}/{length}, which is none") from None


def _mtu(root: ET.Element, path: str) -> int | None:
    mtu = root.find("mtu")
    if mtu is None:
        return None
    size = mtu.get("size", "")
    if not re.fullmatch(r"[0-9]{3,5}", size, re.ASCII) or not 576 <= int(size) <= 65535:
        raise ImportFileError(path, f"has the MTU {size}, which is no number from 576 to 65535; correct it")
    return int(size)


def _left_out(root: ET.Element, taken: Container[int]) -> Iterator[str]:
    """Yield what no topology has a key for, an XML element each, without those that are `taken` by their id()."""
    for element in root:
        inner = [*element]
        if id(element) in taken:
            continue
        if element.tag == "dns" or (element.tag in ("ip", "route") and _is_ipv4(element)):
            below = (one for child in inner for one in (child if child.tag == "dhcp" else (child,)))
            yield from (_xml(child) for child in below if id(child) not in taken)
        elif not (element.tag in _TAKEN and not inner and set(element.keys()) <= _TAKEN[element.tag]):
            yield _xml(element)


def _xml(element: ET.Element) -> str:
    """The element in one line."""
    return " ".join(ET.tostring(element, encoding="unicode").split())
