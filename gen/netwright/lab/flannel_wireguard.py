"""flannel's wireguard-native, played: a tunnel for all pods, whose peers take what comes from their own pods alone.

As in flannel's pkg/backend/wireguard: a route for the whole network of pods and one for the pods of each peer, by a
device with the first address of the node's own pods. Keys are made for the lab.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from netwright.lab.namespaces import LabError, Namespaces
from netwright.lab.tunnels import KeyPair, make_pair, need_program, set_tunnel
from netwright.verify.forwarding.flannel_tunnel import FLANNEL_WIREGUARD_PORT
from netwright.verify.network_model.assumed import FLANNEL_WIREGUARD
from netwright.verify.values.addresses import Prefix, format_ip


class FlannelNode(Struct, frozen=True, kw_only=True):
    """A node with flannel: the address of flannel's card, and the networks of the node's pods."""

    name: str
    address: str
    pods: tuple[Prefix, ...]


def add_wireguard(
    spaces: Namespaces, nodes: Sequence[FlannelNode], pods: Prefix | None, tune: Callable[[str, str], object]
) -> None:
    """The tunnels between nodes; `pods` is the network of all pods, `tune` applies a node's parameters to an interface.

    Raises LabError if WireGuard's program is missing or refuses them.
    """
    need_program()
    pairs = {node.name: make_pair() for node in nodes}
    for node in nodes:
        peers = [one for one in nodes if one is not node]
        spaces.ip(node.name, [f"link add name {FLANNEL_WIREGUARD} type wireguard"])
        tune(node.name, FLANNEL_WIREGUARD)
        complaint = set_tunnel(spaces, node.name, FLANNEL_WIREGUARD, "\n".join(_settings(node, peers, pairs)))
        if complaint:
            raise LabError(f"{node.name}: {FLANNEL_WIREGUARD}: {complaint}")
        ways = [*([pods] if pods is not None else []), *(network for peer in peers for network in peer.pods)]
        own = f"address add {format_ip(node.pods[0].first)}/32 dev {FLANNEL_WIREGUARD}"
        routes = [f"route replace {network} dev {FLANNEL_WIREGUARD}" for network in ways]
        spaces.ip(node.name, [f"link set {FLANNEL_WIREGUARD} up", own, *routes])


def _settings(node: FlannelNode, peers: Sequence[FlannelNode], pairs: Mapping[str, KeyPair]) -> Iterator[str]:
    yield from ("[Interface]", f"PrivateKey = {pairs[node.name].private}", f"ListenPort = {FLANNEL_WIREGUARD_PORT}")
    for peer in peers:
        yield from ("[Peer]", f"PublicKey = {pairs[peer.name].public}")
        yield f"AllowedIPs = {', '.join(map(str, peer.pods))}"
        yield f"Endpoint = {peer.address}:{FLANNEL_WIREGUARD_PORT}"
