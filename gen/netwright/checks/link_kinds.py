"""What each kind of device needs: the numbers of VLANs, bridges of others, keyfiles, dummy devices."""

from collections.abc import Iterator

from netwright.checks.links import devices_of, kind_of
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.model import Dummy, Interface, Node, Vlan
from netwright.text.source import TopologyPath
from netwright.topology.settings import libvirt_bridges

_OTHERS_BRIDGES = ("cni0", "docker0", "virbr0", "cbr0", "lxcbr0", "lxdbr0", "podman0", "kube-bridge")


def vlan_has_a_number(survey: Survey) -> Iterator[Violation]:
    """A VLAN interface has a number, its network's `vlan` or its own `id`, and no two on one interface have the same.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eno1: {}, eno1.5: {vlan: {on: eno1}, network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              eno1.5: {vlan: {on: eno1, id: 5}, network: front, address: 10.17.3.13}
    """
    for node in survey.nodes:
        first: dict[tuple[str, int], tuple[str, TopologyPath]] = {}
        for link in node.links:
            if not isinstance(link.device, Vlan):
                continue
            if link.device.tag is None:
                networks = [at.network for at in link.attachments]
                where = f"vlan: NUMBER at {networks[0]}, or id: NUMBER here" if networks else "id: NUMBER"
                yield error(
                    link.device.parent.cause[:-1], f"{link.name} of {node.name} has no VLAN number; set {where}"
                )
                continue
            tag, parent = link.device.tag, link.device.parent.value
            other, place = first.setdefault((parent, tag.value), (link.name, link.cause))
            if place is not link.cause:
                message = (
                    f"{other} of {node.name} has VLAN {tag.value} on {parent} too; give one of them another network"
                )
                yield error(link.cause, message, node=node.name, related=(place,), on_key=True)


def vlan_number_is_the_same_on_a_segment(survey: Survey) -> Iterator[Violation]:
    """VLAN interfaces on a network that states no `vlan` have the same number.

    A switch keeps frames of different numbers apart. Where a switch translates numbers, set the network's `vlan`, and
    `id` where it differs.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              eno1.5: {vlan: {on: eno1, id: 5}, network: front, address: 10.17.3.13}
          lb3:
            os: rocky10
            interfaces:
              eno1: {}
              eno1.6: {vlan: {on: eno1, id: 6}, network: front, address: 10.17.3.14}

    Passes:

        networks:
          front: {vlan: 5}
        nodes:
          lb2: {os: rocky10, interfaces: {eno1: {}, eno1.5: {vlan: {on: eno1}, network: front, address: 10.17.3.13}}}
          lb3: {os: rocky10, interfaces: {eno1: {}, eno1.5: {vlan: {on: eno1}, network: front, address: 10.17.3.14}}}
    """
    first: dict[str, tuple[int, str, TopologyPath]] = {}
    for node, link in devices_of(survey):
        segment = survey.resolved.segment_of(link)
        network = next(filter(None, map(survey.resolved.network_of, link.attachments)), None)
        if not isinstance(link.device, Vlan) or link.device.tag is None or segment is None or network is None:
            continue
        if network.vlan is not None:
            continue
        tag = link.device.tag
        number, holder, place = first.setdefault(segment, (tag.value, f"{link.name} of {node.name}", tag.cause))
        if number != tag.value:
            message = (
                f"{link.name} of {node.name} has VLAN {tag.value}, and {holder} on the same network {number}; "
                f"set vlan: {number} at {network.name}"
            )
            yield error(tag.cause, message, node=node.name, related=(place,))


def bridge_is_of_the_node(survey: Survey) -> Iterator[Violation]:
    """A bridge that the node makes has not the name of one that libvirt, Docker or the CNI makes.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              docker0: {bridge: {members: [eno1]}, network: front, address: 10.17.3.13}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0: {bridge: {members: [eno1]}, network: front, address: 10.17.3.13}
    """
    for node, link in devices_of(survey):
        network = libvirt_bridges(survey.resolved, node).get(link.name)
        if network is not None:
            message = f"libvirt makes {link.name} of {node.name}, for {network.name}; remove {kind_of(link)} here"
            yield error(link.cause, message, node=node.name, on_key=True)
        elif link.name in _OTHERS_BRIDGES:
            message = f"another program makes {link.name} on {node.name} when it starts; call this one otherwise (br0)"
            yield error(link.cause, message, node=node.name, on_key=True)


def devices_are_in_keyfiles(survey: Survey) -> Iterator[Violation]:
    """A Rocky node with a bond, another made device, or DHCP has its network configuration in keyfiles.

    ifcfg files have forms for them, which no later release reads.

    Fails:

        nodes:
          lb2:
            os: rocky8
            interfaces:
              eno1: {}
              br0: {bridge: {members: [eno1]}, network: front, address: 10.17.3.13}

    Passes:

        nodes:
          lb2:
            os: rocky8
            network_config: keyfile
            interfaces: {eno1: {}, br0: {bridge: {members: [eno1]}, network: front, address: 10.17.3.13}}
    """
    for node in survey.nodes:
        link = next((one for one in node.links if one.device is not None or one.dhcp is not None), None)
        formats = node.system.network_configs
        chosen = node.network_config.value if node.network_config is not None else next(iter(formats), None)
        if link is not None and chosen == "ifcfg" and chosen in formats:
            what = f"is a {kind_of(link)}" if link.device is not None else "has a lease"
            message = f"{link.name} of {node.name} {what}, for which netwright writes keyfiles only"
            yield error(link.cause, f"{message}; set network_config: keyfile", node=node.name, on_key=True)


def dummy_is_alone_on_its_network(survey: Survey) -> Iterator[Violation]:
    """A dummy device is the only interface on its network.

    It leads nowhere: of packets for other addresses of the network those of its machine end in it, and no other machine
    gets an answer from it on a segment. A route leads to it, by another address of its machine.

    Fails:

        networks:
          loop: {cidr: 10.99.0.0/24}
        nodes:
          lb1: {interfaces: {dummy0: {dummy: {}, network: loop, address: 10.99.0.1}}}
          gw: {interfaces: {dummy0: {dummy: {}, network: loop, address: 10.99.0.2}}}

    Passes:

        networks:
          loop: {cidr: 10.99.0.1/32}
          other-loop: {cidr: 10.99.0.2/32}
        nodes:
          lb1: {interfaces: {dummy0: {dummy: {}, network: loop, address: 10.99.0.1}}}
          gw: {interfaces: {dummy0: {dummy: {}, network: other-loop, address: 10.99.0.2}}}
    """
    on: dict[str, list[tuple[Node, Interface]]] = {}
    for node in survey.nodes:
        for connection in survey.connections[node.name]:
            on.setdefault(connection.network.name, []).append((node, connection.interface))
    for node, link in devices_of(survey):
        for network in dict.fromkeys(at.network for at in link.attachments) if isinstance(link.device, Dummy) else ():
            other = next((one for one in on.get(network, ()) if one[1] is not link), None)
            if other is not None:
                message = (
                    f"{link.name} of {node.name} leads nowhere, and {other[0].name} is on {network} too; "
                    "give it a network of its own"
                )
                yield warning(link.cause, message, node=node.name, related=(other[1].cause,), on_key=True)


RULES = (
    vlan_has_a_number,
    vlan_number_is_the_same_on_a_segment,
    bridge_is_of_the_node,
    devices_are_in_keyfiles,
    dummy_is_alone_on_its_network,
)
