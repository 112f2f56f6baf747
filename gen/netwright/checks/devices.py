"""Devices: what netwright configures is there, on segments that carry what it sends."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from netwright.checks.device_names import device_kind
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.flows.tunnels import LARGEST_MTU
from netwright.model import Interface, Network, Node, Wireguard
from netwright.topology.links import USUAL_MTU
from netwright.topology.settings import makes_bridge


def interface_is_made(survey: Survey) -> Iterator[Violation]:
    """An interface of a configured node is a network card, a bridge that libvirt makes, or what its key states: a
    `bond`, `bridge`, `vlan`, `dummy` or `wireguard` device.

    NetworkManager does not activate an Ethernet profile on a device of software, and systemd-networkd waits for a
    device that does not appear. On Flatcar, a Butane snippet may bring the `.netdev` file that creates another one.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {br0: {network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces:
              eno1: {}
              br0: {bridge: {members: [eno1]}, network: front, address: 10.17.3.13}
    """
    for node in survey.nodes:
        if not node.is_managed or _brings_devices(node):
            continue
        for interface in (link for link in node.links if link.device is None):
            kind = device_kind(interface.name)
            if kind is not None and not any(_is_hosted(network, node) for network in _networks(survey, interface)):
                yield error(interface.cause, _unmade(node, interface.name, kind), node=node.name, on_key=True)


def _networks(survey: Survey, interface: Interface) -> Iterator[Network]:
    return filter(None, map(survey.resolved.network_of, interface.attachments))


def _is_hosted(network: Network, node: Node) -> bool:
    """Return whether libvirt makes the network's bridge on the node; another rule checks if it is this interface."""
    return makes_bridge(network) and (network.router is None or network.router.value == node.name)


def _brings_devices(node: Node) -> bool:
    """Return whether files of the user's own may create the node's devices."""
    has_butane = node.system.provisioning == "ignition"
    return has_butane and (bool(node.butane_snippets) or (node.dropins_only is not None and node.dropins_only.value))


_STATED: Mapping[str, str] = {
    "bridge": "bridge: {members: [eno1]}",
    "bond": "bond: {members: [eno1, eno2]}",
    "VLAN": "vlan: {on: eno1}",
    "dummy device": "dummy: {}",
    "WireGuard tunnel": "wireguard: {public_key: KEY} and a network with wireguard: {}",
}
"""The keys that make a device, by its kind."""


def _unmade(node: Node, name: str, kind: str) -> str:
    cure = "name the network card (eno1), or configure the node by other means and set os: unmanaged"
    if name.startswith("virbr"):
        cure = f"set libvirt: {{bridge: {name}}} and router: {node.name} at its network"
    elif kind in _STATED:
        cure = f"set {_STATED[kind]} at it, or name the network card (eno1)"
    elif node.system.provisioning == "ignition":
        cure = "name the network card (eno1), or add a butane snippet with the .netdev file that creates it"
    a = "an" if kind[0] in "aeiou" else "a"
    return f"{name} of {node.name} is {a} {kind} by its name, and nothing creates it; {cure}"


def cards_are_on_different_networks(survey: Survey) -> Iterator[Violation]:
    """No two interfaces of a node have addresses in the same network.

    Linux answers ARP for either address by both cards, and sends by the one whose route came first: packets come in by
    the card that the answer does not leave by, and `rp_filter` drops them. Two cards for one network are a bond, or one
    of them has the address of another network.

    Fails:

        nodes:
          lb2:
            os: rocky10
            interfaces: {eth0: {network: front, address: 10.17.3.13}, eth1: {network: front, address: 10.17.3.14}}

    Passes:

        nodes:
          lb2:
            os: rocky10
            interfaces: {eth0: {network: front, address: [10.17.3.13, 10.17.3.14]}}
    """
    for node in survey.nodes:
        if not node.is_managed:
            continue
        first: dict[str, Interface] = {}
        for connection in survey.connections[node.name]:
            network, interface = connection.network.name, connection.interface
            other = first.setdefault(network, interface)
            if other is not interface:
                message = (
                    f"{interface.name} and {other.name} of {node.name} are both on {network} "
                    f"({connection.network.cidr}): ARP and answers take the wrong card; "
                    "give one card both addresses, or the other card another network"
                )
                yield warning(interface.cause, message, node=node.name, related=(other.cause,), on_key=True)


def mtu_is_the_same_on_a_segment(survey: Survey) -> Iterator[Violation]:
    """The interfaces on one layer-2 segment have the same MTU.

    A card drops a frame that is longer than its own MTU allows, and tells the sender nothing: small packets arrive, and
    large ones do not. The MTU is that of the interface, else of its network, else 1500; an unmanaged device's counts
    where it is set.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13, mtu: 9000}}}

    Passes:

        networks:
          front: {mtu: 9000}
    """
    members: dict[str, dict[tuple[str, str], tuple[Node, Interface, Network]]] = defaultdict(dict)
    for node in survey.nodes:
        for connection in survey.connections[node.name]:
            interface, network = connection.interface, connection.network
            if interface.mtu is not None or node.is_managed:
                members[network.segment].setdefault((node.name, interface.name), (node, interface, network))
    for segment in members.values():
        yield from _odd_mtus(tuple(segment.values()))


def _odd_mtus(members: tuple[tuple[Node, Interface, Network], ...]) -> Iterator[Violation]:
    """The interfaces whose MTU is not that of most on the segment; of equally many, one that none sets itself."""
    by_mtu: dict[int, list[tuple[Node, Interface]]] = defaultdict(list)
    for node, interface, _ in members:
        by_mtu[_mtu(interface)].append((node, interface))
    usual, ((fellow, example), *_) = max(by_mtu.items(), key=lambda item: (len(item[1]), not _is_set_at(item[1][0][1])))
    for node, interface, network in members:
        mtu = _mtu(interface)
        if mtu != usual:
            receiver = f"{interface.name} of {node.name}"
            sender = f"{example.name} of {fellow.name}"
            large, sender, receiver = (usual, sender, receiver) if usual > mtu else (mtu, receiver, sender)
            message = (
                f"MTU {mtu} of {interface.name} of {node.name} differs from {usual} of others on {network.name}: "
                f"packets of {large} octets from {sender} end at {receiver}; set one mtu at the network"
            )
            path = interface.mtu.cause if interface.mtu is not None else interface.cause
            yield warning(path, message, node=node.name)


def _is_set_at(interface: Interface) -> bool:
    """Return whether the interface's MTU is set at itself, and not at its network or nowhere."""
    return interface.mtu is not None and interface.mtu.cause[0] != "networks"


def _mtu(interface: Interface) -> int:
    """The interface's MTU; a tunnel's ends have the same unless they state one."""
    if interface.mtu is not None:
        return interface.mtu.value
    return LARGEST_MTU if isinstance(interface.device, Wireguard) else USUAL_MTU


RULES = (
    interface_is_made,
    cards_are_on_different_networks,
    mtu_is_the_same_on_a_segment,
)
