"""Ends of flows as flannel carries them: which of them use its tunnel, and what that hides of them."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from netwright.flows.on_the_way import tunnelling_network
from netwright.flows.types import FLANNEL_WIREGUARD, VXLAN, Party
from netwright.model import Flow, Traffic
from netwright.topology.resolved import ResolvedTopology


def tunnelling_nodes(resolved: ResolvedTopology, source: Party) -> Party:
    """The party's nodes that send flannel's tunnels from its network."""
    if not source.choices:
        return source
    nodes = (name for name in source.nodes if tunnelling_network(resolved, resolved.nodes[name]) == source.network)
    return replace(source, nodes=tuple(nodes))


def by_role(resolved: ResolvedTopology, source: Party) -> Iterator[Party]:
    """The source as one, or as two where only some of its nodes are the cluster's: these have flannel's routes."""
    if source.owner is not None or not source.nodes or not _has_flannel(resolved):
        yield source
        return
    cluster = tuple(name for name in source.nodes if resolved.nodes[name].role is not None)
    rest = tuple(name for name in source.nodes if resolved.nodes[name].role is None)
    yield from (replace(source, nodes=nodes) for nodes in (rest, cluster) if nodes)


def towards(
    resolved: ResolvedTopology, flow: Flow, source: Party, destinations: Sequence[Party]
) -> Iterator[tuple[Party, tuple[Traffic, ...]]]:
    """The destinations as they are for a source, each with the traffic between.

    From Kubernetes node to node flannel carries what is for pods: what matters is its tunnel, and only between
    segments. So all pods whose nodes are on one network are one destination.
    """
    pods = [one for one in destinations if one.pods]
    if pods and _are_led_by_plugin(resolved, source):
        yield from ((one, flow.traffic) for one in destinations if not one.pods)
        return
    tunnelled = bool(pods) and _are_cluster_nodes(resolved, source)
    yield from ((one, flow.traffic) for one in destinations if not (tunnelled and one.pods))
    homes: dict[str, dict[str, None]] = {}
    for one in pods if tunnelled else ():
        if one.owner is None or one.network != tunnelling_network(resolved, resolved.nodes[one.owner]):
            continue
        homes.setdefault(one.network, {}).update(dict.fromkeys(one.nodes))
    kubernetes = resolved.topology.kubernetes
    encrypted = kubernetes is not None and kubernetes.backend == "wireguard-native"
    carried = FLANNEL_WIREGUARD if encrypted else VXLAN
    for name, nodes in homes.items():
        cidr = resolved.networks[name].cidr
        yield Party(nodes=tuple(nodes), network=name, prefix=cidr, owner=None, addresses=(cidr,)), carried


def _are_led_by_plugin(resolved: ResolvedTopology, source: Party) -> bool:
    """Return whether a plugin other than flannel leads what these nodes, or their pods, send to pods of others: by its
    own routes, with which ours would be at odds."""
    kubernetes = resolved.topology.kubernetes
    foreign = kubernetes.foreign if kubernetes is not None else None
    if foreign is None or not foreign.carries_pods or not source.nodes:
        return False
    return all(resolved.nodes[node].role is not None for node in source.nodes)


def is_disguised(resolved: ResolvedTopology, source: Party, destination: Party) -> bool:
    """Return whether some of these nodes send to pods of others by a tunnel, on which flannel masquerades them."""
    kubernetes = resolved.topology.kubernetes
    tunnels = kubernetes is not None and kubernetes.backend in ("vxlan", "wireguard-native")
    return tunnels and (len(source.nodes) > 1 or source.nodes != destination.nodes)


def _are_cluster_nodes(resolved: ResolvedTopology, party: Party) -> bool:
    if not _has_flannel(resolved) or not party.nodes or party.owner is not None:
        return False
    return all(resolved.nodes[node].role is not None for node in party.nodes)


def _has_flannel(resolved: ResolvedTopology) -> bool:
    kubernetes = resolved.topology.kubernetes
    return kubernetes is not None and kubernetes.plugin == "flannel"
