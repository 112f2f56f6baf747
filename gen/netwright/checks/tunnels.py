"""WireGuard: tunnels of which every end finds the others, and keys and routes that say who is who."""

from collections.abc import Iterator

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.flows.tunnels import TunnelEnd, find_tunnels, has_tunnels, overhead
from netwright.model import Interface, Network, Node, Setting, Wireguard, below
from netwright.topology.links import USUAL_MTU, link_mtus
from netwright.topology.settings import uplink

_FLANNELS_PORT = 51820


def tunnel_is_a_network_of_its_own(survey: Survey) -> Iterator[Violation]:
    """A WireGuard interface is on one network, which is a WireGuard tunnel, and on that there are no other interfaces.

    A tunnel has no frames: it is no port of a bridge or bond, carries no VLAN, and shares its segment with no network.

    Fails:

        networks:
          mesh: {cidr: 10.8.0.0/24}
        nodes:
          lb1:
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
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
    """
    for node in survey.nodes:
        for link in node.links:
            networks = tuple(dict.fromkeys(filter(None, map(survey.resolved.network_of, link.attachments))))
            message = _misplaced(node, link, networks)
            if message is not None:
                yield error(link.cause, message, node=node.name, on_key=True)
        for link in node.links:
            for lower in below(link.device):
                if any(one.name == lower.value and isinstance(one.device, Wireguard) for one in node.links):
                    message = f"{lower.value} of {node.name} is a WireGuard tunnel, which has no frames; name a card"
                    yield error(lower.cause, message, node=node.name)
    for network in survey.networks:
        if network.wireguard is not None:
            other = next(
                (one for one in survey.networks if one is not network and one.segment == network.segment), None
            )
            key = "libvirt" if network.libvirt is not None else "vlan" if network.vlan is not None else None
            if other is not None:
                message = f"{network.name} is a WireGuard tunnel, and {other.name} is on its segment; remove segment"
                yield error(network.wireguard, message, on_key=True, related=(other.cause,))
            elif key is not None:
                message = f"{network.name} is a WireGuard tunnel and has no frames; remove {key}"
                yield error((*network.cause, key), message, on_key=True)


def _misplaced(node: Node, link: Interface, networks: tuple[Network, ...]) -> str | None:
    """What is wrong with an interface's networks, None if nothing is."""
    tunnel = next((one for one in networks if one.wireguard is not None), None)
    name = f"{link.name} of {node.name}"
    if not isinstance(link.device, Wireguard):
        cure = 'set wireguard: {public_key: "KEY"} at it, or name another network'
        return f"{tunnel.name} is a WireGuard tunnel, and {name} no end of one; {cure}" if tunnel is not None else None
    if not link.attachments:
        return f"{name} is an end of a WireGuard tunnel without an address; set network and address"
    if len(networks) > 1:
        return f"{name} is an end of a WireGuard tunnel, which is one network; give it another interface for each"
    if tunnel is None and networks:
        return f"{name} is an end of a WireGuard tunnel, and {networks[0].name} is none; set wireguard: {{}} there"
    return None


def tunnel_keys_are_different(survey: Survey) -> Iterator[Violation]:
    """No two WireGuard interfaces have the same public key: it is the name by which a peer is known.

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
          gw:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
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
          gw:
            interfaces:
              wg0:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: mesh
                address: 10.8.0.1
    """
    first: dict[str, tuple[str, Setting[str]]] = {}
    for node, link, device in _tunnels(survey):
        holder, place = first.setdefault(device.public_key.value, (f"{link.name} of {node.name}", device.public_key))
        if place is not device.public_key:
            message = f"{holder} has this key too; make another by wg genkey"
            yield error(device.public_key.cause, message, node=node.name, related=(place.cause,))


def tunnel_ports_are_free(survey: Survey) -> Iterator[Violation]:
    """The WireGuard interfaces of a node listen on different ports, and not on flannel's.

    With the backend wireguard-native flannel listens on 51820 at every Kubernetes node.

    Fails:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}}
          other: {cidr: 10.9.0.0/24, wireguard: {}}
        nodes:
          lb1:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
              wg1:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: other
                address: 10.9.0.12

    Passes:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}}
          other: {cidr: 10.9.0.0/24, wireguard: {port: 51821}}
        nodes:
          lb1:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
              wg1:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: other
                address: 10.9.0.12
    """
    first: dict[tuple[str, int], Interface] = {}
    flannels = _has_flannels(survey)
    for node, link, device in _tunnels(survey):
        if flannels and node.role is not None and device.port.value == _FLANNELS_PORT:
            message = f"flannel's WireGuard listens on UDP port {_FLANNELS_PORT} of {node.name}; set another port"
            yield error(link.cause, message, node=node.name, on_key=True)
        other = first.setdefault((node.name, device.port.value), link)
        if other is not link:
            message = f"{other.name} of {node.name} listens on UDP port {device.port.value} too; set another port"
            yield error(link.cause, message, node=node.name, related=(other.cause,), on_key=True)


def tunnel_ends_find_each_other(survey: Survey) -> Iterator[Violation]:
    """Of two nodes on a WireGuard tunnel one at least knows where the other is.

    That is its `endpoint`; else its address on a network that both are on; else its address on the network that is the
    fewest routers away. A node behind NAT has none, and begins itself.

    Fails:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}}
          home: {cidr: 192.168.7.0/24}
        nodes:
          lb1:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="}
                network: mesh
                address: 10.8.0.12
          pc:
            os: flatcar
            interfaces:
              eth0: {network: home, address: 192.168.7.2}
              wg0:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: mesh
                address: 10.8.0.2

    Passes:

        networks:
          mesh: {cidr: 10.8.0.0/24, wireguard: {}}
          home: {cidr: 192.168.7.0/24}
        nodes:
          lb1:
            interfaces:
              wg0:
                wireguard: {public_key: "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8=", endpoint: vpn.example.net}
                network: mesh
                address: 10.8.0.12
          pc:
            os: flatcar
            interfaces:
              eth0: {network: home, address: 192.168.7.2}
              wg0:
                wireguard: {public_key: "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="}
                network: mesh
                address: 10.8.0.2
    """
    for end, peer in _pairs(survey):
        tunnels = find_tunnels(survey.resolved)
        lost = tunnels.endpoint(end, peer) is None and tunnels.endpoint(peer, end) is None
        if lost and end.node.name < peer.node.name:
            message = (
                f"neither {end.node.name} nor {peer.node.name} knows where the other is; "
                "set endpoint: HOST at the one that is reached from outside"
            )
            cause = (*end.link.cause, "wireguard")
            yield error(cause, message, node=end.node.name, related=((*peer.link.cause, "wireguard"),), on_key=True)


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
    if not has_tunnels(survey.resolved):
        return
    tunnels = find_tunnels(survey.resolved)
    first: dict[tuple[str, object], tuple[str, tuple[str | int, ...]]] = {}
    for stated in survey.all_routes():
        link, node = stated.interface, stated.node
        if link is None or stated.route.type != "unicast" or not isinstance(link.device, Wireguard):
            continue
        peers = {ip: end.node.name for end in tunnels.ends_on(link) if end.node is not node for ip in end.ips}
        peer = peers.get(stated.gateway) if stated.gateway is not None else None
        if peer is None:
            message = (
                f"the way by {link.name} leads to no peer; set via to one of {', '.join(peers.values()) or 'them'}"
            )
            yield error(stated.route.cause, message, node=node.name)
            continue
        for destination in stated.destinations:
            other, place = first.setdefault((f"{node.name} {link.name}", destination), (peer, stated.route.cause))
            if other != peer:
                message = (
                    f"{destination} is routed to {other} and to {peer} by {link.name}; WireGuard takes one of them"
                )
                yield error(stated.route.cause, message, node=node.name, related=(place,))


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
    for node, link, _ in _tunnels(survey):
        if not node.system.has_wireguard:
            message = (
                f"the kernel of {node.system.name} has no WireGuard, which {link.name} of {node.name} needs; "
                "install kmod-wireguard (ELRepo), or use a later release"
            )
            yield warning((*link.cause, "wireguard"), message, node=node.name, on_key=True)
    for node in survey.nodes if _has_flannels(survey) else ():
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
    for end, peer in _pairs(survey):
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


def _has_flannels(survey: Survey) -> bool:
    """Return whether flannel has WireGuard between the Kubernetes nodes."""
    kubernetes = survey.resolved.topology.kubernetes
    return kubernetes is not None and (kubernetes.plugin, kubernetes.backend) == ("flannel", "wireguard-native")


def _outer_link(survey: Survey, end: TunnelEnd, network: str | None) -> Interface | None:
    """The interface by which an end's packets leave: that on a network, else that to the internet."""
    if network is None:
        found = uplink(survey.resolved, end.node)
        return found.interface if found is not None else None
    return next((one for one in end.node.interfaces if network in {at.network for at in one.attachments}), None)


def _tunnels(survey: Survey) -> Iterator[tuple[Node, Interface, Wireguard]]:
    for node in survey.nodes:
        for link in node.links:
            if isinstance(link.device, Wireguard):
                yield node, link, link.device


def _pairs(survey: Survey) -> Iterator[tuple[TunnelEnd, TunnelEnd]]:
    if has_tunnels(survey.resolved):
        tunnels = find_tunnels(survey.resolved)
        for ends in tunnels.ends.values():
            yield from ((end, peer) for end in ends for peer in tunnels.peers(end))


RULES = (
    tunnel_is_a_network_of_its_own,
    tunnel_keys_are_different,
    tunnel_ports_are_free,
    tunnel_ends_find_each_other,
    tunnel_route_leads_to_a_peer,
    tunnel_is_in_the_kernel,
    tunnel_packets_fit,
)
