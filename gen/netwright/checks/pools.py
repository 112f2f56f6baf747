"""Pools: the nodes that answer, how others find them, and addresses that are free for that."""

from collections.abc import Iterator
from itertools import combinations

from netaddr import IPAddress

from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, unknown
from netwright.model import Pool
from netwright.text.source import TopologyPath
from netwright.topology.pools import answering_nodes, next_hop


def pools_are_answered_for(survey: Survey) -> Iterator[Violation]:
    """The nodes and groups that answer for a pool are known, and on its network, or on one of the router that learns
    its routes.

    Fails:

        pools:
          ingress: {addresses: 10.17.4.200-10.17.4.220, announced_by: arp, by: [lb1]}

    Passes:

        pools:
          ingress: {addresses: 10.17.3.200-10.17.3.220, announced_by: arp, by: [lb1]}
    """
    resolved = survey.resolved
    known, routers = Names((*resolved.nodes, *resolved.members)), Names(resolved.nodes)
    for pool in resolved.topology.pools:
        for one in pool.by:
            if one.value not in resolved.nodes and one.value not in resolved.members:
                yield unknown("node or group", one.value, one.cause, known)
            elif one.value in resolved.members and not resolved.members[one.value]:
                yield error(one.cause, f"the group {one.value} has no nodes; put one in it, or leave it out")
        if pool.at is not None and pool.at.value not in resolved.nodes:
            yield unknown("node", pool.at.value, pool.at.cause, routers)
        elif pool.is_routed and pool.at is None:
            yield error(pool.cause, "BGP tells a router of the addresses; set at to it", on_key=True)
        elif pool.at is not None and not pool.is_routed:
            yield error(pool.at.cause, "nodes that answer ARP tell no router; leave at out, or set announced_by to bgp")
        else:
            yield from _unreached(survey, pool)


def _unreached(survey: Survey, pool: Pool) -> Iterator[Violation]:
    for node in answering_nodes(survey.resolved, pool):
        if pool.is_routed and pool.at is not None:
            if next_hop(survey.resolved, pool, node) is None:
                message = f"{node.name} and {pool.at.value} share no network by which routes could lead"
                yield error((*pool.cause, "by"), f"{message}; name nodes on one of its networks")
        elif survey.network_at(pool.first) is not None and not survey.connected(node, pool.first):
            message = f"{node.name} ({survey.networks_of(node)}) has no interface on the network of {pool.first}"
            yield error((*pool.cause, "by"), f"{message}; give it one, or leave it out")


def pools_lie_in_a_network(survey: Survey) -> Iterator[Violation]:
    """The addresses of a pool that are answered for by ARP are hosts' addresses of one network.

    Those that BGP announces may be of none.

    Fails:

        pools:
          ingress: {addresses: 10.17.3.250-10.17.3.255, announced_by: arp, by: [lb1]}

    Passes:

        pools:
          ingress: {addresses: 10.17.3.240-10.17.3.250, announced_by: arp, by: [lb1]}
    """
    for pool in survey.resolved.topology.pools:
        path = (*pool.cause, "addresses")
        network = survey.network_at(pool.first)
        if pool.is_routed:
            continue
        if network is None or pool.last not in network.cidr:
            names = ", ".join(str(one.cidr) for one in survey.networks[:6])
            message = f"{pool.first}-{pool.last} lies in no network as a whole; take addresses of one ({names})"
            yield error(path, message)
        elif pool.first == network.cidr.network or pool.last == network.cidr.broadcast:
            whole = pool.first if pool.first == network.cidr.network else pool.last
            yield error(path, f"{whole} is no host's address in {network.name} ({network.cidr}); leave it out")


def pools_are_free(survey: Survey) -> Iterator[Violation]:
    """The addresses of a pool are no node's own, no virtual ones, not of another pool, and leased to no one.

    Fails:

        pools:
          ingress: {addresses: 10.17.3.10-10.17.3.20, announced_by: arp, by: [lb1]}

    Passes:

        pools:
          ingress: {addresses: 10.17.3.200-10.17.3.220, announced_by: arp, by: [lb1]}
    """
    resolved = survey.resolved
    for pool in resolved.topology.pools:
        path = (*pool.cause, "addresses")
        for ip, what, cause in _taken(survey):
            if ip in pool:
                yield error(path, f"{ip} is {what}; leave it out of the range", related=(cause,))
        for network in resolved.topology.networks:
            leased = network.libvirt.dhcp if network.libvirt is not None else None
            if leased is not None and leased.value is not None and _meet(pool, *leased.value):
                message = f"libvirt leases {leased.value[0]} to {leased.value[1]} to guests of {network.name}"
                yield error(path, f"{message}; take other addresses", related=(leased.cause,))
    for one, other in combinations(resolved.topology.pools, 2):
        if _meet(other, one.first, one.last):
            message = f"{one.name} has {one.first}-{one.last} already; give each its own addresses"
            yield error((*other.cause, "addresses"), message, related=((*one.cause, "addresses"),))


def _taken(survey: Survey) -> Iterator[tuple[IPAddress, str, TopologyPath]]:
    """The addresses that are no pool's, what each is, and where it stands."""
    for owner in survey.owners.values():
        yield owner.attachment.ip, f"the own address of {owner.node.name}", owner.attachment.cause
    for virtual in survey.resolved.topology.virtual_addresses:
        yield virtual.ip.value, f"the virtual address {virtual.name}", virtual.ip.cause


def _meet(pool: Pool, first: IPAddress, last: IPAddress) -> bool:
    return bool(pool.first <= last and first <= pool.last)


RULES = (pools_are_answered_for, pools_lie_in_a_network, pools_are_free)
