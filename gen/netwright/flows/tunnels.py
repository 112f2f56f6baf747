"""WireGuard tunnels: who is a peer of whom, where each end finds the other, and what carries the packets between."""

from collections.abc import Iterator

from msgspec import Struct, field
from netaddr import IPAddress

from netwright.flows.graph import Graph, draw_graph
from netwright.model import Attachment, Dummy, Interface, Network, Node, Wireguard
from netwright.topology.links import USUAL_MTU, link_mtus
from netwright.topology.resolved import ResolvedTopology

DEFAULT_KEEPALIVE = 25
"""Seconds between two packets that keep a way through NAT open (wireguard.com/quickstart, "NAT and Firewall Traversal
Persistence")."""


class TunnelEnd(Struct, frozen=True, kw_only=True):
    """A node's end of a tunnel: the interface, what WireGuard is told of it, and its addresses in the tunnel."""

    node: Node
    link: Interface
    device: Wireguard
    ips: tuple[IPAddress, ...]


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an end sends what is for another: a host, which is an address or a name, and a UDP port.

    `target` is the other's network that is reached, `start` the own one by which packets leave; None where the topology
    describes no way there.
    """

    host: str
    port: int
    start: str | None = None
    target: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Tunnels(Struct, frozen=True, kw_only=True):
    """The tunnels of a topology; `graph` has none of them, since what carries one does not go by another."""

    resolved: ResolvedTopology
    graph: Graph
    ends: dict[str, tuple[TunnelEnd, ...]]
    """The ends by their network."""
    segments: frozenset[str]
    _endpoints: dict[tuple[str, str, str], Endpoint | None] = field(default_factory=dict)

    def ends_on(self, link: Interface) -> tuple[TunnelEnd, ...]:
        """The ends of the tunnel that an interface is on."""
        return self.ends.get(link.attachments[0].network, ()) if link.attachments else ()

    def end_of(self, node: str, segment: str) -> TunnelEnd | None:
        """The end that a node has on a segment."""
        for network, ends in self.ends.items():
            if self.resolved.networks[network].segment == segment:
                return next((end for end in ends if end.node.name == node), None)
        return None

    def peers(self, end: TunnelEnd) -> tuple[TunnelEnd, ...]:
        """The other ends of its tunnel."""
        return tuple(other for other in self.ends_on(end.link) if other.node is not end.node)

    def endpoint(self, end: TunnelEnd, peer: TunnelEnd) -> Endpoint | None:
        """Where an end finds a peer, None if it has to wait for the peer's first packet.

        What the peer states; else its address on a network that both are on; else the one that is the fewest routers
        away, unless several are.
        """
        key = (end.node.name, peer.node.name, end.link.attachments[0].network)
        if key not in self._endpoints:
            self._endpoints[key] = self._find_endpoint(end, peer)
        return self._endpoints[key]

    def _find_endpoint(self, end: TunnelEnd, peer: TunnelEnd) -> Endpoint | None:
        stated = peer.device.endpoint
        if stated is not None:
            host, _, port = stated.value.partition(":")
            number = int(port) if port else peer.device.port.value
            at = next((at for at in _outer_attachments(self.resolved, peer.node) if str(at.ip) == host), None)
            way = self._nearest(end, (at,)) if at is not None else None
            if way is None or at is None:
                return Endpoint(host=host, port=number)
            return Endpoint(host=host, port=number, start=way[0], target=at.network)
        way = self._nearest(end, (*_outer_attachments(self.resolved, peer.node),))
        if way is None:
            return None
        start, reached = way
        return Endpoint(host=str(reached.ip), port=peer.device.port.value, start=start, target=reached.network)

    def _nearest(self, end: TunnelEnd, others: tuple[Attachment, ...]) -> tuple[str, Attachment] | None:
        """The network by which an end leaves, and the one of others' addresses that is the fewest routers away."""
        starts = [at.network for at in _outer_attachments(self.resolved, end.node)]
        shared = next((at for start in starts for at in others if at.network == start), None)
        if shared is not None:
            return shared.network, shared
        near: dict[str, tuple[int, str, Attachment]] = {}
        for at in others:
            found = [(hops, start) for start in starts if (hops := self._distance(start, at.network)) is not None]
            if found:
                hops, start = min(found, key=lambda one: one[0])
                near.setdefault(at.network, (hops, start, at))
        least = min((hops for hops, _, _ in near.values()), default=0)
        best = [(start, at) for hops, start, at in near.values() if hops == least]
        return best[0] if len(best) == 1 else None

    def _distance(self, start: str, target: str) -> int | None:
        networks = self.resolved.networks
        return self.graph.distance(networks[start].segment, networks[target].segment)

    def mtu(self, link: Interface) -> int:
        """The MTU of a tunnel of which none is stated, the same at all its ends: what fits into the smallest packet
        that one of their other links takes."""
        smallest = min(
            (mtu for end in self.ends_on(link) for mtu in _outer_mtus(end.node)), default=LARGEST_MTU + _IPV6_OVERHEAD
        )
        return min(LARGEST_MTU, smallest - _IPV6_OVERHEAD)

    def keepalive(self, end: TunnelEnd, peer: TunnelEnd) -> int:
        """The seconds between packets by which an end keeps its way to a peer open, 0 for none: what it states, else
        the usual where the peer does not know where to find it."""
        if self.endpoint(end, peer) is None:
            return 0
        if end.device.keepalive is not None:
            return end.device.keepalive.value
        return DEFAULT_KEEPALIVE if self.endpoint(peer, end) is None else 0


LARGEST_MTU = 1420
"""Octets: what is left of 1500 by IPv6, UDP and WireGuard (Linux, drivers/net/wireguard/device.c)."""
_IPV6_OVERHEAD, _IPV4_OVERHEAD = 80, 60


def overhead(endpoint: Endpoint) -> int:
    """Octets that WireGuard adds to a packet, with the headers of IP and UDP around it; a host name may be IPv6."""
    return _IPV4_OVERHEAD if endpoint.host.replace(".", "").isdigit() else _IPV6_OVERHEAD


def find_tunnels(resolved: ResolvedTopology) -> Tunnels:
    """The tunnels of a topology, which are looked for once."""
    known = resolved.known.get("tunnels")
    if not isinstance(known, Tunnels):
        known = resolved.known["tunnels"] = _find_tunnels(resolved)
    return known


def _find_tunnels(resolved: ResolvedTopology) -> Tunnels:
    ends: dict[str, list[TunnelEnd]] = {}
    for node in resolved.topology.nodes:
        for link in node.links:
            network = resolved.network_of(link.attachments[0]) if link.attachments else None
            if isinstance(link.device, Wireguard) and network is not None and network.wireguard is not None:
                ips = tuple(at.ip for at in link.attachments)
                end = TunnelEnd(node=node, link=link, device=link.device, ips=ips)
                ends.setdefault(network.name, []).append(end)
    return Tunnels(
        resolved=resolved,
        graph=draw_graph(resolved, tunnels=False),
        ends={network: tuple(found) for network, found in ends.items()},
        segments=frozenset(resolved.networks[network].segment for network in ends),
    )


def _outer_mtus(node: Node) -> Iterator[int]:
    """Yield the MTU of each of the node's links that has addresses and is no tunnel."""
    mtus = link_mtus(node)
    for link in node.interfaces:
        if not isinstance(link.device, Dummy | Wireguard):
            yield mtus[link.name].value if link.name in mtus else USUAL_MTU


def has_tunnels(resolved: ResolvedTopology) -> bool:
    """Return whether any network is a tunnel."""
    return any(network.wireguard is not None for network in resolved.topology.networks)


def _outer_attachments(resolved: ResolvedTopology, node: Node) -> Iterator[Attachment]:
    """Yield the node's addresses by which packets of tunnels can come to it: of no tunnel, and of no dummy device."""
    for interface in node.interfaces:
        if not isinstance(interface.device, Dummy):
            for attachment in interface.attachments:
                network: Network | None = resolved.network_of(attachment)
                if network is not None and network.wireguard is None:
                    yield attachment
