"""Tunnels of machines in their signatures: what each end is told of its peers, which no end is told of itself.

Of a mesh each end has all others as peers, so that no two have the same. Where that makes tables equal, what others are
told of an end is therefore added to its own peers: a swap of two then leaves the table as it is if both are spoken of
alike, each with its own key and addresses. Where an end has another one as a peer and not the reverse, tables differ.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator

from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.tunnels import Tunnel
from netwright.verify.proof.address_owners import AddressOwners, Spot
from netwright.verify.proof.mentions import Mentions
from netwright.verify.values.addresses import AddressNumber, Range, parse_ip
from netwright.verify.values.facts import Peer

_Entry = tuple[tuple[Range, ...], str | None, int | None]
"""What an end is told of a peer: its addresses, where it is, and the seconds between packets that keep the way open."""
_Table = frozenset[tuple[str, _Entry]]
_NOTHING: _Table = frozenset()


class Meshes:
    """The tunnels of a network: a number for each table of peers, and who is told of in it."""

    def __init__(self, network: Network, owners: AddressOwners) -> None:
        self._ends, self._owners = network.ends, owners
        tunnels = [tunnel for machine in network.machines.values() for tunnel in machine.tunnels.values()]
        peers = {id(tunnel): dict(_entries(tunnel)) for tunnel in tunnels}
        told: dict[str, set[_Entry]] = defaultdict(set)
        for table in peers.values():
            for key, entry in table.items():
                told[key].add(entry)
        whole = {id(one): frozenset((peers[id(one)] | dict.fromkeys({one.key}, *told[one.key])).items())
                 for one in tunnels if len(told[one.key]) == 1}  # fmt: skip
        shared = Counter(whole.values())
        self._tables = {
            id(one): whole[id(one)] if shared[whole.get(id(one), _NOTHING)] > 1 else frozenset(peers[id(one)].items())
            for one in tunnels
        }
        self._numbers = {table: number for number, table in enumerate(dict.fromkeys(self._tables.values()))}

    def is_alone(self, machine: Machine) -> bool:
        """Return whether an end of the machine has a key that is another's too, or two peers with one key."""
        return any(
            self._ends.get(tunnel.key) != (machine.name, interface)
            or len({peer.key.value for peer in tunnel.peers if peer.key is not None}) < len(tunnel.peers)
            for interface, tunnel in machine.tunnels.items()
        )

    def describe(self, machine: Machine) -> Iterator[Hashable]:
        """What the machine's ends are told of themselves and of others, its own addresses by their role."""
        for interface, tunnel in sorted(machine.tunnels.items()):
            number = self._numbers[self._tables[id(tunnel)]]
            yield interface, tunnel.port, self._place(tunnel.endpoint, machine.name), number

    def add_to(self, mentions: Mentions) -> None:
        """Adds what is told of each end, by its machine, to what others make of it."""
        for table, number in self._numbers.items():
            for key, entry in table:
                self._mention(mentions, number, key, entry)

    def _mention(self, mentions: Mentions, number: int, key: str, entry: _Entry) -> None:
        allowed, endpoint, keepalive = entry
        node, interface = self._ends.get(key, (None, None))
        roles: list[Spot | Range] = []
        for first, last in allowed:
            holder = self._owners.holder(first, last)
            spot = self._owners.spot(first, last, node) if node is not None else None
            roles.append((first, last) if spot is None else spot)
            if holder is None:
                mentions.add_set(((first, last),))
            elif holder.owner != node:
                mentions.mention(AddressNumber(first), (number, key, entry))
        if node is not None:
            place = self._place(endpoint, node)
            mentions.mention_machine(node, (number, interface, frozenset(roles), place, keepalive))
        host, _, _ = (endpoint or "").rpartition(":")
        ip = parse_ip(host)
        if ip is not None and (node is None or self._owners.spot(ip, ip, node) is None):
            mentions.mention(ip, (number, key, entry))

    def _place(self, endpoint: str | None, node: str) -> Hashable:
        """An endpoint, or its address by the role that it has for its machine, and the port."""
        host, _, port = (endpoint or "").rpartition(":")
        ip = parse_ip(host)
        spot = self._owners.spot(ip, ip, node) if ip is not None else None
        return endpoint if spot is None else (spot, port)


def _entries(tunnel: Tunnel) -> Iterator[tuple[str, _Entry]]:
    """The peers by their keys, of two with one key the last."""
    for peer in tunnel.peers:
        if peer.key is not None:
            yield peer.key.value, _entry(peer)


def _entry(peer: Peer) -> _Entry:
    return (
        tuple(sorted(one.value.range for one in peer.allowed)),
        peer.endpoint.value if peer.endpoint is not None else None,
        peer.keepalive.value if peer.keepalive is not None else None,
    )
