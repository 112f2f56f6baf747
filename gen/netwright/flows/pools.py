"""What flows need whose receivers are behind a router that learns routes to them, by BGP say."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from netwright.flows.containers import lead_to_containers
from netwright.flows.exits import Exit, nearest_exit
from netwright.flows.filters import Passage, accept_on_the_way
from netwright.flows.forwards import own_party, way_through
from netwright.flows.graph import Graph, Tie, Way
from netwright.flows.ledger import Ledger
from netwright.flows.refusals import describe_unguarded, refuse_on_the_way
from netwright.flows.routing import Routing
from netwright.flows.types import Party
from netwright.model import Flow, Node, Traffic
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology

Report = Callable[[TopologyPath, str, str], None]
"""Takes the path, the rule and the message of an error."""


class LearnedRoutes(Struct, frozen=True, kw_only=True):
    """Notes in a ledger what flows need to addresses that a router has learned, and back; `error` takes faults."""

    resolved: ResolvedTopology
    graph: Graph
    ledger: Ledger
    routing: Routing
    error: Report

    def pass_router(
        self, flow: Flow, source: Party, destination: Party, traffic: tuple[Traffic, ...]
    ) -> Passage | None:
        """The passage of a flow by the router that learns the receivers' routes, once what it needs is noted; None
        where no way leads there."""
        router = self.resolved.nodes[destination.learned_by or ""]
        target = self.routing.segment(destination)
        out_of = self._exit(router, target) if source.prefix is None else None
        if source.prefix is None and source.owner != router.name:
            return None
        start = out_of.segment if out_of is not None else self.routing.segment(source)
        way = way_through(self.graph, router, start, target, out_of)
        if way is None:
            message = f"{router.name} does not lead from {start} to {target}; name a router of both as at of the pool"
            self.error(flow.cause, "flows_have_a_way", message)
            return None
        seen = (source.addresses,) * (len(way) + 1)
        passage = Passage(flow=flow, source=source, destination=destination, way=way, seen=seen, traffic=traffic)
        if flow.allow:
            self._allow(passage, router, way)
        elif not refuse_on_the_way(self.resolved, self.ledger, passage):
            message = f"{describe_unguarded(source, destination)}; no rule could refuse this flow"
            self.error(flow.cause, "denied_flows_can_be_refused", message)
        return passage

    def _exit(self, router: Node, segment: str) -> Exit | None:
        found = nearest_exit(self.graph, (router,), (), segment)
        return None if isinstance(found, Tie) else found

    def _allow(self, passage: Passage, router: Node, way: Way) -> None:
        """Routes to the router for each of the addresses, and back from the receivers; the routes of the router are its
        own matter."""
        flow, source, destination = passage.flow, passage.source, passage.destination
        number = next(number for number, hop in enumerate(way) if hop.router == router.name)
        near = own_party(self.resolved, router, way[number].ingress)
        if source.prefix is not None and near is not None:
            for network in destination.addresses:
                self.routing.route(flow, source, replace(near, nodes=(), prefix=network, owner=router.name))
        answering = replace(destination, learned_by=None)
        if source.prefix is None:
            source = replace(source, network=destination.network)
        self.routing.route(flow, answering, source)
        for hop in way:
            self.ledger.forward(hop.router, flow.name)
        accept_on_the_way(self.resolved, self.ledger, passage)
        lead_to_containers(self.resolved, self.ledger, passage)
