"""Where a node gets the time, and whom it gives it to."""

from collections.abc import Iterator

from netaddr import IPNetwork

from netwright.flows import NodeNeeds
from netwright.model import Node
from netwright.plan.types import PlannedTimeServer
from netwright.topology.resolved import ResolvedTopology, outermost
from netwright.topology.time_servers import time_servers


def plan_time_servers(resolved: ResolvedTopology, node: Node) -> Iterator[PlannedTimeServer]:
    """Yield the node's time servers in the order of the topology."""
    for server in time_servers(resolved, node):
        yield PlannedTimeServer(text=server.text, is_name=server.name is not None, cause=server.cause)


def plan_time_askers(needs: NodeNeeds) -> tuple[IPNetwork, ...]:
    """The addresses from which nodes ask this one for the time, as it sees them."""
    return outermost(
        source for need in needs.servers if (need.service, need.hook) == ("ntp", "input") for source in need.sources
    )
