"""Links of a node among themselves: bonds, bridges and VLANs on what can carry them, and what has an address."""

from collections.abc import Iterator

from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, unknown, warning
from netwright.model import Bond, Bridge, Interface, Node, Setting, Vlan, below, members_of
from netwright.topology.links import USUAL_MTU, carried_by, link_mtus


def members_are_interfaces(survey: Survey) -> Iterator[Violation]:
    """The members of a bond or bridge, and what a VLAN is on, are interfaces of the node.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              bond0: {bond: {members: [eno1, eno2]}, network: front, address: 10.17.3.13}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              eno2: {}
              bond0: {bond: {members: [eno1, eno2]}, network: front, address: 10.17.3.13}
    """
    for node, link in devices_of(survey):
        names = tuple(one.name for one in node.links)
        for lower in below(link.device):
            if lower.value not in names:
                yield unknown(f"interface of {node.name}", lower.value, lower.cause, Names(names), node=node.name)


def devices_stand_on_cards(survey: Survey) -> Iterator[Violation]:
    """No bond, bridge or VLAN is, over others, a part of itself.

    Fails:

        nodes:
          lb1:
            interfaces:
              br0: {bridge: {members: [br1]}}
              br1: {bridge: {members: [br0]}}

    Passes:

        nodes:
          lb1:
            interfaces:
              eth1: {}
              br0: {bridge: {members: [eth1]}}
    """
    for node in survey.nodes:
        links = {link.name: link for link in node.links}
        for link in node.links:
            circle = _circle(link, links)
            if circle is not None and link.name == min(circle):
                way = " on ".join((*circle, link.name))
                message = f"{way}: nothing carries their frames; end with a network card"
                yield error(link.cause, message, node=node.name, on_key=True)


def _circle(link: Interface, links: dict[str, Interface]) -> tuple[str, ...] | None:
    """Return the links from this one down to itself, None if the way down does not come back."""
    ways: list[tuple[str, ...]] = [(link.name,)]
    seen = set()
    while ways:
        way = ways.pop()
        current = links.get(way[-1])
        for lower in below(current.device) if current is not None else ():
            if lower.value == link.name:
                return way
            if lower.value not in seen:
                seen.add(lower.value)
                ways.append((*way, lower.value))
    return None


def member_belongs_to_one_device(survey: Survey) -> Iterator[Violation]:
    """An interface is a member of one bond or bridge at most, and carries no VLAN beside a bond.

    Fails:

        nodes:
          lb2:
            os: rocky10
            default_route: {via: 10.17.3.1}
            interfaces:
              eno1: {}
              bond0: {bond: {members: [eno1]}, network: front, address: 10.17.3.13}
              eno1.5: {vlan: {on: eno1, id: 5}, network: back, address: 10.17.4.13}

    Passes:

        nodes:
          lb2:
            os: rocky10
            default_route: {via: 10.17.3.1}
            interfaces:
              eno1: {}
              bond0: {bond: {members: [eno1]}, network: front, address: 10.17.3.13}
              bond0.5: {vlan: {on: bond0, id: 5}, network: back, address: 10.17.4.13}
    """
    for node in survey.nodes:
        first: dict[str, tuple[Interface, Setting[str]]] = {}
        for link, member in _memberships(node):
            other, place = first.setdefault(member.value, (link, member))
            if place is not member:
                message = f"{member.value} of {node.name} is a member of {other.name} already; name it once"
                yield error(member.cause, message, node=node.name, related=(place.cause,))
        for link in node.links:
            if isinstance(link.device, Vlan) and link.device.parent.value in first:
                bond, place = first[link.device.parent.value]
                if isinstance(bond.device, Bond):
                    parent = link.device.parent
                    message = f"{parent.value} of {node.name} is a member of {bond.name}; set on: {bond.name}"
                    yield error(parent.cause, message, node=node.name, related=(place.cause,))


def member_has_no_address(survey: Survey) -> Iterator[Violation]:
    """A member of a bond or bridge has no address: the bond or bridge has it.

    What comes in by a member is taken in by the bond or bridge; nothing arrives at an address of the member.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {network: front, address: 10.17.3.13}
              br0: {bridge: {members: [eno1]}}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0: {bridge: {members: [eno1]}, network: front, address: 10.17.3.13}
    """
    for node in survey.nodes:
        addressed = {link.name: link for link in node.links if link.attachments or link.dhcp is not None}
        for link, member in _memberships(node):
            holder = addressed.get(member.value)
            if holder is not None:
                message = f"{member.value} of {node.name} is a member of {link.name}; give {link.name} its address"
                place = holder.attachments[0].cause if holder.attachments else holder.cause
                yield error(place, message, node=node.name, related=(member.cause,))


def mtu_fits_below(survey: Survey) -> Iterator[Violation]:
    """An interface's MTU is not larger than that of what carries its frames.

    Where the lower interface states none it gets the largest of those above it.

    Fails:

        networks:
          front: {mtu: 9000}
        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {mtu: 1500}
              eno1.5: {vlan: {on: eno1, id: 5}, network: front, address: 10.17.3.13}

    Passes:

        networks:
          front: {mtu: 9000}
        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              eno1.5: {vlan: {on: eno1, id: 5}, network: front, address: 10.17.3.13}
    """
    for node, link in devices_of(survey):
        mtus = link_mtus(node)
        lowers = {one.name: one for one in node.links}
        upper = mtus[link.name].value if link.name in mtus else USUAL_MTU
        for name in (lower.value for lower in below(link.device)):
            stated = lowers[name].mtu if name in lowers else None
            if stated is not None and stated.value < upper:
                message = f"{name} of {node.name} carries {link.name}, whose MTU is {upper}; set mtu: {upper} here"
                yield error(stated.cause, message, node=node.name, related=(link.cause,))


def interface_is_used(survey: Survey) -> Iterator[Violation]:
    """An interface without an address is a member of a bond or bridge, carries a VLAN, or is a bridge for guests.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}, eth1: {}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    for node in survey.nodes:
        carried = carried_by(node)
        for link in node.links if node.interfaces else ():
            is_used = link.attachments or link.dhcp or link.name in carried
            if not is_used and not isinstance(link.device, Bridge):
                message = (
                    f"{link.name} of {node.name} has no address, and no bond, bridge or VLAN uses it; "
                    "set network and address, or remove it"
                )
                yield warning(link.cause, message, node=node.name, on_key=True)


def node_has_an_address(survey: Survey) -> Iterator[Violation]:
    """A node has an address; on one that is no part of the cluster it may be one that a DHCP server leases.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    for node in survey.nodes:
        needs_one = node.role is not None or node.internet or not any(link.dhcp for link in node.links)
        if not node.interfaces and needs_one:
            message = f"{node.name} has no address; set network and address at one of its interfaces"
            yield error((*node.cause, "interfaces"), message, node=node.name, on_key=True)


def kind_of(link: Interface) -> str:
    """The kind of a device, in the words of messages."""
    return type(link.device).__name__.lower().replace("vlan", "VLAN").replace("wireguard", "WireGuard tunnel")


def devices_of(survey: Survey) -> Iterator[tuple[Node, Interface]]:
    """Yield each interface that is no network card, with its node."""
    for node in survey.nodes:
        yield from ((node, link) for link in node.links if link.device is not None)


def _memberships(node: Node) -> Iterator[tuple[Interface, Setting[str]]]:
    for link in node.links:
        yield from ((link, member) for member in members_of(link.device))


RULES = (
    members_are_interfaces,
    devices_stand_on_cards,
    member_belongs_to_one_device,
    member_has_no_address,
    mtu_fits_below,
    interface_is_used,
    node_has_an_address,
)
