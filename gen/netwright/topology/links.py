"""The links of a node among themselves: which one carries another's frames."""

from collections.abc import Mapping

from msgspec import Struct

from netwright.model import Bridge, Interface, Node, Setting, Vlan, below, members_of
from netwright.text.source import TopologyPath

USUAL_MTU = 1500
"""Octets: what a network card has where nothing is set (Linux, ETH_DATA_LEN)."""


def controllers(node: Node) -> dict[str, Interface]:
    """Return the bond or bridge that each of its members belongs to, by the member's name; of two the first."""
    found: dict[str, Interface] = {}
    for link in node.links:
        for member in members_of(link.device):
            found.setdefault(member.value, link)
    return found


def vlans_on(node: Node) -> dict[str, tuple[Interface, ...]]:
    """Return the VLAN interfaces on each link that has some, by its name."""
    found: dict[str, tuple[Interface, ...]] = {}
    for link in node.links:
        if isinstance(link.device, Vlan):
            parent = link.device.parent.value
            found[parent] = (*found.get(parent, ()), link)
    return found


def carried_by(node: Node) -> Mapping[str, tuple[Interface, ...]]:
    """Return the links whose frames each link carries, by its name: its controller, and the VLANs on it."""
    carried: dict[str, tuple[Interface, ...]] = {}
    for link in node.links:
        for lower in below(link.device):
            carried[lower.value] = (*carried.get(lower.value, ()), link)
    return carried


def link_mtus(node: Node) -> dict[str, Setting[int]]:
    """Return the MTU of each link that has one: its own, else the largest of those whose frames it carries.

    A device without one, on a link that has one, gets the usual: else it would be a matter of what comes up first.
    """
    if all(link.device is None for link in node.links):
        return {link.name: link.mtu for link in node.links if link.mtu is not None}
    carried = carried_by(node)
    mtus: dict[str, Setting[int]] = {}
    for link in node.links:
        mtu = link.mtu or _largest_above(link.name, carried, frozenset())
        if mtu is not None:
            mtus[link.name] = mtu
    for link in node.links:
        if link.name not in mtus and any(lower.value in mtus for lower in below(link.device)):
            mtus[link.name] = Setting(value=USUAL_MTU, cause=link.cause)
    return mtus


def _largest_above(
    name: str, carried: Mapping[str, tuple[Interface, ...]], seen: frozenset[str]
) -> Setting[int] | None:
    """Return the largest MTU that a link above sets; links in a circle, which a check reports, count once."""
    found: list[Setting[int]] = []
    for link in carried.get(name, ()) if name not in seen else ():
        mtu = link.mtu or _largest_above(link.name, carried, seen | {name})
        if mtu is not None:
            found.append(mtu)
    return max(found, key=lambda mtu: mtu.value, default=None)


class PortVlans(Struct, frozen=True, kw_only=True):
    """The VLANs that a port of a bridge carries: that of untagged frames, and those with tags in their order."""

    untagged: int | None
    tagged: tuple[int, ...]

    @property
    def every(self) -> frozenset[int]:
        """All of them."""
        return frozenset((*self.tagged, *filter(None, [self.untagged])))


def port_vlans(node: Node) -> dict[str, PortVlans]:
    """Return what each port of a bridge that filters VLANs carries, by its name, and what the bridge itself does: those
    of the VLAN interfaces on it."""
    found: dict[str, PortVlans] = {}
    stacked = vlans_on(node)
    for link in node.links:
        bridge = link.device
        if not isinstance(bridge, Bridge) or not bridge.vlan_filtering:
            continue
        stated = {port.name.value: port for port in bridge.ports}
        above = [tag[0] for vlan in stacked.get(link.name, ()) if (tag := tag_of(vlan)) is not None]
        for name in (link.name, *(member.value for member in bridge.members)):
            port = stated.get(name)
            untagged = bridge.untagged or (port.untagged if port is not None else None)
            tagged = {*(tag.value for tag in (port.tagged if port is not None else ()))}
            found[name] = PortVlans(
                untagged=untagged.value if untagged is not None else None,
                tagged=tuple(sorted(tagged.union(above if name == link.name else ()))),
            )
    return found


def tag_of(link: Interface) -> tuple[int, TopologyPath] | None:
    """Return the tag of a VLAN interface's frames and the place that sets it, None if it has none."""
    if not isinstance(link.device, Vlan) or link.device.tag is None:
        return None
    return link.device.tag.value, link.device.tag.cause
