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

    def peer_for(self, ip: int) -> Peer | None:
        """Return the peer that has an address, by the longest prefix (Linux, drivers/net/wireguard/allowedips.c)."""
        holding = (
            (one.value.length, number)
            for number, peer in enumerate(self.peers)
            for one in peer.allowed
            if ip in one.value
        )
        best = max(holding, default=None)
        return self.peers[best[1]] if best is not None else None

    def peer_with(self, key: str) -> Peer | None:
        """Return the peer with a public key, None if there is none."""
        return next((peer for peer in self.peers if peer.key is not None and peer.key.value == key), None)


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
                ),
            )
