"""Names with addresses on several networks: which of them an end means to another one."""

from netwright.flows.graph import Graph
from netwright.flows.types import Party
from netwright.model import Node
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import flannel_interface, leading_network

Pair = tuple[str, str]
"""The network by which a sender leaves, and that of the receiver's address."""


def choices_of(resolved: ResolvedTopology, node: Node) -> tuple[str, ...]:
    """The networks among which a node's name leaves the choice, that of its default route first; none if it has one."""
    networks = dict.fromkeys(at.network for interface in node.interfaces for at in interface.attachments)
    if len(networks) < 2:
        return ()
    leading = leading_network(resolved, node)
    return tuple(sorted(networks, key=lambda network: network != leading))


def tunnelling_network(resolved: ResolvedTopology, node: Node) -> str:
    """The network over which flannel sends what is for pods of other nodes."""
    return flannel_interface(resolved, node).attachments[0].network


def pairs_on_the_way(graph: Graph, source: Party, destination: Party) -> frozenset[Pair]:
    """The networks by which two ends meet: those of the receiver that are the fewest routers away from the sender, and
    for each the nearest of the sender's.

    A network on which both are is nearer than any other. Of a sender's networks that are equally near its default
    route's is taken, else its first; to the internet the default route's leads, however near another is. Pods have the
    same addresses on any way: the first that is nearest. Where no way leads from one to the other, that is one pair,
    which has none.
    """
    starts = source.choices or (source.network,)
    if destination.prefix is None and _distance(graph, starts[0], destination.network) is not None:
        starts = starts[:1]
    met = _meetings(graph, starts, destination.choices or (destination.network,))
    return frozenset(met[:1] if destination.pods else met)


def _meetings(graph: Graph, starts: tuple[str, ...], targets: tuple[str, ...]) -> tuple[Pair, ...]:
    key = (starts, targets)
    if key not in graph.meetings:
        graph.meetings[key] = _measure(graph, starts, targets)
    return graph.meetings[key]


def _measure(graph: Graph, starts: tuple[str, ...], targets: tuple[str, ...]) -> tuple[Pair, ...]:
    nearest = {}
    for target in targets:
        distances = [(_distance(graph, start, target), start) for start in starts]
        reached = [(distance, start) for distance, start in distances if distance is not None]
        if reached:
            nearest[target] = min(reached, key=lambda one: one[0])
    if not nearest:
        return ((starts[0], targets[0]),)
    least = min(distance for distance, _ in nearest.values())
    return tuple((start, target) for target, (distance, start) in nearest.items() if distance == least)


def _distance(graph: Graph, start: str, target: str) -> tuple[int, bool] | None:
    """Return the number of routers between two networks, and whether these differ; None if no way leads there."""
    networks = graph.resolved.networks
    hops = graph.distance(networks[start].segment, networks[target].segment)
    return None if hops is None else (hops, start != target)
