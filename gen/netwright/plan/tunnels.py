"""WireGuard: the peers of an interface, and what the packet filter must let in."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace
from netaddr import IPNetwork

from netwright.flows.tunnels import TunnelEnd, Tunnels, find_tunnels
from netwright.model import Interface, Node, Wireguard
from netwright.plan.covering import is_accepted
from netwright.plan.filter_types import FilterRule
from netwright.plan.types import Peer, PlannedRoute, Tunnel
from netwright.topology.resolved import ResolvedTopology, host


def plan_tunnel(
    resolved: ResolvedTopology, node: Node, link: Interface, routes: tuple[PlannedRoute, ...]
) -> Tunnel | None:
    """What WireGuard is told of an interface, None of any other; `routes` are those that leave by it."""
    if not isinstance(link.device, Wireguard):
        return None
    tunnels = find_tunnels(resolved)
    end = next((one for one in tunnels.ends_on(link) if one.node is node), None)
    peers = [] if end is None else [_peer(tunnels, end, peer, routes) for peer in tunnels.peers(end)]
    return Tunnel(
        private_key_file=link.device.private_key_file.value,
        public_key=link.device.public_key.value,
        port=link.device.port.value,
        peers=tuple(peers),
    )


def _peer(tunnels: Tunnels, end: TunnelEnd, peer: TunnelEnd, routes: tuple[PlannedRoute, ...]) -> Peer:
    """A peer as an end knows it: it may send from, and is sent, its own addresses and what is routed to it."""
    routed = {route.destination for route in routes if route.type == "unicast" and route.gateway in peer.ips}
    own = [host(ip) for ip in peer.ips]
    endpoint = tunnels.endpoint(end, peer)
    return Peer(
        node=peer.node.name,
        public_key=peer.device.public_key.value,
        allowed=(*own, *sorted(routed - {*own}, key=lambda network: (network.first, network.prefixlen))),
        endpoint=str(endpoint) if endpoint is not None else None,
        keepalive=tunnels.keepalive(end, peer),
        cause=peer.link.cause,
    )


def tunnel_mtu(resolved: ResolvedTopology, link: Interface) -> int | None:
    """The MTU of a tunnel for which none is stated, None of any other interface."""
    return find_tunnels(resolved).mtu(link) if isinstance(link.device, Wireguard) else None


def tunnel_rules(resolved: ResolvedTopology, node: Node, others: Sequence[FilterRule]) -> Iterator[FilterRule]:
    """The rule by which a node hears peers that begin; from anywhere, unless the addresses of all of them are known.

    Where other rules accept all of it already, there is none.
    """
    for link in node.interfaces:
        if not isinstance(link.device, Wireguard):
            continue
        tunnels = find_tunnels(resolved)
        begun = _beginners(tunnels, link, node)
        if begun is None:
            continue
        heard = _rule(link, link.device.port.value, *begun)
        if begun[0]:
            unheard = {ip for ip in begun[0] if not is_accepted(replace(heard, sources=(ip,)), others)}
            heard = replace(heard, sources=tuple(sorted(unheard)))
        if (not begun[0] and not is_accepted(heard, others)) or heard.sources:
            yield heard


def _rule(link: Interface, port: int, senders: set[IPNetwork], own: set[IPNetwork]) -> FilterRule:
    return FilterRule(
        ingress=None,
        egress=None,
        sources=tuple(sorted(senders)),
        destinations=tuple(sorted(own)),
        protocol="udp",
        ports=((port, port),),
        accept=True,
        comment=None,
        cause=link.cause,
    )


def _beginners(tunnels: Tunnels, link: Interface, node: Node) -> tuple[set[IPNetwork], set[IPNetwork]] | None:
    """The outer addresses of the peers that know where the node is, and of the node to which they send; none if any.

    None where there are no such peers.
    """
    end = next((one for one in tunnels.ends_on(link) if one.node is node), None)
    beginning = [peer for peer in tunnels.peers(end) if tunnels.endpoint(peer, end)] if end is not None else []
    if end is None or not beginning:
        return None
    senders: set[IPNetwork] = set()
    own: set[IPNetwork] = set()
    for peer in beginning:
        endpoint = tunnels.endpoint(peer, end)
        if endpoint is None or endpoint.start is None or tunnels.endpoint(end, peer) is None:
            return set(), set()
        senders |= {*_on(peer.node, endpoint.start)}
        own |= {*_on(node, endpoint.target)}
    return senders, own


def _on(node: Node, network: str | None) -> Iterator[IPNetwork]:
    """Yield the node's addresses on a network."""
    yield from (host(at.ip) for one in node.interfaces for at in one.attachments if at.network == network)
