"""Leases: addresses that a DHCP server gives to interfaces, and libvirt's server for its guests."""

from collections.abc import Iterator

from netaddr import IPAddress

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.model import Interface, LibvirtBridge, Network, Node
from netwright.topology.settings import joined_networks


def lease_is_one_address(survey: Survey) -> Iterator[Violation]:
    """A server leases one address to an interface, which is no member of a bond or bridge and no bridge of libvirt's.

    Fails:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {dhcp: true, network: front, address: [10.17.3.13, 10.17.3.14]}}}

    Passes:

        nodes:
          lb2: {os: rocky10, interfaces: {eth0: {dhcp: true, network: front, address: 10.17.3.13}}}
    """
    for node, link in _leased(survey):
        if link.dhcp is not None and len(link.attachments) > 1:
            message = (
                f"a server leases one address to {link.name} of {node.name}, not {len(link.attachments)}; name one"
            )
            yield error(link.attachments[1].cause, message, node=node.name, related=(link.dhcp.cause,))


def libvirt_leases_what_is_asked(survey: Survey) -> Iterator[Violation]:
    """An interface with `dhcp` on a network of libvirt's is leased an address there, by its hardware address.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
          vm1:
            os: flatcar
            interfaces: {eth0: {dhcp: true, network: vms, address: 10.17.5.11, mac: "52:54:00:00:05:11"}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, dhcp: {}}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
          vm1:
            os: flatcar
            interfaces: {eth0: {dhcp: true, network: vms, address: 10.17.5.11, mac: "52:54:00:00:05:11"}}
    """
    for node, link in _leased(survey):
        network = survey.resolved.networks.get(link.dhcp.value) if link.dhcp is not None else None
        libvirt = network.libvirt if network is not None else None
        if link.dhcp is None or network is None or libvirt is None or libvirt.is_joined:
            continue
        where = f"{link.name} of {node.name}"
        if libvirt.dhcp is None:
            message = f"libvirt leases nothing on {network.name}; set libvirt: {{dhcp: {{}}}} there, or remove dhcp"
            yield error(link.dhcp.cause, message, node=node.name, related=(libvirt.cause,))
        elif link.attachments and link.mac is None:
            message = f"libvirt keeps the address of {where} by its hardware address; set mac"
            yield error(link.dhcp.cause, message, node=node.name)
        elif not link.attachments and libvirt.dhcp.value is None:
            message = (
                f"libvirt leases only what it keeps on {network.name}; set a range there, or the address of {where}"
            )
            yield error(link.dhcp.cause, message, node=node.name, related=(libvirt.dhcp.cause,))


def lease_range_is_free(survey: Survey) -> Iterator[Violation]:
    """The range of leased addresses lies in its network, no machine has one of them of its own, and none is virtual.

    Addresses that are kept for a machine may lie in the range: dnsmasq leases them to no other.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, dhcp: {range: [10.17.5.1, 10.17.5.99]}}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, dhcp: {range: [10.17.5.50, 10.17.5.99]}}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
    """
    for network, _ in _libvirt_networks(survey):
        leases = network.libvirt.dhcp if network.libvirt is not None else None
        if leases is None or leases.value is None:
            continue
        first, last = leases.value
        path = (*leases.cause, "range")
        hosts = (network.cidr.first + 1, network.cidr.last - 1)
        if not hosts[0] <= int(first) <= int(last) <= hosts[1]:
            message = (
                f"{first} to {last} is not among the machines' addresses of {network.name} ({network.cidr}); "
                f"they are {IPAddress(hosts[0])} to {IPAddress(hosts[1])}"
            )
            yield error(path, message)
            continue
        for node in survey.nodes:
            for link in node.interfaces:
                for at in link.attachments:
                    if link.dhcp is None and at.network == network.name and first <= at.ip <= last:
                        message = f"{node.name} has {at.ip} without asking for it; leave it out of the range of leases"
                        yield error(path, message, related=(at.cause,))
        for virtual in survey.resolved.topology.virtual_addresses:
            ip = virtual.ip.value
            if survey.owner(ip) is None and survey.network_at(ip) is network and first <= ip <= last:
                message = f"{ip} is the virtual address {virtual.name}; leave it out of the range of leases"
                yield error(path, message, related=(virtual.ip.cause,))


def joined_bridge_is_there(survey: Survey) -> Iterator[Violation]:
    """A network whose guests join a bridge has a Rocky host that makes this bridge, and asks nothing of dnsmasq.

    Fails:

        networks:
          front: {libvirt: {bridge: br0, forward: bridge}}

    Passes:

        networks:
          front: {libvirt: {bridge: br0, forward: bridge}}
        nodes:
          lb2:
            os: rocky10
            interfaces: {eno1: {}, br0: {bridge: {members: [eno1]}, network: front, address: 10.17.3.13}}
    """
    hosts = {network.name for node in survey.nodes for network, link in joined_networks(survey.resolved, node)}
    for network, libvirt in _libvirt_networks(survey):
        if not libvirt.is_joined:
            continue
        if network.name not in hosts:
            message = (
                f"no Rocky host on {network.name} has an interface {libvirt.bridge}; "
                f"give the KVM host {libvirt.bridge}: {{bridge: {{members: [eno1]}}, network: {network.name}, ...}}"
            )
            yield error((*libvirt.cause, "bridge"), message)
        for key, setting in (("dhcp", libvirt.dhcp), ("domain", libvirt.domain)):
            if setting is not None:
                message = f"libvirt runs no dnsmasq for a bridge of the host's ({libvirt.bridge}); remove {key}"
                yield error((*libvirt.cause, key), message)
        if libvirt.dns or libvirt.dns_hosts:
            key = "dns" if libvirt.dns else "dns_hosts"
            message = f"libvirt runs no dnsmasq for a bridge of the host's ({libvirt.bridge}); remove {key}"
            yield error((*libvirt.cause, key), message)


def dns_hosts_are_answered(survey: Survey) -> Iterator[Violation]:
    """Names for dnsmasq are there where it answers DNS.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, dns_hosts: {db.lab.example: 10.17.5.9}}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}

    Passes:

        networks:
          vms:
            cidr: 10.17.5.0/24
            router: gw
            libvirt: {bridge: virbr5, dns: true, dns_hosts: {db.lab.example: 10.17.5.9}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
    """
    for network, libvirt in _libvirt_networks(survey):
        if libvirt.dns_hosts and not libvirt.dns and not libvirt.is_joined:
            message = f"dnsmasq answers no DNS on {network.name}; set dns: true, or remove dns_hosts"
            yield error((*libvirt.cause, "dns_hosts"), message)


def _leased(survey: Survey) -> Iterator[tuple[Node, Interface]]:
    for node in survey.nodes:
        yield from ((node, link) for link in node.links if link.dhcp is not None)


def _libvirt_networks(survey: Survey) -> Iterator[tuple[Network, LibvirtBridge]]:
    for network in survey.networks:
        if network.libvirt is not None:
            yield network, network.libvirt


RULES = (
    lease_is_one_address,
    libvirt_leases_what_is_asked,
    lease_range_is_free,
    joined_bridge_is_there,
    dns_hosts_are_answered,
)
