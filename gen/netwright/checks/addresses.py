"""Addresses: in their network, and each only once."""

from collections.abc import Iterator

from netaddr import IPAddress, IPNetwork

from netwright.checks.spans import nested, span
from netwright.checks.survey import Owner, Survey
from netwright.checks.violation import Violation, error
from netwright.text.source import TopologyPath
from netwright.topology.settings import K3S_SERVICES


def address_is_in_its_network(survey: Survey) -> Iterator[Violation]:
    """An interface's address lies in the network that the interface is on.

    The prefix length is the network's; an address outside it makes a node that none of its neighbours can reach.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.4.13}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    for owner in _attachments(survey):
        network = survey.resolved.network_of(owner.attachment)
        ip = owner.attachment.ip
        if network is not None and ip not in network.cidr:
            other = survey.network_at(ip)
            hint = (
                f"that is an address of {other.name}" if other else f"one of its addresses is {_a_host(network.cidr)}"
            )
            message = f"{ip} is not in {network.name} ({network.cidr}); {hint}"
            yield error(owner.attachment.cause, message, node=owner.node.name)


def address_is_a_host(survey: Survey) -> Iterator[Violation]:
    """An interface's address is neither its network's first one nor its broadcast address.

    Both mean the network as a whole. Networks of one or two addresses (/32, /31) have no such addresses.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.255}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.254}}}
    """
    for owner in _attachments(survey):
        network = survey.resolved.network_of(owner.attachment)
        if network is not None and (meaning := whole_network_address(owner.attachment.ip, network.cidr)):
            message = (
                f"{owner.attachment.ip} is the {meaning} of {network.name} ({network.cidr}); a host has another one"
            )
            yield error(owner.attachment.cause, message, node=owner.node.name)


def whole_network_address(ip: IPAddress, network: IPNetwork) -> str | None:
    """Return the meaning of an address that is a network's first or last one, None if it is a host's."""
    if network.prefixlen >= 31:
        return None
    return {network.first: "network address", network.last: "broadcast address"}.get(int(ip))


def addresses_are_unique(survey: Survey) -> Iterator[Violation]:
    """No two interfaces have the same address.

    Neighbours send to whichever of the two answered ARP last: both work now and then, and none does always.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.12}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    for owner in _attachments(survey):
        first = survey.owners[int(owner.attachment.ip)]
        if first.attachment is not owner.attachment:
            holder = f"{first.node.name} {first.interface.name}"
            message = f"{owner.attachment.ip} is the address of {holder} too; give each its own"
            yield error(owner.attachment.cause, message, node=owner.node.name, related=(first.attachment.cause,))


def macs_are_unique(survey: Survey) -> Iterator[Violation]:
    """No two interfaces have the same MAC address.

    The configuration of an interface with a `mac` is bound to it: with the same one twice, the wrong interface
    may get it.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13, mac: "52:54:00:00:03:12"}}}
          lb3: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.14, mac: "52:54:00:00:03:12"}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.13, mac: "52:54:00:00:03:13"}}}
          lb3: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.14, mac: "52:54:00:00:03:14"}}}
    """
    first: dict[str, tuple[str, TopologyPath]] = {}
    for node in survey.nodes:
        for interface in node.links:
            if interface.mac is None:
                continue
            holder, place = first.setdefault(
                interface.mac.value, (f"{node.name} {interface.name}", interface.mac.cause)
            )
            if place is not interface.mac.cause:
                message = f"{interface.mac.value} is the MAC address of {holder} too; every interface has its own"
                yield error(interface.mac.cause, message, node=node.name, related=(place,))


def networks_do_not_overlap(survey: Survey) -> Iterator[Violation]:
    """The networks, the pod network and the service network have no address in common.

    An address in two networks has two routes, and which one is taken depends on the node that asks.

    Fails:

        networks:
          lan: {cidr: 10.17.0.0/16}

    Passes:

        networks:
          lan: {cidr: 192.168.0.0/24}
    """
    ranges = (((name, path), network) for name, network, path in _ranges(survey))
    for ((name, path), network), ((other, place), wider) in nested(ranges):
        same = "is" if network == wider else "lies in"
        message = f"{network} of {name} {same} {wider} of {other}; give each its own addresses"
        yield error(path, message, related=(place,))


def _ranges(survey: Survey) -> Iterator[tuple[str, IPNetwork, TopologyPath]]:
    kubernetes = survey.resolved.topology.kubernetes
    if kubernetes is not None:
        yield "kubernetes.pods", kubernetes.pods, ("kubernetes", "pods", "cidr")
        if kubernetes.services is not None:
            yield "kubernetes.services", kubernetes.services, ("kubernetes", "services", "cidr")
        elif kubernetes.plugin == "flannel" and any(node.role is not None for node in survey.nodes):
            yield "kubernetes.services (K3s's default)", K3S_SERVICES, ("kubernetes",)
    for network in survey.networks:
        yield network.name, network.cidr, (*network.cause, "cidr")


def networks_are_unicast(survey: Survey) -> Iterator[Violation]:
    """Networks, pods and services have addresses that hosts can have.

    The kernel and other devices treat 0.0.0.0/8, 127.0.0.0/8 (loopback) and everything from 224.0.0.0 (multicast and
    reserved) specially.

    Fails:

        networks:
          lan: {cidr: 127.16.0.0/24}

    Passes:

        networks:
          lan: {cidr: 172.16.0.0/24}
    """
    for name, network, path in _ranges(survey):
        for taken, meaning in _NOT_FOR_HOSTS:
            if span(network).meets(span(taken)):
                message = (
                    f"{network} of {name} has addresses in {taken} ({meaning}); take a private one such as 10.17.3.0/24"
                )
                yield error(path, message)


_NOT_FOR_HOSTS = (
    (IPNetwork("0.0.0.0/8"), "this host"),
    (IPNetwork("127.0.0.0/8"), "loopback"),
    (IPNetwork("224.0.0.0/3"), "multicast and reserved"),
)


def interface_is_on_one_segment(survey: Survey) -> Iterator[Violation]:
    """The networks of one interface share a layer-2 segment.

    An interface is plugged into one segment. Networks that share it have the same `segment`.

    Fails:

        nodes:
          probe:
            os: rocky10
            default_route: {via: 10.17.3.1}
            interfaces: {eth0: {networks: {front: 10.17.3.9, back: 10.17.4.9}}}

    Passes:

        networks:
          front: {segment: lab}
          back: {segment: lab}
        nodes:
          probe:
            os: rocky10
            default_route: {via: 10.17.3.1}
            interfaces: {eth0: {networks: {front: 10.17.3.9, back: 10.17.4.9}}}
    """
    for node in survey.nodes:
        for interface in node.interfaces:
            networks = [network for one in interface.attachments if (network := survey.resolved.network_of(one))]
            strange = next((network for network in networks if network.segment != networks[0].segment), None)
            if strange is not None:
                message = (
                    f"{interface.name} of {node.name} is on {networks[0].name} and {strange.name}, "
                    f"different segments; give both networks the same segment, or {node.name} another interface"
                )
                yield error((*interface.cause, "networks", strange.name), message, node=node.name, on_key=True)


def _attachments(survey: Survey) -> Iterator[Owner]:
    for node in survey.nodes:
        for interface in node.interfaces:
            for attachment in interface.attachments:
                yield Owner(node=node, interface=interface, attachment=attachment)


def _a_host(network: IPNetwork) -> IPAddress:
    return IPAddress(network.first + (1 if network.prefixlen < 31 else 0))


RULES = (
    address_is_in_its_network,
    address_is_a_host,
    addresses_are_unique,
    macs_are_unique,
    networks_do_not_overlap,
    networks_are_unicast,
    interface_is_on_one_segment,
)
