"""libvirt's network XML (`virsh net-dumpxml`) -> the network it defines."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from xml.parsers import expat

from netaddr import AddrFormatError, IPAddress, IPNetwork

from gen.importing.errors import ImportFileError, read_bytes

_NAME = re.compile(r"[^a-z0-9]+")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class LibvirtDefinition:
    """A network: name as a topology may have it, bridge, forward mode, and the bridge's IPv4 addresses."""

    name: str
    bridge: str
    forward: str
    addresses: tuple[tuple[IPAddress, IPNetwork], ...]


def read_libvirt(path: str) -> LibvirtDefinition:
    """The network that a file defines (https://libvirt.org/formatnetwork.html); ImportFileError if it is none."""
    content = read_bytes(path)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ImportFileError(path, "has a document type, which libvirt never writes; take virsh net-dumpxml's output")
    try:
        root = ET.fromstring(content)  # noqa: S314 (entities were refused above)
    except (ET.ParseError, expat.ExpatError, ValueError) as error:
        raise ImportFileError(path, f"is not XML: {error}; write it with virsh net-dumpxml NAME") from None
    name, bridge = root.findtext("name"), root.find("bridge")
    if root.tag != "network" or not name or bridge is None or not bridge.get("name"):
        raise ImportFileError(path, "is no libvirt network with a bridge; write it with virsh net-dumpxml NAME")
    if not _INTERFACE.fullmatch(str(bridge.get("name"))):
        raise ImportFileError(path, f"has the bridge {bridge.get('name')}, which is no interface's name; correct it")
    forward = root.find("forward")
    mode = "isolated" if forward is None else forward.get("mode", "nat")
    if mode not in {"open", "route", "nat", "isolated"}:
        raise ImportFileError(path, f"forwards in mode {mode}, which is not routed by the host; leave this network out")
    ips = [ip for ip in root.findall("ip") if ip.get("family", "ipv4") == "ipv4"]
    if not ips:
        raise ImportFileError(path, "gives its bridge no IPv4 address; leave this network out")
    return LibvirtDefinition(
        name=_NAME.sub("-", name.lower()).strip("-") or "network",
        bridge=str(bridge.get("name")),
        forward=mode,
        addresses=tuple(_address(ip, path) for ip in ips),
    )


def _address(ip: ET.Element, path: str) -> tuple[IPAddress, IPNetwork]:
    """The bridge's address and network; libvirt takes a prefix, or a netmask, or neither (then the class's)."""
    address, length = ip.get("address", ""), ip.get("prefix") or ip.get("netmask")
    if length is None:
        raise ImportFileError(path, f"gives {address} no prefix; add prefix='24' or the like")
    try:
        network = IPNetwork(f"{address}/{length}")
    except (AddrFormatError, ValueError):
        raise ImportFileError(path, f"has the address {address}/{length}, which is none") from None
    return network.ip, network.cidr
