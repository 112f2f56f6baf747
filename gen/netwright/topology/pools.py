"""Pools with their names resolved: the nodes that answer, and where a node's addresses are put."""

from collections.abc import Iterator

from netaddr import IPAddress

from netwright.model import Interface, Node, Pool
from netwright.topology.resolved import ResolvedTopology


def answering_nodes(resolved: ResolvedTopology, pool: Pool) -> tuple[Node, ...]:
    """The nodes that may answer for a pool, each once."""
    found: dict[str, Node] = {}
    for one in pool.by:
        node = resolved.nodes.get(one.value)
        for member in (node,) if node is not None else resolved.members.get(one.value, ()):
            found.setdefault(member.name, member)
    return tuple(found.values())


def answering_interface(resolved: ResolvedTopology, pool: Pool, node: Node) -> Interface | None:
    """The interface of a node on a pool's network, or on one of the router that learns its routes; None if none is."""
    if not pool.is_routed:
        return resolved.connected_interface(node, pool.first)
    near = next_hop(resolved, pool, node)
    return resolved.connected_interface(node, near) if near is not None else None


def next_hop(resolved: ResolvedTopology, pool: Pool, node: Node) -> IPAddress | None:
    """The address by which the router that learns a pool's routes sends to a node; None if they share no network."""
    router = resolved.nodes.get(pool.at.value) if pool.at is not None else None
    networks = [at.network for link in router.interfaces for at in link.attachments] if router is not None else []
    known = (resolved.address_on(node, network) for network in networks)
    return next((ip for ip in known if ip is not None), None)


def pools_of(resolved: ResolvedTopology, node: Node) -> Iterator[Pool]:
    """The pools for which a node may answer."""
    yield from (
        pool
        for pool in resolved.topology.pools
        if any(one.name == node.name for one in answering_nodes(resolved, pool))
    )
