"""libvirt's networks as their XML defines them, read by Python's own parser: bridges, addresses, routes and rules."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from msgspec import Struct

from netwright.lab.namespaces import LabError
from netwright.lab.servers import Server
from netwright.verify.values.addresses import AddressNumber


class DefinedNetwork(Struct, frozen=True, kw_only=True):
    """A network: its bridge, the bridge's addresses, routes as ip takes them, and how it forwards."""

    bridge: str
    mode: str
    addresses: tuple[ipaddress.IPv4Interface, ...]
    routes: tuple[str, ...]
    kept: tuple[tuple[str, str], ...] = ()
    """The addresses that it leases, by hardware address."""


def read_networks(out: Path, node: str) -> tuple[DefinedNetwork, ...]:
    """The networks whose bridges libvirt makes on a node. Raises LabError for what libvirt would not define."""
    read = (_read(path) for path in sorted((out / node / "libvirt").glob("*.xml")))
    return tuple(network for network in read if network.mode != "bridge")


def _read(path: Path) -> DefinedNetwork:
    text = path.read_text(encoding="utf-8")
    try:
        if "<!DOCTYPE" in text:
            raise ValueError("a document type, which libvirt's networks have none of")
        root = ElementTree.fromstring(text)  # noqa: S314
        bridge = root.find("bridge")
        forward = root.find("forward")
        return DefinedNetwork(
            bridge=bridge.attrib["name"] if bridge is not None else "",
            mode=forward.get("mode", "nat") if forward is not None else "isolated",
            addresses=tuple(_interface(element) for element in root.findall("ip") if _is_ipv4(element)),
            routes=tuple(_route(element) for element in root.findall("route") if _is_ipv4(element)),
            kept=tuple((host.attrib["mac"], host.attrib["ip"]) for host in root.findall("ip/dhcp/host")),
        )
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise LabError(f"{path}: libvirt would not define this: {error}") from error


def _is_ipv4(element: ElementTree.Element) -> bool:
    return element.get("family", "ipv4") == "ipv4"


def _interface(element: ElementTree.Element) -> ipaddress.IPv4Interface:
    return ipaddress.IPv4Interface(f"{element.attrib['address']}/{element.get('prefix') or element.attrib['netmask']}")


def _route(element: ElementTree.Element) -> str:
    return f"{_interface(element)} via {element.attrib['gateway']} metric {element.get('metric', '1')}"


def bridge_lines(network: DefinedNetwork) -> Iterator[str]:
    """Return the commands for ip that make a bridge as libvirt does."""
    yield f"link set {network.bridge} up"
    yield from (f"address add {address} dev {network.bridge}" for address in network.addresses)
    yield from (f"route append {route} dev {network.bridge}" for route in network.routes)


def server_of(node: str, network: DefinedNetwork) -> Iterator[Server]:
    """The server for the addresses that a network keeps, none if it keeps none."""
    if network.kept and network.addresses:
        own = network.addresses[0]
        yield Server(
            space=node,
            interface=network.bridge,
            ip=AddressNumber(int(own.ip)),
            length=own.network.prefixlen,
            kept={mac.lower(): int(ipaddress.IPv4Address(ip)) for mac, ip in network.kept},
            own=False,
        )


def ruleset(networks: tuple[DefinedNetwork, ...]) -> str:
    """The rules that libvirt adds for networks of modes other than open, "" if it adds none."""
    ruled = [network for network in networks if network.mode != "open"]
    if not ruled:
        return ""
    forward = [f'iifname "{network.bridge}" oifname "{network.bridge}" accept' for network in ruled]
    for network in ruled:
        answers = {"nat": "ct state established,related ", "route": ""}
        if network.mode in answers:
            rule = f'oifname "{network.bridge}" ip daddr {{}} {answers[network.mode]}accept'
            forward += (rule.format(own) for own in _prefixes(network))
        forward.append(f'oifname "{network.bridge}" reject')
    for network in ruled:
        if network.mode in ("nat", "route"):
            forward += (f'iifname "{network.bridge}" ip saddr {own} accept' for own in _prefixes(network))
        forward.append(f'iifname "{network.bridge}" reject')
    translated = [
        f"ip saddr {own} {rule}"
        for network in ruled
        if network.mode == "nat"
        for own in _prefixes(network)
        for rule in ("ip daddr { 224.0.0.0/24, 255.255.255.255 } return", f"ip daddr != {own} masquerade")
    ]
    return _table("forward", "type filter hook forward priority filter;", forward) + _table(
        "postrouting", "type nat hook postrouting priority srcnat;", translated
    )


def _prefixes(network: DefinedNetwork) -> list[str]:
    return [str(address.network) for address in network.addresses]


def _table(name: str, head: str, rules: list[str]) -> str:
    body = "".join(f"\t\t{line}\n" for line in (head, *rules))
    return f"table ip libvirt {{\n\tchain {name} {{\n{body}\t}}\n}}\n"
