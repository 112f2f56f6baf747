"""Parties of a matrix: the names of a topology, and the addresses of each."""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from netwright.flows.on_the_way import choices_of
from netwright.model import Node
from netwright.text.natural import natural_key
from netwright.topology.resolved import ResolvedTopology
from netwright.verify import Ranges
from netwright.verify.values.addresses import merge

INTERNET = "internet"


PartyKind = Literal["network", "group", "node", "pods", "virtual", "internet"]


class NamedParty(Struct, frozen=True, kw_only=True):
    """A name with its addresses; the internet, which has none of its own, is everything that is unassigned.

    Only some send: how the internet comes in is unknown.
    `named` are addresses of machines that have others too: they count where they are on the way.
    """

    name: str
    kind: PartyKind
    ranges: Ranges = ()
    sends: bool = True
    named: Ranges = ()


def group_parties(resolved: ResolvedTopology) -> tuple[NamedParty, ...]:
    """Networks, groups that have nodes, all pods, virtual addresses, and the internet if a device leads there."""
    return (*_networks(resolved), *_groups(resolved), *_pods(resolved), *_common(resolved))


def node_parties(resolved: ResolvedTopology) -> tuple[NamedParty, ...]:
    """Every node with its own addresses, and with that on each of its networks if it is on several, every node's pods,
    virtual addresses and the internet."""
    nodes = resolved.topology.nodes
    machines = (party for node in nodes for party in _machine(resolved, node))
    pods = (
        NamedParty(
            name=f"{node.name} pods",
            kind="pods",
            ranges=merge((pods.value.first, pods.value.last) for pods in node.pod_networks),
        )
        for node in nodes
        if node.pod_networks
    )
    return (*machines, *pods, *_common(resolved))


def _machine(resolved: ResolvedTopology, node: Node) -> Iterator[NamedParty]:
    """A node by its name, and by the names that flows have for its single addresses."""
    yield NamedParty(name=node.name, kind="node", ranges=_own(node), named=_named(resolved, (node,)))
    for network in sorted(choices_of(resolved, node), key=natural_key):
        ip = resolved.address_on(node, network)
        if ip is not None:
            yield NamedParty(name=f"{node.name}@{network}", kind="node", ranges=((int(ip), int(ip)),))


def _networks(resolved: ResolvedTopology) -> Iterator[NamedParty]:
    for network in resolved.topology.networks:
        yield NamedParty(name=network.name, kind="network", ranges=((network.cidr.first, network.cidr.last),))


def _groups(resolved: ResolvedTopology) -> Iterator[NamedParty]:
    for group, nodes in resolved.members.items():
        if nodes and group not in resolved.networks:
            ranges = merge(one for node in nodes for one in _own(node))
            yield NamedParty(name=group, kind="group", ranges=ranges, named=_named(resolved, nodes))


def _pods(resolved: ResolvedTopology) -> Iterator[NamedParty]:
    kubernetes = resolved.topology.kubernetes
    if kubernetes is not None:
        yield NamedParty(name="pods", kind="pods", ranges=((kubernetes.pods.first, kubernetes.pods.last),))


def _common(resolved: ResolvedTopology) -> Iterator[NamedParty]:
    for virtual in resolved.topology.virtual_addresses:
        ip = int(virtual.ip.value)
        yield NamedParty(name=virtual.name, kind="virtual", ranges=((ip, ip),), sends=False)
    for pool in resolved.topology.pools:
        yield NamedParty(name=pool.name, kind="virtual", ranges=((int(pool.first), int(pool.last)),), sends=False)
    if any(node.internet for node in resolved.topology.nodes):
        yield NamedParty(name=INTERNET, kind="internet", sends=False)


def _named(resolved: ResolvedTopology, nodes: Iterable[Node]) -> Ranges:
    return merge(one for node in nodes if choices_of(resolved, node) for one in _own(node))


def _own(node: Node) -> Ranges:
    ips = (int(one.ip) for interface in node.interfaces for one in interface.attachments)
    return merge((ip, ip) for ip in ips)
