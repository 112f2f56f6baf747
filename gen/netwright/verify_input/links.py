"""Interfaces as the topology states them: cards, and devices with what stands below them."""

from collections.abc import Iterator, Mapping
from typing import assert_never

from netwright import verify
from netwright.flows.tunnels import find_tunnels
from netwright.model import (
    Bond,
    Bridge,
    Device,
    Dummy,
    Interface,
    Node,
    Vlan,
    Wireguard,
    below,
)
from netwright.topology.links import PortVlans, port_vlans, tag_of
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import libvirt_bridges
from netwright.verify.values.facts import BondMode, Kind
from netwright.verify.values.wiring import AssignedPort, AssignedTunnel, StatedCard


def state_card(interface: Interface) -> StatedCard | None:
    match = interface.match
    if match is None:
        return None
    driver, path, name = (one.value if one is not None else None for one in (match.driver, match.path, match.name))
    return StatedCard(driver=driver, path=path, name=name, renamed=match.renames)


def has_devices(node: Node) -> bool:
    """Return whether the node has other links than network cards with an address."""
    return any(link.device is not None or not link.attachments for link in node.links)


def state_links(resolved: ResolvedTopology, node: Node) -> Iterator[verify.AssignedLink]:
    """The links of a node but for the bridges that libvirt makes."""
    libvirts, carried = libvirt_bridges(resolved, node), port_vlans(node)
    for link in node.links:
        if link.name not in libvirts:
            tag = tag_of(link)
            yield verify.AssignedLink(
                name=link.name,
                kind=kind_of(link.device),
                below=tuple(lower.value for lower in below(link.device)),
                tag=tag[0] if tag is not None else None,
                mode=BondMode(link.device.effective_mode) if isinstance(link.device, Bond) else None,
                mac=link.mac.value if link.mac is not None else None,
                tunnel=_tunnel(resolved, node, link),
                card=state_card(link),
                ports=tuple(_ports(link, carried)),
            )


def _ports(link: Interface, carried: Mapping[str, PortVlans]) -> Iterator[AssignedPort]:
    """The ports of a bridge that filters VLANs, and the bridge itself."""
    if isinstance(link.device, Bridge) and link.device.vlan_filtering:
        for name in (link.name, *(member.value for member in link.device.members)):
            vlans = carried[name]
            yield AssignedPort(name=name, untagged=vlans.untagged, tagged=frozenset(vlans.tagged))


def _tunnel(resolved: ResolvedTopology, node: Node, link: Interface) -> AssignedTunnel | None:
    if not isinstance(link.device, Wireguard):
        return None
    peers = (end for end in find_tunnels(resolved).ends_on(link) if end.node is not node)
    stated, port = link.device.endpoint, link.device.port.value
    return AssignedTunnel(
        key_file=link.device.private_key_file.value,
        key=link.device.public_key.value,
        peers=frozenset(peer.device.public_key.value for peer in peers),
        endpoint=None if stated is None else stated.value if ":" in stated.value else f"{stated.value}:{port}",
    )


def kind_of(device: Device | None) -> Kind | None:
    match device:
        case None:
            return None
        case Vlan():
            return Kind.VLAN
        case Bond():
            return Kind.BOND
        case Bridge():
            return Kind.BRIDGE
        case Dummy():
            return Kind.DUMMY
        case Wireguard():
            return Kind.WIREGUARD
        case _:
            assert_never(device)
