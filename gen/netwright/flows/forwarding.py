"""What flows need that go through a port forward: routes there and back, forwarding, and accepts."""

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace
from netaddr import IPAddress

from netwright.flows.containers import lead_to_containers
from netwright.flows.exits import Exit, nearest_exit
from netwright.flows.filters import Passage, accept_on_the_way
from netwright.flows.forwards import Forwarded, is_hidden, outer_party, own_party, way_through
from netwright.flows.graph import Graph, Tie, Way
from netwright.flows.ledger import Ledger
from netwright.flows.routing import Routing
from netwright.flows.types import ForwardNeed, Networks, Party
from netwright.model import Flow, Node, PortForward
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import default_route_offers, is_main_default, route_gateway, stated_routes

Report = Callable[[TopologyPath, str, str], None]
"""Takes the path, the rule and the message of an error."""


class Forwarding(Struct, frozen=True, kw_only=True):
    """Notes what port forwards need in a ledger; `error` takes what is wrong."""

    resolved: ResolvedTopology
    graph: Graph
    ledger: Ledger
    routing: Routing
    internal: Networks
    error: Report

    def pass_through(self, flow: Flow, forwarded: Forwarded) -> tuple[Passage, ...]:
        """The passages of a flow to the router of a port forward and from there to the target, once what they need is
        noted; none if no way leads there."""
        forward, source, destination = forwarded.forward, forwarded.source, forwarded.destination
        router = self.resolved.nodes[forward.at.value]
        target = self.routing.segment(destination)
        out_of = self._exit(router, target) if source.prefix is None else None
        start = out_of.segment if out_of is not None else self.routing.segment(source)
        way = way_through(self.graph, router, start, target, out_of)
        number = next((number for number, hop in enumerate(way or ()) if hop.router == router.name), 0)
        own = own_party(self.resolved, router, way[number].egress) if way else None
        if way is None or own is None:
            message = f"{router.name} does not lead from {start} to {target}; name a router of both in {_path(forward)}"
            self.error(flow.cause, "flows_have_a_way", message)
            return ()
        hidden = is_hidden(self.graph, forward, None if out_of is not None else start, target)
        if hidden and flow.nat_never:
            message = (
                f"{forward.to.text} sees the address of {router.name} in what {forward.name} leads on; leave out "
                f"nat: never, or {'source: replaced' if forward.is_replaced else 'hairpin'} in {_path(forward)}"
            )
            self.error((*flow.cause, "nat"), "forwards_keep_sources", message)
        last = Passage(
            flow=flow,
            source=source,
            destination=destination,
            way=way[number:],
            seen=(source.addresses, *((own if hidden else source).addresses for _ in way[number:])),
            traffic=forwarded.traffic,
            through=router.name,
        )
        self._route(last, own, forwarded, hidden=hidden)
        passages = (*self._approach(last, forwarded, way[:number]), last)
        self.ledger.need(router.name, ForwardNeed(name=forward.name, hidden=hidden), flow.name)
        for hop in way:
            self.ledger.forward(hop.router, flow.name)
        for passage in passages:
            accept_on_the_way(self.resolved, self.ledger, passage)
            lead_to_containers(self.resolved, self.ledger, passage)
        return passages

    def _approach(self, last: Passage, forwarded: Forwarded, way: Way) -> Iterator[Passage]:
        """Yield the passage to the router's address, if other routers lie before it."""
        if way:
            yield replace(
                last,
                destination=replace(outer_party(self.resolved, forwarded.forward, self.internal), nodes=()),
                way=way,
                seen=(last.source.addresses,) * (len(way) + 1),
                traffic=forwarded.asked,
                through=None,
            )

    def _exit(self, router: Node, segment: str) -> Exit | None:
        found = nearest_exit(self.graph, (router,), (), segment)
        return None if isinstance(found, Tie) else found

    def _route(self, passage: Passage, own: Party, forwarded: Forwarded, *, hidden: bool) -> None:
        """Notes routes to the router's address, from there to the target, and back; `own` is the router as the target
        knows it."""
        flow, source, destination = passage.flow, passage.source, passage.destination
        route = self.routing.route
        if source.prefix is None:
            source = replace(source, network=own.network)
            route(flow, source, destination)
        else:
            outer = outer_party(self.resolved, forwarded.forward, self.internal)
            route(flow, source, outer)
            route(flow, own, source)
            route(flow, own, destination)
        route(flow, destination, own if hidden else source)
        if not hidden:
            self._check_answers(passage, forwarded)

    def _check_answers(self, passage: Passage, forwarded: Forwarded) -> None:
        """Report targets that would answer past the router: their own address is no one whom the sender has asked."""
        forward, destination = forwarded.forward, passage.destination
        router, target = self.resolved.nodes[forward.at.value], self.routing.segment(destination)
        cure = f"set source: replaced in {_path(forward)}"
        if passage.source.prefix is not None:
            back = self.graph.way(target, self.routing.segment(passage.source), ())
            if not isinstance(back, Tie) and router.name not in {hop.router for hop in back or ()}:
                message = (
                    f"{forward.to.text} answers {passage.source.network} without {router.name}, from an address that "
                    f"was not asked; {cure}"
                )
                self.error(forward.cause, "forwards_see_answers", message)
            return
        expected = {*self._inner_routers(router, target)}
        for name in destination.nodes:
            other = next((ip for ip in self._defaults(self.resolved.nodes[name]) if ip not in expected), None)
            if other is not None:
                message = (
                    f"{name} answers the internet by its default route via {other}, not by {router.name}, so that its "
                    f"answers have an address that was not asked; {cure}, or lead its default route to {router.name}"
                )
                self.error(forward.cause, "forwards_see_answers", message)

    def _inner_routers(self, router: Node, segment: str) -> Iterator[IPAddress]:
        """The addresses on a segment by which packets may come to the router: its own, and those of routers that do not
        lead to the internet themselves."""
        for name in self.graph.routers_on.get(segment, ()):
            node = self.resolved.nodes[name]
            if node is router or not node.internet:
                for link in node.interfaces:
                    if self.resolved.segment_of(link) == segment:
                        yield from (at.ip for at in link.attachments)

    def _defaults(self, node: Node) -> Iterator[IPAddress]:
        """The next hop of the node's best default route, if the topology gives it one."""
        stated = [route for route in stated_routes(node) if is_main_default(self.resolved, route)]
        if stated:
            best = min(stated, key=lambda route: route.metric or 0)
            gateway = route_gateway(self.resolved, node, best)
            yield from (gateway,) if gateway is not None else ()
        elif node.default_route is None:
            yield from (offer.gateway for offer in default_route_offers(self.resolved, node)[:1])


def _path(forward: PortForward) -> str:
    return f"forwards.{forward.name}"
