"""WireGuard from machine to machine: whom a packet is for, what a peer takes, and the packets that carry it.

And which ends of tunnels stand for each other.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from netwright.verify.forwarding.conversation import Result, converse, first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.building import build_network
from netwright.verify.network_model.network import Network
from netwright.verify.proof.symmetry import find_symmetry
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.values.facts import Kind
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import ICMP
from netwright.verify.values.wiring import AssignedLink, AssignedTunnel, Assumptions, Port, Segment, Wiring
from tests.verify.kernel.world import ip_number

KEYS = {
    "a": "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8=",
    "b": "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ=",
    "c": "eF0jtV68zUh4fTLtG2nupWTfzf+PrXAvt7ixUkkYUU0=",
}
NUMBERS = {name: number for number, name in enumerate(KEYS, start=1)}
NETDEV, RULES = "/etc/systemd/network/10-wg0.netdev", "/etc/nftables/netwright.nft"
Files = dict[str, str]


def _peer(name: str, allowed: str = "", endpoint: str = "", more: str = "") -> str:
    """What a machine is told of another one; by default its own address, and where it is."""
    number = NUMBERS[name]
    place = endpoint or f"10.1.0.{number}:51820"
    return (
        f"[WireGuardPeer]\nPublicKey={KEYS[name]}\nAllowedIPs={allowed or f'10.8.0.{number}/32'}\n"
        f"{f'Endpoint={place}' if place != 'none' else ''}\n{more}\n"
    )


def _files(name: str, *peers: str) -> Files:
    """The files of a machine with a card on the network of all, and a tunnel."""
    own = "[NetDev]\nName=wg0\nKind=wireguard\n[WireGuard]\nPrivateKeyFile=/etc/wg.key\nListenPort=51820\n"
    return {
        NETDEV: f"{own}{''.join(peers)}",
        **{
            f"/etc/systemd/network/10-{card}.network": f"[Match]\nName={card}\n[Network]\nLinkLocalAddressing=no\n"
            f"Address={network}.{NUMBERS[name]}/24\n"
            for card, network in (("e0", "10.1.0"), ("wg0", "10.8.0"))
        },
    }


def _network(changes: Mapping[str, Files]) -> Network:
    """Machines a and b with each other as peers, and c, with other files for some."""
    usual = {"a": _files("a", _peer("b")), "b": _files("b", _peer("a")), "c": _files("c", _peer("a"), _peer("b"))}
    texts = {name: {**files, **changes.get(name, {})} for name, files in usual.items()}
    deliveries = [
        Delivery(
            node=name,
            files={path: Text(path=path, shown=f"{name}{path}", text=text, mode=0o644) for path, text in files.items()},
            enabled=frozenset(),
            libvirt=(),
            handoff=None,
            unknown=(),
        )
        for name, files in texts.items()
    ]
    wiring = Wiring(
        nodes=tuple(KEYS),
        segments=(
            Segment(name="lan", ports=tuple(Port(node=name, interface="e0") for name in KEYS)),
            Segment(name="mesh", ports=tuple(Port(node=name, interface="wg0", kind=Kind.WIREGUARD) for name in KEYS)),
        ),
        links={
            name: (
                AssignedLink(name="e0"),
                AssignedLink(
                    name="wg0",
                    kind=Kind.WIREGUARD,
                    tunnel=AssignedTunnel(key_file="/etc/wg.key", key=key, peers=frozenset({*KEYS.values()} - {key})),
                ),
            )
            for name, key in KEYS.items()
        },
        systems=dict.fromkeys(KEYS, "flatcar"),
    )
    return build_network([read_configuration(one) for one in deliveries], wiring, Assumptions())


def _ping(network: Network, source: str, destination: str) -> Result:
    assert [one for machine in network.machines.values() for one in machine.unknown] == []
    place = network.place_of(ip_number(source))
    assert place is not None
    packet = first_packet(ICMP, ip_number(source), ip_number(destination), 0)
    return converse(Walker(network, Memory()), packet, place, nat_allowed=True)


def _rules(*lines: str, hook: str = "input") -> Files:
    chain = "".join(f"\t\t{line}\n" for line in lines)
    table = f"table inet t {{\n\tchain c {{\n\t\ttype filter hook {hook} priority filter;\n{chain}\t}}\n}}\n"
    return {RULES: table}


def _b(*peers: str, listens: str = "51820") -> dict[str, Files]:
    return {"b": {NETDEV: _files("b", *peers)[NETDEV].replace("ListenPort=51820", f"ListenPort={listens}")}}


def _a(*peers: str) -> dict[str, Files]:
    return {"a": _files("a", *peers)}


class Case(NamedTuple):
    """Files that are not as usual, and the end of a ping from a to b by the tunnel: what, and where."""

    changes: Mapping[str, Files]
    outcome: Outcome
    machine: str = "b"


UNTOLD = _peer("b", endpoint="none")
CASES = {
    "both are told": Case({}, Outcome.ACCEPTED),
    "no peer has the address": Case(_a(_peer("b", "10.8.0.9/32")), Outcome.NO_PEER, "a"),
    "the longest prefix has it": Case(_a(_peer("b", "10.8.0.2/32"), _peer("c", "10.8.0.0/24")), Outcome.ACCEPTED),
    "a longer prefix is another's": Case(
        _a(_peer("b", "10.8.0.0/24"), _peer("c", "10.8.0.2/32")), Outcome.NO_HANDSHAKE
    ),
    "it does not take the source": Case(_b(_peer("a", "10.8.0.9/32")), Outcome.SOURCE_NOT_ALLOWED),
    "the source is another peer's": Case(
        _b(_peer("a", "10.8.0.0/24"), _peer("c", "10.8.0.1/32")), Outcome.SOURCE_NOT_ALLOWED
    ),
    "it has no such peer": Case(_b(_peer("c")), Outcome.NO_HANDSHAKE),
    "no end is told where the other is": Case(_a(UNTOLD) | _b(_peer("a", endpoint="none")), Outcome.NO_HANDSHAKE, "a"),
    "the other end is told, and silent": Case(_a(UNTOLD), Outcome.NO_HANDSHAKE, "a"),
    "the other end keeps the way open": Case(
        _a(UNTOLD) | _b(_peer("a", more="PersistentKeepalive=25")), Outcome.ACCEPTED
    ),
    "the other end answers where it is not told": Case(_b(_peer("a", endpoint="none")), Outcome.ACCEPTED),
    "it listens on another port": Case(_b(_peer("a"), listens="51821"), Outcome.NO_HANDSHAKE),
    "it listens on another port, and begins": Case(
        _b(_peer("a", more="PersistentKeepalive=25"), listens="51821"), Outcome.ACCEPTED
    ),
    "neither knows the other's port": Case(
        _b(_peer("a", endpoint="10.1.0.1:5"), listens="51821"), Outcome.NO_HANDSHAKE
    ),
    "the endpoint is another machine's": Case(
        _a(_peer("b", endpoint="10.1.0.3:51820")) | _b(_peer("a", endpoint="none")), Outcome.NO_HANDSHAKE, "a"
    ),
    "no one has the endpoint": Case(
        _a(_peer("b", endpoint="10.1.0.77:51820")) | _b(_peer("a", endpoint="none")), Outcome.NO_HANDSHAKE, "a"
    ),
    "rules drop what carries it": Case({"b": _rules("udp dport 51820 drop")} | _a(_peer("b")), Outcome.FILTERED),
    "rules drop its answers": Case({"b": _rules("udp sport 51820 drop", hook="output")}, Outcome.FILTERED),
    "the tunnel is inside of itself": Case(
        _a(_peer("b", endpoint="10.8.0.2:51820")) | _b(_peer("a", endpoint="none")), Outcome.LOOP, "a"
    ),
}


@pytest.mark.parametrize("name", [pytest.param(name, id=name.replace(" ", "-")) for name in CASES])
def test_a_packet_by_a_tunnel_ends(name: str) -> None:
    case = CASES[name]

    result = _ping(_network(case.changes), "10.8.0.1", "10.8.0.2")

    assert (result.outcome, result.end.machine.name) == (case.outcome, case.machine)


MESH = {name: _files(name, *(_peer(other) for other in KEYS if other != name)) for name in KEYS}
HUB = {name: _files(name, *(_peer(other) for other in KEYS if "c" in (name, other) and other != name)) for name in KEYS}


def _without(node: str, before: str, after: str) -> dict[str, Files]:
    """The mesh with a text of one machine replaced."""
    assert before in MESH[node][NETDEV]
    return MESH | {node: MESH[node] | {NETDEV: MESH[node][NETDEV].replace(before, after)}}


ALIKE = {
    "a mesh": (MESH, ["abc"]),
    "a hub": (HUB, ["ab", "c"]),
    "a port": (_without("a", "ListenPort=51820", "ListenPort=51821"), ["a", "bc"]),
    "addresses that one takes": (_without("c", "AllowedIPs=10.8.0.1/32", "AllowedIPs=10.8.0.9/32"), ["a", "b", "c"]),
    "where one is told": (_without("c", "Endpoint=10.1.0.1:51820\n", ""), ["a", "b", "c"]),
    "addresses that all take": (
        {
            name: {**files, NETDEV: files[NETDEV].replace("10.8.0.1/32", "10.8.0.1/32,10.9.0.0/24")}
            for name, files in MESH.items()
        },
        ["a", "bc"],
    ),
}


@pytest.mark.parametrize("name", [pytest.param(name, id=name.replace(" ", "-")) for name in ALIKE])
def test_ends_of_tunnels_stand_for_each_other(name: str) -> None:
    changes, expected = ALIKE[name]

    numbers = find_symmetry(_network(changes)).classes

    classes = {"".join(one for one in numbers if numbers[one] == number) for number in numbers.values()}
    assert sorted(classes) == expected
