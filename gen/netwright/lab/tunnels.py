"""WireGuard in the lab: key pairs in place of those that only the machines have, and where peers are.

The topology has the public keys alone, so that each tunnel gets a pair of its own here, and whatever is delivered has
the new public key in place of the old. Endpoints that the topology states are doors of the lab's internet.
"""

import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.lab.doors import Door
from netwright.lab.namespaces import ENVIRONMENT, LabError, Namespaces, run_here
from netwright.lab.plugs import has_tunnels
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import format_ip, parse_ip
from netwright.verify.values.facts import Device, Kind, Peer
from netwright.verify.values.wiring import AssignedTunnel, Wiring

_PROGRAM = "wg"
_PATIENCE = 7.0
"""Seconds for handshakes that nodes begin by themselves: WireGuard tries again after five."""
_DOORS = 0xCB007100
"""The first address of 203.0.113.0/24 (RFC 5737), where the endpoints are that have a name."""


class KeyPair(Struct, frozen=True, kw_only=True):
    """A private key and its public key, in base64."""

    private: str
    public: str


class Keyring(Struct, frozen=True, kw_only=True):
    """The new key pairs by the public keys that they replace, and the endpoints with names by what is told of them."""

    pairs: Mapping[str, KeyPair]
    doors: Mapping[str, Door]

    def rewrite(self, text: str) -> str:
        """Return a delivered text with the new keys and endpoints."""
        new = self.new_texts()
        if not new:
            return text
        return re.sub("|".join(map(re.escape, sorted(new, key=len, reverse=True))), lambda found: new[found[0]], text)

    def new_texts(self) -> dict[str, str]:
        """Return what takes the place of each key and endpoint."""
        places = {told: f"{format_ip(door.ip)}:{door.port}" for told, door in self.doors.items()}
        return {old: pair.public for old, pair in self.pairs.items()} | places


NO_KEYS = Keyring(pairs={}, doors={})


def make_keys(wiring: Wiring) -> Keyring:
    """The keys of all tunnels of the topology. Raises LabError if the program that makes them is missing."""
    tunnels = [(node, link.tunnel) for node, links in wiring.links.items() for link in links if link.tunnel is not None]
    if not any(map(has_tunnels, wiring.links.values())):
        return NO_KEYS
    need_program()
    pairs = {tunnel.key: make_pair() for _, tunnel in tunnels}
    return Keyring(pairs=pairs, doors=dict(_doors(wiring, tunnels)))


def _doors(wiring: Wiring, tunnels: Sequence[tuple[str, AssignedTunnel]]) -> Iterator[tuple[str, Door]]:
    """The doors by the endpoints that the topology states and that are no node's own."""
    own = {int(one.ip) for one in wiring.addresses}
    for number, (node, tunnel) in enumerate(tunnels, start=1):
        host, _, port = (tunnel.endpoint or "").rpartition(":")
        ip = parse_ip(host)
        if tunnel.endpoint is not None and ip not in own:
            yield tunnel.endpoint, Door(ip=ip if ip is not None else _DOORS + number, port=int(port), node=node)


def need_program() -> None:
    """Raises LabError if the program is missing that makes keys."""
    if shutil.which(_PROGRAM, path=ENVIRONMENT["PATH"]) is None:
        raise LabError(f"the lab needs {_PROGRAM} for WireGuard's keys; install wireguard-tools")


def make_pair() -> KeyPair:
    """A new pair of keys."""
    private = run_here([_PROGRAM, "genkey"]).strip()
    return KeyPair(private=private, public=run_here([_PROGRAM, "pubkey"], private).strip())


class OwnKey(Struct, frozen=True, kw_only=True):
    """A private key on a node: the file that is to have it, and the interface."""

    file: str
    interface: str
    private: str


def own_keys(wiring: Wiring, keyring: Keyring, node: str) -> Iterator[OwnKey]:
    """The private keys of a node."""
    for link in wiring.links.get(node, ()):
        if link.tunnel is not None:
            pair = keyring.pairs[link.tunnel.key]
            yield OwnKey(file=link.tunnel.key_file, interface=link.name, private=pair.private)


def configure_tunnels(
    spaces: Namespaces, node: str, devices: Iterable[Device], keys: Sequence[OwnKey], keyring: Keyring
) -> Iterator[str]:
    """Tells WireGuard what is asked for tunnels that are made, and yields what it complains of."""
    files = {one.file: one.private for one in keys}
    for device in devices:
        if device.kind is Kind.WIREGUARD:
            key = files.get(device.key_file.value) if device.key_file is not None else None
            complaint = set_tunnel(spaces, node, device.name, keyring.rewrite("\n".join(_settings(device, key))))
            yield from (f"{node}: {_PROGRAM}: {line}" for line in complaint.splitlines())


def set_tunnel(spaces: Namespaces, node: str, interface: str, text: str) -> str:
    """Gives a tunnel its settings (wg(8)) in place of all that it had; returns the complaint, "" if there is none."""
    return spaces.attempt(node, [_PROGRAM, "setconf", interface, "/proc/self/fd/0"], f"{text}\n")


def _settings(device: Device, key: str | None) -> Iterator[str]:
    yield "[Interface]"
    yield from ([f"PrivateKey = {key}"] if key is not None else ())
    yield from ([f"ListenPort = {device.port.value}"] if device.port is not None else ())
    for peer in device.peers:
        if peer.key is not None:
            yield "[Peer]"
            yield f"PublicKey = {peer.key.value}"
            yield from _peer_settings(peer)


def _peer_settings(peer: Peer) -> Iterator[str]:
    if peer.allowed:
        yield f"AllowedIPs = {', '.join(str(one.value) for one in peer.allowed)}"
    if peer.endpoint is not None:
        yield f"Endpoint = {peer.endpoint.value}"
    if peer.keepalive is not None:
        yield f"PersistentKeepalive = {peer.keepalive.value}"


def await_handshakes(spaces: Namespaces, wiring: Wiring) -> None:
    """Waits until nodes have met that keep their ways open, as far as they do."""
    nodes = [node for node, links in wiring.links.items() if has_tunnels(links)]
    deadline = time.monotonic() + _PATIENCE
    while nodes and time.monotonic() < deadline:
        nodes = [node for node in nodes if _waits(spaces.attempt_output(node, [_PROGRAM, "show", "all", "dump"]))]
        time.sleep(0.1 if nodes else 0)


def _waits(dump: str) -> bool:
    """Return whether a peer to which packets go by themselves has not answered yet (wg(8), dump)."""
    rows = [line.split("\t") for line in dump.splitlines()]
    peers = [row for row in rows if len(row) == _PEER_FIELDS]
    return any(peer[3] != "(none)" and peer[8] not in ("off", "0") and peer[5] == "0" for peer in peers)


_PEER_FIELDS = 9


def forget_peers(spaces: Namespaces, configurations: Iterable[Configuration], keyring: Keyring) -> None:
    """Starts tunnels again, with no more than their files say of where peers are."""
    for one in configurations:
        for device in one.devices:
            if device.kind is Kind.WIREGUARD:
                _forget(spaces, one.node, device, keyring)


def _forget(spaces: Namespaces, node: str, device: Device, keyring: Keyring) -> None:
    shown = spaces.attempt_output(node, [_PROGRAM, "showconf", device.name])
    if not shown:
        return
    own, _, _ = shown.partition("[Peer]")
    _, _, peers = "\n".join(_settings(device, None)).partition("[Peer]")
    set_tunnel(spaces, node, device.name, f"{own}[Peer]{keyring.rewrite(peers)}" if peers else own)
