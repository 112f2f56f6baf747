"""WireGuard tunnels of a machine, and which peer has an address: cryptokey routing."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.facts import Kind, Origin, Peer
from netwright.verify.values.wiring import AssignedLink


class Tunnel(Struct, frozen=True, kw_only=True):
    """A machine's end of a tunnel: its public key, the port on which it listens, None for any, and its peers."""

    key: str
    origin: Origin
    port: int | None
    peers: tuple[Peer, ...]
    endpoint: str | None
    _by_key: Mapping[str, Peer]
    _by_prefix: tuple[tuple[int, Mapping[int, Peer]], ...]

    def peer_for(self, ip: int) -> Peer | None:
        """Return the peer that has an address, by the longest prefix (Linux, drivers/net/wireguard/allowedips.c)."""
        for mask, peers in self._by_prefix:
            peer = peers.get(ip & mask)
            if peer is not None:
                return peer
        return None

    def peer_with(self, key: str) -> Peer | None:
        """Return the peer with a public key, None if there is none."""
        return self._by_key.get(key)


def _index(peers: tuple[Peer, ...]) -> tuple[tuple[int, Mapping[int, Peer]], ...]:
    """The peers by their networks' first addresses, under each mask, the longest first; of two for one the last."""
    found: dict[int, dict[int, Peer]] = {}
    for peer in peers:
        for one in peer.allowed:
            found.setdefault(one.value.length, {})[one.value.first] = peer
    return tuple((0xFFFFFFFF << (32 - length) & 0xFFFFFFFF, found[length]) for length in sorted(found, reverse=True))


def find_tunnels(configuration: Configuration, stated: tuple[AssignedLink, ...]) -> Mapping[str, Tunnel]:
    """The tunnels of a machine that the topology has too, by the names of their interfaces."""
    return dict(_tunnels(configuration, stated))


def _tunnels(configuration: Configuration, stated: tuple[AssignedLink, ...]) -> Iterator[tuple[str, Tunnel]]:
    made = {device.name: device for device in reversed(configuration.devices) if device.kind is Kind.WIREGUARD}
    for link in stated:
        device = made.get(link.name)
        if device is not None and link.tunnel is not None:
            yield (
                link.name,
                Tunnel(
                    key=link.tunnel.key,
                    origin=device.origin,
                    port=device.port.value if device.port is not None else None,
                    peers=device.peers,
                    endpoint=link.tunnel.endpoint,
                    _by_key={peer.key.value: peer for peer in reversed(device.peers) if peer.key is not None},
                    _by_prefix=_index(device.peers),
                ),
            )
