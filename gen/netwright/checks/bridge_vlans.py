"""Bridges that filter VLANs: ports that are there, numbers that are clear, and frames that find a port."""

from collections.abc import Iterator

from netwright.checks.links import devices_of
from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, unknown
from netwright.model import Bridge, Interface, Node
from netwright.text.source import TopologyPath
from netwright.topology.links import PortVlans, port_vlans, tag_of, vlans_on


def bridge_filters_what_is_stated(survey: Survey) -> Iterator[Violation]:
    """A bridge with `untagged` or `ports` has `vlan_filtering: true`.

    Without it every frame passes between all ports, whatever its tag.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0: {bridge: {members: [eno1], untagged: 5}, network: front, address: 10.17.3.13}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0: {bridge: {members: [eno1], vlan_filtering: true, untagged: 5}, network: front, address: 10.17.3.13}
    """
    for node, link, bridge in _bridges(survey):
        stated = bridge.untagged.cause if bridge.untagged is not None else None
        place = stated or (bridge.ports[0].name.cause[:-1] if bridge.ports else None)
        if place is not None and not bridge.vlan_filtering:
            message = f"{link.name} of {node.name} filters no VLANs; set vlan_filtering: true, or remove {place[-1]}"
            yield error(place, message, node=node.name, on_key=True)


def filtered_port_is_a_member(survey: Survey) -> Iterator[Violation]:
    """The ports whose VLANs a bridge states are its members, or the bridge itself.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0:
                bridge: {members: [eno1], vlan_filtering: true, untagged: 5, ports: {eno2: {tagged: [6]}}}
                network: front
                address: 10.17.3.13

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0:
                bridge: {members: [eno1], vlan_filtering: true, untagged: 5, ports: {eno1: {tagged: [6]}}}
                network: front
                address: 10.17.3.13
    """
    for node, link, bridge in _bridges(survey):
        names = (*(member.value for member in bridge.members), link.name)
        for port in bridge.ports:
            if port.name.value not in names:
                yield unknown(f"port of {link.name}", port.name.value, port.name.cause, Names(names), node=node.name)


def port_has_each_vlan_once(survey: Survey) -> Iterator[Violation]:
    """A port has one VLAN of untagged frames, the bridge's or its own, and that one is not among those with a tag.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0:
                bridge: {members: [eno1], vlan_filtering: true, untagged: 5, ports: {eno1: {tagged: [5, 6]}}}
                network: front
                address: 10.17.3.13

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0:
                bridge: {members: [eno1], vlan_filtering: true, untagged: 5, ports: {eno1: {tagged: [6]}}}
                network: front
                address: 10.17.3.13
    """
    for node, link, bridge in _bridges(survey):
        for port in bridge.ports:
            if bridge.untagged is not None and port.untagged is not None:
                message = (
                    f"every port of {link.name} has VLAN {bridge.untagged.value} untagged; remove this, or state "
                    "untagged at the ports only"
                )
                yield error(port.untagged.cause, message, node=node.name, related=(bridge.untagged.cause,))
            untagged = bridge.untagged or port.untagged
            for tag in port.tagged:
                if untagged is not None and tag.value == untagged.value:
                    message = f"{port.name.value} has VLAN {tag.value} untagged already; remove it from tagged"
                    yield error(tag.cause, message, node=node.name, related=(untagged.cause,))


def bridge_carries_what_is_on_it(survey: Survey) -> Iterator[Violation]:
    """A port of a bridge that filters VLANs carries those of the interfaces on it, and of its own address.

    What no port carries reaches no other machine. A bridge without members, for guests, is not judged.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0: {bridge: {members: [eno1], vlan_filtering: true, ports: {eno1: {tagged: [6]}}}}
              br0.5: {vlan: {on: br0, id: 5}, network: front, address: 10.17.3.13}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0: {bridge: {members: [eno1], vlan_filtering: true, ports: {eno1: {tagged: [5, 6]}}}}
              br0.5: {vlan: {on: br0, id: 5}, network: front, address: 10.17.3.13}
    """
    for node, link, bridge in _bridges(survey):
        if not bridge.vlan_filtering:
            continue
        vlans = port_vlans(node)
        carried = [vlans[member.value] for member in bridge.members]
        for place, number in _numbers_on(node, link, vlans[link.name]):
            if number is None:
                message = f"{link.name} of {node.name} has an address and no VLAN of untagged frames; set untagged"
                yield error(place, message, node=node.name, on_key=True)
            elif carried and not any(number in port.every for port in carried):
                message = (
                    f"no port of {link.name} of {node.name} carries VLAN {number}; add it to one in its bridge's ports"
                )
                yield error(place, message, node=node.name, related=(link.cause,))


def _numbers_on(node: Node, bridge: Interface, own: PortVlans) -> Iterator[tuple[TopologyPath, int | None]]:
    """Yield the VLANs of a bridge's own address and of the VLAN interfaces on it, each with its place."""
    if bridge.attachments or bridge.dhcp is not None:
        yield bridge.cause, own.untagged
    for vlan in vlans_on(node).get(bridge.name, ()):
        tag = tag_of(vlan)
        if tag is not None:
            yield vlan.cause, tag[0]


def _bridges(survey: Survey) -> Iterator[tuple[Node, Interface, Bridge]]:
    for node, link in devices_of(survey):
        if isinstance(link.device, Bridge):
            yield node, link, link.device


RULES = (
    bridge_filters_what_is_stated,
    filtered_port_is_a_member,
    port_has_each_vlan_once,
    bridge_carries_what_is_on_it,
)
