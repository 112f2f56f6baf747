"""Which nodes are ours to configure, and by which interface they are on a segment."""

from netwright.model import Node
from netwright.topology.resolved import Fabric


def is_ours(fabric: Fabric, name: str) -> bool:
    """Whether netwright writes the node's configuration."""
    return fabric.nodes[name].is_managed


def interface_on(fabric: Fabric, node: Node, segment: str) -> str | None:
    """The name of the node's first interface on a segment."""
    return next((one.name for one in node.interfaces if fabric.segment_of(one) == segment), None)
