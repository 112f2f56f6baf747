"""Pools of a topology in verify's terms: each address at each of the nodes that may answer."""

from collections.abc import Iterator

from netwright.model import Node, Pool
from netwright.topology.pools import answering_interface, answering_nodes, next_hop
from netwright.topology.resolved import ResolvedTopology
from netwright.verify import HeldAddress
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.wiring import LearnedRoute
from netwright.verify_input.numbers import number_of


def hold_pool(resolved: ResolvedTopology, pool: Pool) -> Iterator[HeldAddress]:
    """Yield the addresses of a pool at each node, with the route that its router learns, if one does."""
    for node in answering_nodes(resolved, pool):
        interface = answering_interface(resolved, pool, node)
        learned = _learned(resolved, pool, node)
        if interface is None or (pool.is_routed and learned is None):
            continue
        for ip in range(int(pool.first), int(pool.last) + 1):
            yield HeldAddress(
                ip=AddressNumber(ip), node=node.name, interface=interface.name, pool=pool.name, learned=learned
            )


def _learned(resolved: ResolvedTopology, pool: Pool, node: Node) -> LearnedRoute | None:
    gateway = next_hop(resolved, pool, node)
    router = resolved.nodes.get(pool.at.value) if pool.at is not None and pool.is_routed else None
    near = resolved.connected_interface(router, gateway) if router is not None and gateway is not None else None
    if router is None or gateway is None or near is None:
        return None
    return LearnedRoute(router=router.name, interface=near.name, gateway=number_of(gateway))
