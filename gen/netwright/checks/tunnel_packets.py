"""WireGuard's packets: they are routed to a peer, fit into the interface below, and the kernel can make them."""

from collections.abc import Iterator, Mapping

from netaddr import IPAddress

from netwright.checks.survey import StatedRoute, Survey
from netwright.checks.tunnel_survey import flannel_has_tunnels, tunnel_links, tunnel_pairs
from netwright.checks.violation import Violation, error, warning
from netwright.flows.tunnels import TunnelEnd, find_tunnels, has_tunnels, overhead
from netwright.model import Interface, Node, Wireguard
from netwright.topology.links import USUAL_MTU, link_mtus
from netwright.topology.settings import uplink


def tunnel_route_leads_to_a_peer(survey: Survey) -> Iterator[Violation]:
    """The next hop of a route by a WireGuard tunnel is a node on it, and each destination has one.

    WireGuard chooses the peer by the destination, and no peer for one that is routed to none.

    Fails:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}}
        nodes:
          lb1:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
            routes: [{to: back, dev: wg0}]
          gw:
            interfaces:
              wg0:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: mesh
                address: 10.8.0.1

    Passes:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}}
        nodes:
          lb1:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
            routes: [{to: back, via: 10.8.0.1}]
          gw:
            interfaces:
              wg0:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: mesh
                address: 10.8.0.1
    """
    first: dict[tuple[str, object], tuple[str, tuple[str | int, ...]]] = {}
    for stated, link in _tunnel_routes(survey):
        node, peers = stated.node, _peers(survey, stated.node, link)
        peer = peers.get(stated.gateway) if stated.gateway is not None else None
        if peer is None:
            names = ", ".join(peers.values()) or "them"
            message = f"the way by {link.name} leads to no peer; set via to one of {names}"
            yield error(stated.route.cause, message, node=node.name)
            continue
        for destination in stated.destinations:
            other, place = first.setdefault((f"{node.name} {link.name}", destination), (peer, stated.route.cause))
            if other != peer:
                both = f"to {other} and to {peer}"
                message = f"{destination} is routed {both} by {link.name}; WireGuard takes one of them"
                yield error(stated.route.cause, message, node=node.name, related=(place,))


def _tunnel_routes(survey: Survey) -> Iterator[tuple[StatedRoute, Interface]]:
    for stated in survey.all_routes() if has_tunnels(survey.resolved) else ():
        link = stated.interface
        if link is not None and stated.route.type == "unicast" and isinstance(link.device, Wireguard):
            yield stated, link


def _peers(survey: Survey, node: Node, link: Interface) -> Mapping[IPAddress, str]:
    """Return the names of the other nodes on a tunnel, by address."""
    ends = find_tunnels(survey.resolved).ends_on(link)
    return {ip: end.node.name for end in ends if end.node is not node for ip in end.ips}


def tunnel_is_in_the_kernel(survey: Survey) -> Iterator[Violation]:
    """A node with a WireGuard interface has a kernel with WireGuard, which that of Enterprise Linux 8 lacks.

    ELRepo's `kmod-wireguard` adds it there.

    Fails:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}}
        nodes:
          lb1:
            os: rocky8
            network_config: keyfile
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12

    Passes:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}}
        nodes:
          lb1:
            os: rocky9
            network_config: keyfile
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
    """
    for node, link, _ in tunnel_links(survey):
        if not node.system.has_wireguard:
            message = (
                f"the kernel of {node.system.name} has no WireGuard, which {link.name} of {node.name} needs; "
                "install kmod-wireguard (ELRepo), or use a later release"
            )
            yield warning((*link.cause, "wireguard"), message, node=node.name, on_key=True)
    for node in survey.nodes if flannel_has_tunnels(survey) else ():
        if node.role is not None and not node.system.has_wireguard:
            message = (
                f"the kernel of {node.system.name} has no WireGuard, which flannel on {node.name} needs; "
                "install kmod-wireguard (ELRepo), use a later release, or another backend"
            )
            yield warning(("kubernetes", "cni", "backend"), message, node=node.name, related=(node.cause,))


def tunnel_packets_fit(survey: Survey) -> Iterator[Violation]:
    """The largest packet of a WireGuard tunnel fits into one of the interfaces below, with the headers around it.

    They are 60 octets over IPv4, 80 over IPv6; without `mtu` the tunnel gets what fits.

    Fails:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}, mtu: 1500}
        nodes:
          lb1:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
          gw:
            interfaces:
              wg0:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: mesh
                address: 10.8.0.1

    Passes:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}, mtu: 1440}
        nodes:
          lb1:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
          gw:
            interfaces:
              wg0:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: mesh
                address: 10.8.0.1
    """
    for end, peer in tunnel_pairs(survey):
        mtu, endpoint = end.link.mtu, find_tunnels(survey.resolved).endpoint(end, peer)
        below_it = _outer_link(survey, end, endpoint.start if endpoint is not None else None)
        if mtu is None or endpoint is None or below_it is None:
            continue
        mtus = link_mtus(end.node)
        room = (mtus[below_it.name].value if below_it.name in mtus else USUAL_MTU) - overhead(endpoint)
        if mtu.value > room:
            message = (
                f"{end.link.name} of {end.node.name} has an MTU of {mtu.value}, and {below_it.name} takes {room} "
                f"octets inside a packet to {peer.node.name}; set {room}, or leave it out"
            )
            yield error(mtu.cause, message, node=end.node.name)


def _outer_link(survey: Survey, end: TunnelEnd, network: str | None) -> Interface | None:
    """The interface by which an end's packets leave: that on a network, else that to the internet."""
    if network is None:
        found = uplink(survey.resolved, end.node)
        return found.interface if found is not None else None
    return next((one for one in end.node.interfaces if network in {at.network for at in one.attachments}), None)


RULES = (tunnel_route_leads_to_a_peer, tunnel_is_in_the_kernel, tunnel_packets_fit)
