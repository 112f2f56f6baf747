"""Machines with tunnels that stand for each other: in a mesh, and around a hub; what tells two of them apart."""

import base64
import hashlib
from collections.abc import Callable, Mapping

import pytest

from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import verify_networks
from netwright.verify.proof.symmetry import find_symmetry, no_twins
from tests.proving.test_tunnels import NETDEV, Written, written_by

NODES = ("n1", "n2", "n3", "n4", "n5")
LAN = "10.1.0"


def _key(node: str) -> str:
    return base64.b64encode(hashlib.sha256(node.encode()).digest()).decode()


_ENDS = "".join(
    f"  {node}: {{os: flatcar, interfaces: {{eth0: {{network: lan, address: {LAN}.1{node[1]}}},"
    f' wg0: {{wireguard: {{public_key: "{_key(node)}"}}, network: mesh, address: 10.8.0.1{node[1]}}}}}}}\n'
    for node in NODES
)
TOPOLOGY = f"""
version: 1
name: mesh
networks:
  lan: {{cidr: {LAN}.0/24}}
  mesh: {{cidr: 10.8.0.0/24, wireguard: {{}}}}
defaults: {{default_route: none}}
nodes:
{_ENDS}
flows:
  all: {{from: mesh, to: mesh, allow: [icmp, tcp/22]}}
  refused: {{from: lan, to: lan, deny: [udp/53]}}
"""


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return written_by(tmp_path_factory.mktemp("mesh"), TOPOLOGY)


Edit = Callable[[str, str], str]
"""A node's name and the text of its file for the tunnel -> the text with a change."""


def _built(written: Written, edit: Edit = lambda _, text: text) -> tuple[Network, ...]:
    return written.build({node: {NETDEV: edit(node, written.delivery(node).files[NETDEV].text)} for node in NODES})


def _classes(networks: tuple[Network, ...]) -> set[frozenset[str]]:
    numbers = find_symmetry(networks[0]).classes
    return {frozenset(name for name in numbers if numbers[name] == number) for number in numbers.values()}


def test_nodes_of_a_mesh_stand_for_each_other(mesh: Written) -> None:
    assert _classes(_built(mesh)) == {frozenset(NODES)}


def _at(place: str, before: str, after: str) -> Edit:
    """A change in the file of one node."""

    def edit(node: str, text: str) -> str:
        if node != place:
            return text
        assert before in text, text
        return text.replace(before, after)

    return edit


def _everywhere(before: str, after: str) -> Edit:
    return lambda _, text: text.replace(before, after)


def _spoke(node: str, text: str) -> str:
    """The file of a node that has the first one as its only peer."""
    head, *peers = text.split("[WireGuardPeer]\n")
    kept = [peer for peer in peers if node == "n1" or _key("n1") in peer]
    return "[WireGuardPeer]\n".join([head, *kept])


N2 = f"PublicKey={_key('n2')}\nAllowedIPs=10.8.0.12/32\nEndpoint={LAN}.12:51820\n"
CHANGES: Mapping[str, tuple[Edit, set[frozenset[str]]]] = {
    "a hub": (_spoke, {frozenset({"n1"}), frozenset(NODES[1:])}),
    "another port": (_at("n2", "ListenPort=51820", "ListenPort=51821"), {frozenset({"n2"})}),
    "a port that all are told": (
        lambda node, text: _everywhere(f"{LAN}.12:51820", f"{LAN}.12:51821")(
            node, _at("n2", "ListenPort=51820", "ListenPort=51821")(node, text)
        ),
        {frozenset({"n2"}), frozenset({"n1", "n3", "n4", "n5"})},
    ),
    "a peer that is not told of it": (_at("n4", f"[WireGuardPeer]\n# n2\n{N2}", ""), {frozenset({"n1", "n3", "n5"})}),
    "addresses that a peer takes from it": (
        _at("n4", "AllowedIPs=10.8.0.12/32", "AllowedIPs=10.8.0.99/32"),
        {frozenset({"n2"})},
    ),
    "addresses that all take from it": (
        _everywhere("AllowedIPs=10.8.0.12/32", "AllowedIPs=10.8.0.12/32\nAllowedIPs=10.9.0.0/24"),
        {frozenset({"n2"}), frozenset({"n1", "n3", "n4", "n5"})},
    ),
    "an address of another's": (
        _everywhere("AllowedIPs=10.8.0.12/32", f"AllowedIPs=10.8.0.12/32\nAllowedIPs={LAN}.13/32"),
        {frozenset({"n2"}), frozenset({"n3"}), frozenset({"n1", "n4", "n5"})},
    ),
    "where a peer looks for it": (_at("n4", f"Endpoint={LAN}.12", f"Endpoint={LAN}.13"), {frozenset({"n2"})}),
    "where all look for it": (
        _everywhere(f"Endpoint={LAN}.12", f"Endpoint={LAN}.13"),
        {frozenset({"n2"}), frozenset({"n3"}), frozenset({"n1", "n4", "n5"})},
    ),
    "a way that one keeps open": (
        _at("n4", f"Endpoint={LAN}.12:51820", f"Endpoint={LAN}.12:51820\nPersistentKeepalive=25"),
        {frozenset({"n2"})},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_ends_of_tunnels_that_differ_in_keys_and_addresses_alone_are_twins(change: str, mesh: Written) -> None:
    edit, expected = CHANGES[change]

    assert expected <= _classes(_built(mesh, edit))


@pytest.mark.parametrize("change", CHANGES)
def test_one_conversation_by_tunnels_stands_for_those_of_all_twins(change: str, mesh: Written) -> None:
    networks = _built(mesh, CHANGES[change][0])

    assert verify_networks(networks, mesh.flows) == verify_networks(networks, mesh.flows, classify=no_twins)
