"""Nodes that are drawn as one box: many that are alike, so that a picture of 500 nodes can be read."""

from collections.abc import Callable, Iterable
from functools import partial

from netwright.flows.graph import draw_graph
from netwright.graph.trace import Trace
from netwright.model import Node
from netwright.text.natural import natural_key
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import is_router, makes_bridge

MANY = 6
"""Most nodes alike that are still drawn one by one."""

FEW = 2
"""Most nodes alike that are still drawn one by one where several hosts are."""

HOSTS = 3
"""Hosts with networks of their own that are several."""

CROWD = 16
"""With more boxes than this on a segment, fewer are enough to be folded, and then groups no longer matter."""

Likeness = tuple[object, ...]


def fold(resolved: ResolvedTopology, trace: Trace) -> tuple[tuple[Node, ...], ...]:
    """All nodes in natural order, those that share a box together; routers always have boxes of their own."""
    routers = {name for name, segments in draw_graph(resolved).segments_of.items() if len(segments) > 1}
    clusters: dict[Likeness, list[Node]] = {}
    alone: list[tuple[Node, ...]] = []
    for node in sorted(resolved.topology.nodes, key=lambda node: natural_key(node.name)):
        if node.name in routers or node.internet or _makes_networks(resolved, node):
            alone.append((node,))
        else:
            clusters.setdefault(_segments(resolved, node), []).append(node)
    many = FEW if sum(_makes_networks(resolved, node) for node in resolved.topology.nodes) >= HOSTS else MANY
    for nodes in clusters.values():
        alone += _fold_cluster(nodes, trace, many)
    return tuple(sorted(alone, key=lambda nodes: natural_key(nodes[0].name)))


def _fold_cluster(nodes: list[Node], trace: Trace, most: int) -> list[tuple[Node, ...]]:
    """Nodes on the same segments, folded as little as is enough."""
    for many, kind in ((most, _kind), (1, _kind), (1, _rough_kind)):
        folded = _group(nodes, partial(kind, trace), many)
        if len(folded) <= CROWD:
            break
    return folded


def _group(nodes: Iterable[Node], kind: Callable[[Node], Likeness], many: int) -> list[tuple[Node, ...]]:
    kinds: dict[Likeness, list[Node]] = {}
    for node in nodes:
        kinds.setdefault(kind(node), []).append(node)
    folded: list[tuple[Node, ...]] = []
    for alike in kinds.values():
        folded += [tuple(alike)] if len(alike) > many else [(node,) for node in alike]
    return folded


def _kind(trace: Trace, node: Node) -> Likeness:
    return (*_rough_kind(trace, node), node.groups)


def _rough_kind(trace: Trace, node: Node) -> Likeness:
    """Nodes that a flow concerns differently are never alike."""
    plugs = [(node.name, interface.name) for interface in node.links]
    return (
        node.os.value.name if node.os else None,
        node.role.value if node.role else None,
        bool(node.pod_networks),
        node.name in trace.pods,
        node.name in trace.leading,
        tuple((plug in trace.plugs, plug in trace.starts, plug in trace.ends) for plug in plugs),
    )


def _segments(resolved: ResolvedTopology, node: Node) -> Likeness:
    return tuple(resolved.segment_of(interface) for interface in node.links)


def _makes_networks(resolved: ResolvedTopology, node: Node) -> bool:
    return any(makes_bridge(network) and is_router(network, node) for network in resolved.topology.networks)
