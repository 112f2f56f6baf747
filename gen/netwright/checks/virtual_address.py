"""Virtual addresses: that of the Kubernetes API and others, which their holders have in turn."""

from collections.abc import Iterator

from netaddr import IPAddress

from netwright.checks.addresses import whole_network_address
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.text.source import TopologyPath


def virtual_address_is_on_a_network(survey: Survey) -> Iterator[Violation]:
    """A virtual address is a host's address on one of the networks.

    Fails:

        kubernetes:
          api: {vip: 10.17.5.10, holders: [lb1]}

    Passes:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1]}
    """
    for virtual in survey.resolved.topology.virtual_addresses:
        ip, path = virtual.ip.value, virtual.ip.cause
        network = survey.network_at(ip)
        if network is None:
            names = ", ".join(str(one.cidr) for one in survey.networks[:6])
            yield error(
                path, f"{ip} is on no network of the topology; take an address of its holders' network ({names})"
            )
        elif meaning := whole_network_address(ip, network.cidr):
            yield error(path, f"{ip} is the {meaning} of {network.name} ({network.cidr}); take a host's")


def virtual_address_is_on_its_holders_network(survey: Survey) -> Iterator[Violation]:
    """Every holder of a virtual address has an interface on its network.

    The holder answers ARP for it there.

    Fails:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1, worker1]}

    Passes:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1]}
    """
    for virtual in survey.resolved.topology.virtual_addresses:
        network = survey.network_at(virtual.ip.value)
        for holder in virtual.holders if network is not None else ():
            node = survey.resolved.nodes.get(holder.value)
            if node is not None and network is not None and not survey.connected(node, virtual.ip.value):
                message = (
                    f"{node.name} ({survey.networks_of(node)}) has no interface on {network.name} ({network.cidr}), "
                    f"the network of {virtual.ip.value}; give it one, or name another holder"
                )
                yield error(holder.cause, message)


def virtual_address_is_free(survey: Survey) -> Iterator[Violation]:
    """A virtual address is no node's own address, nor another virtual one.

    It would not move when that node fails. Only where there is a single holder, its own address does as well.

    Fails:

        kubernetes:
          api: {vip: 10.17.3.12, holders: [lb1, gw]}

    Passes:

        kubernetes:
          api: {vip: 10.17.3.10, holders: [lb1, gw]}
    """
    first: dict[IPAddress, TopologyPath] = {}
    for virtual in survey.resolved.topology.virtual_addresses:
        ip, path = virtual.ip.value, virtual.ip.cause
        owner = survey.owner(ip)
        if ip in first:
            message = f"{ip} is a virtual address already; take another, or name all that is served there in one"
            yield error(path, message, related=(first[ip],))
        elif owner is not None and [holder.value for holder in virtual.holders] != [owner.node.name]:
            message = (
                f"{ip} is the own address of {owner.node.name}, which does not move to another holder; take a free one"
            )
            yield error(path, message, related=(owner.attachment.cause,))
        first.setdefault(ip, path)


RULES = (
    virtual_address_is_on_a_network,
    virtual_address_is_on_its_holders_network,
    virtual_address_is_free,
)
