"""The topology with its names resolved: networks, nodes and groups by name, and the segment of each interface."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from netaddr import IPAddress, IPNetwork, iprange_to_cidrs

from netwright.model import (
    KUBERNETES_API,
    Attachment,
    End,
    Interface,
    Network,
    NextHop,
    Node,
    Pool,
    Topology,
    VirtualAddress,
)

ANYWHERE = IPNetwork("0.0.0.0/0")
RESERVED_ENDS = ("default", "pods", "services", KUBERNETES_API, "internet", "any")


class ResolvedTopology(Struct, frozen=True, kw_only=True):
    """A topology with its networks, nodes, groups, virtual addresses and pools by name; made by resolve_topology()."""

    topology: Topology
    networks: Mapping[str, Network]
    nodes: Mapping[str, Node]
    members: Mapping[str, tuple[Node, ...]]
    virtual: Mapping[str, VirtualAddress]
    pools: Mapping[str, Pool]
    # A rule of a group stands at each of its nodes and may name a group: what that stands for is worked out once.
    _group_addresses: dict[str, tuple[IPNetwork, ...]] = field(default_factory=dict)
    _unions: dict[tuple[End, ...], tuple[IPNetwork, ...]] = field(default_factory=dict)
    known: dict[str, object] = field(default_factory=dict)
    """What later rooms have worked out about the topology, by name, so that they do so once."""

    def network_of(self, attachment: Attachment) -> Network | None:
        """The network that an address is on, None if the topology lacks it."""
        return self.networks.get(attachment.network)

    def address_on(self, node: Node, network: str) -> IPAddress | None:
        """The first address of a node on a network, None if it is not on it."""
        for interface in node.interfaces:
            for attachment in interface.attachments:
                if attachment.network == network:
                    return attachment.ip
        return None

    def address_from(self, node: Node, other: Node) -> IPAddress:
        """The address by which a node knows another: that on the first network of both, else the first. The other has
        one."""
        return self.shared_address(self.networks_of(node), other) or other.interfaces[0].attachments[0].ip

    def networks_of(self, node: Node) -> tuple[str, ...]:
        """The networks that a node is on, in the order of the topology."""
        own = {attachment.network for interface in node.interfaces for attachment in interface.attachments}
        known = own & self.networks.keys()
        return tuple(known) if len(known) < 2 else tuple(name for name in self.networks if name in known)

    def shared_address(self, networks: tuple[str, ...], other: Node) -> IPAddress | None:
        """The address of a node on the first of some networks that it is on, None if it is on none of them."""
        known = (self.address_on(other, name) for name in networks)
        return next((ip for ip in known if ip is not None), None)

    def segment_of(self, interface: Interface) -> str | None:
        """The layer-2 segment of an interface, by its first known network."""
        names = [attachment.network for attachment in interface.attachments]
        for name in names or ([interface.dhcp.value] if interface.dhcp is not None else []):
            if network := self.networks.get(name):
                return network.segment
        return None

    def connected_interface(self, node: Node, ip: IPAddress) -> Interface | None:
        """The node's interface whose connected network contains the address; of nested networks the longest prefix."""
        best: tuple[int, Interface] | None = None
        for interface in node.interfaces:
            for attachment in interface.attachments:
                network = self.networks.get(attachment.network)
                if network and ip in network.cidr and (best is None or network.cidr.prefixlen > best[0]):
                    best = (network.cidr.prefixlen, interface)
        return best[1] if best else None

    def resolve_next_hop(self, node: Node, hop: NextHop, *, onlink: bool = False) -> IPAddress | None:
        """The address of a next hop as `node` reaches it, None if there is none.

        A neighbour named by its name is asked on the networks that both are on, in the order of the node's interfaces;
        with onlink also on the segments that both are on.
        """
        if hop.ip is not None:
            return hop.ip
        neighbour = self.nodes.get(hop.text)
        if neighbour is None:
            return None
        own_networks = [attachment.network for interface in node.interfaces for attachment in interface.attachments]
        for network in own_networks:
            if (ip := self.address_on(neighbour, network)) is not None:
                return ip
        if onlink:
            own_segments = [self.segment_of(interface) for interface in node.interfaces]
            for segment in own_segments:
                for interface in neighbour.interfaces:
                    if segment is not None and self.segment_of(interface) == segment:
                        return interface.attachments[0].ip
        return None

    def resolve_end(self, end: End) -> tuple[IPNetwork, ...] | None:
        """The networks that an end stands for, None if its name is unknown.

        A node stands for its addresses, a group for those of its nodes, a network for its prefix, a virtual address
        for itself, a pool for all of its own; `node@network` is the
        first address of the node on that network.
        """
        if end.network is not None:
            return (end.network,)
        kubernetes = self.topology.kubernetes
        match end.text:
            case "default" | "any":
                return (ANYWHERE,)
            case "pods":
                return (kubernetes.pods,) if kubernetes else None
            case "services":
                return (kubernetes.services,) if kubernetes and kubernetes.services else None
            case name:
                return self._resolve_name(name)

    def _resolve_name(self, name: str) -> tuple[IPNetwork, ...] | None:
        if "@" in name:
            ip = self._address_at(*name.split("@", 1))
            return None if ip is None else (host(ip),)
        if network := self.networks.get(name):
            return (network.cidr,)
        if node := self.nodes.get(name):
            return _addresses(node)
        if virtual := self.virtual.get(name):
            return (host(virtual.ip.value),)
        if pool := self.pools.get(name):
            return pool_networks(pool)
        if name not in self.members:
            return None
        if name not in self._group_addresses:
            addresses = tuple(address for node in self.members[name] for address in _addresses(node))
            self._group_addresses[name] = addresses
        return self._group_addresses[name]

    def _address_at(self, name: str, network: str) -> IPAddress | None:
        node = self.nodes.get(name)
        return self.address_on(node, network) if node is not None else None

    def union(self, ends: tuple[End, ...]) -> tuple[IPNetwork, ...]:
        """The networks that some ends stand for, by address and none inside another; none stands for any."""
        if ends not in self._unions:
            networks = {network for end in ends for network in self.resolve_end(end) or ()}
            self._unions[ends] = () if ANYWHERE in networks else outermost(networks)
        return self._unions[ends]


def resolve_topology(topology: Topology) -> ResolvedTopology:
    """The resolved topology of a topology."""
    members: dict[str, list[Node]] = {group: [] for group in topology.groups}
    for node in topology.nodes:
        for group in node.groups:
            if group in members:
                members[group].append(node)
    return ResolvedTopology(
        topology=topology,
        networks={network.name: network for network in topology.networks},
        nodes={node.name: node for node in topology.nodes},
        members={group: tuple(nodes) for group, nodes in members.items()},
        virtual={virtual.name: virtual for virtual in topology.virtual_addresses},
        pools={pool.name: pool for pool in topology.pools},
    )


def host(ip: IPAddress) -> IPNetwork:
    """The network that contains one address only."""
    return IPNetwork(ip)


def pool_networks(pool: Pool) -> tuple[IPNetwork, ...]:
    """The fewest networks that have all addresses of a pool, and no others."""
    return tuple(iprange_to_cidrs(pool.first, pool.last))


def _addresses(node: Node) -> tuple[IPNetwork, ...]:
    return tuple(host(attachment.ip) for interface in node.interfaces for attachment in interface.attachments)


def outermost(networks: Iterable[IPNetwork]) -> tuple[IPNetwork, ...]:
    """The networks by address, without those inside others: nft refuses overlapping intervals in a set.

    Neighbours are not joined: a reader looks for the topology's words, and one more node should lengthen a line, not
    change what stands in it.
    """
    kept: list[IPNetwork] = []
    for network in sorted(networks, key=lambda network: (network.first, network.prefixlen)):
        if not kept or network.first > kept[-1].last:
            kept.append(network)
    return tuple(kept)
