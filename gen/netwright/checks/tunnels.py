"""WireGuard: tunnels that are networks of their own, and ends that have a key and a port and find each other."""

from collections.abc import Iterator

from netwright.checks.survey import Survey
from netwright.checks.tunnel_survey import flannel_has_tunnels, tunnel_links, tunnel_pairs
from netwright.checks.violation import Violation, error
from netwright.flows.tunnels import find_tunnels
from netwright.model import Interface, Network, Node, Setting, Wireguard, below
from netwright.text.source import TopologyPath

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
        yield from _carrying_tunnels(node)
    for network in survey.networks:
        if network.wireguard is not None:
            yield from _shared_tunnels(survey, network, network.wireguard)


def _carrying_tunnels(node: Node) -> Iterator[Violation]:
    """Yield the node's devices that stand on a tunnel."""
    tunnels = {link.name for link in node.links if isinstance(link.device, Wireguard)}
    for link in node.links:
        for lower in below(link.device):
            if lower.value in tunnels:
                message = f"{lower.value} of {node.name} is a WireGuard tunnel, which has no frames; name a card"
                yield error(lower.cause, message, node=node.name)


def _shared_tunnels(survey: Survey, tunnel: Network, cause: TopologyPath) -> Iterator[Violation]:
    """Yield the network that is on a tunnel's segment, or the key by which the tunnel would have frames."""
    other = next((one for one in survey.networks if one is not tunnel and one.segment == tunnel.segment), None)
    key = "libvirt" if tunnel.libvirt is not None else "vlan" if tunnel.vlan is not None else None
    if other is not None:
        message = f"{tunnel.name} is a WireGuard tunnel, and {other.name} is on its segment; remove segment"
        yield error(cause, message, on_key=True, related=(other.cause,))
    elif key is not None:
        message = f"{tunnel.name} is a WireGuard tunnel and has no frames; remove {key}"
        yield error((*tunnel.cause, key), message, on_key=True)


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
    for node, link, device in tunnel_links(survey):
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
    flannels = flannel_has_tunnels(survey)
    for node, link, device in tunnel_links(survey):
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
    for end, peer in tunnel_pairs(survey):
        tunnels = find_tunnels(survey.resolved)
        lost = tunnels.endpoint(end, peer) is None and tunnels.endpoint(peer, end) is None
        if lost and end.node.name < peer.node.name:
            message = (
                f"neither {end.node.name} nor {peer.node.name} knows where the other is; "
                "set endpoint: HOST at the one that is reached from outside"
            )
            cause = (*end.link.cause, "wireguard")
            yield error(cause, message, node=end.node.name, related=((*peer.link.cause, "wireguard"),), on_key=True)


RULES = (
    tunnel_is_a_network_of_its_own,
    tunnel_keys_are_different,
    tunnel_ports_are_free,
    tunnel_ends_find_each_other,
)
