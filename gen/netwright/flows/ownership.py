"""Nodes that are ours to configure, and by which interface they are on a segment."""

from netwright.model import Node
from netwright.topology.resolved import ResolvedTopology


def is_ours(resolved: ResolvedTopology, name: str) -> bool:
    """Return whether netwright writes the node's configuration."""
    return resolved.nodes[name].is_managed


def interface_on(resolved: ResolvedTopology, node: Node, segment: str) -> str | None:
    """The name of the node's first interface on a segment."""
    return next((one.name for one in node.interfaces if resolved.segment_of(one) == segment), None)
