"""Ways by other next hops than a flow's own, where the topology states routes with several."""

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.flows.exits import Exit, nearest_exit
from netwright.flows.graph import Graph, Hop, Tie, Way
from netwright.flows.types import Networks
from netwright.model import Node, Route
from netwright.topology.resolved import ANYWHERE, ResolvedTopology
from netwright.topology.settings import metric_of, route_gateway, stated_routes


class Goal(Struct, frozen=True, kw_only=True):
    """What packets are for: a prefix on a segment, or without one the internet, by any of the devices `exits`.

    `sources` are the senders' addresses, for policy rules; `via` are the routers that the flow prefers, and `first` is
    the way that it takes without other next hops.
    """

    prefix: IPNetwork | None
    segment: str
    exits: tuple[Node, ...]
    sources: Networks
    via: tuple[str, ...]
    first: Way


class OtherWay(Struct, frozen=True, kw_only=True):
    """Routers from a node on; `exit` is the device by which they lead to the internet, if they do."""

    way: Way
    exit: Exit | None = None


class OtherWays:
    """The ways of packets past each of several next hops, those of routers on the way among them."""

    def __init__(self, resolved: ResolvedTopology, graph: Graph) -> None:
        """Takes the graph in which packets find their way on from a next hop."""
        self._resolved = resolved
        self._graph = graph

    @cached_property
    def _are_possible(self) -> bool:
        nodes = self._resolved.topology.nodes
        return any(route.weight is not None for node in nodes for route in stated_routes(node))

    @cached_property
    def _routers(self) -> dict[IPAddress, tuple[str, str | None]]:
        """The nodes by their addresses, each with the segment of the address."""
        return {
            at.ip: (node.name, self._resolved.segment_of(interface))
            for node in self._resolved.topology.nodes
            for interface in node.interfaces
            for at in interface.attachments
        }

    def from_node(self, name: str, goal: Goal) -> tuple[OtherWay, ...]:
        """Return each way from a node to a goal if there are several next hops on one; none if there are not."""
        if not self._are_possible:
            return ()
        routers = [hop.router for hop in goal.first]
        left = goal.first[routers.index(name) + 1 :] if name in routers else goal.first
        around = [(name, left), *((hop.router, left[number + 1 :]) for number, hop in enumerate(left))]
        if not any(self.next_hops(node, goal, rest) for node, rest in around):
            return ()
        return tuple(dict.fromkeys(self._on(name, goal, left, frozenset({name}))))

    def next_hops(self, name: str, goal: Goal, left: Way = ()) -> tuple[tuple[str, str], ...]:
        """Return the routers that are next hops of a stated route with several, each with the segment it is on; `left`
        is the way that the node would take without."""
        node = self._resolved.nodes[name]
        prefix = goal.prefix if goal.prefix is not None else ANYWHERE
        own = (network for interface in node.interfaces for at in interface.attachments
               if (network := self._resolved.network_of(at)) is not None)  # fmt: skip
        if any(prefix in network.cidr for network in own):
            return ()
        found: dict[tuple[str, str], None] = {}
        for table in self._tables(node, prefix, goal):
            for destination, routes in self._best(node, table).items():
                if routes[0].weight is None or not self._leads(node, table, destination, prefix):
                    continue
                routers = [*self._owners(node, routes)]
                is_wider = destination != prefix and prefix in destination
                if not is_wider or table is not None or self._serve(routers, left):
                    found |= dict.fromkeys(routers)
        return tuple(found)

    def _tables(self, node: Node, prefix: IPNetwork, goal: Goal) -> Iterator[int | None]:
        """The tables that packets to a prefix are looked up in; None is the main one."""
        yield None
        for rule in node.policy_rules:
            asks = rule.source is None or any(one in rule.source or rule.source in one for one in goal.sources)
            if asks and (rule.destination is None or rule.destination in prefix or prefix in rule.destination):
                yield rule.table

    def _best(self, node: Node, table: int | None) -> dict[IPNetwork, list[Route]]:
        """The routes of a table by destination, without those that a better metric makes mere backups."""
        best: dict[IPNetwork, list[Route]] = {}
        for route in stated_routes(node):
            if (None if route.table in {None, 254} else route.table) != table:
                continue
            for destination in self._resolved.resolve_end(route.to) or ():
                known = best.get(destination)
                rank = metric_of(node, route.metric)
                if known is None or rank < metric_of(node, known[0].metric):
                    best[destination] = [route]
                elif rank == metric_of(node, known[0].metric):
                    known.append(route)
        return best

    def _leads(self, node: Node, table: int | None, destination: IPNetwork, prefix: IPNetwork) -> bool:
        """Return whether packets to some of a prefix take a route: it is narrower, or the narrowest that holds it."""
        if destination in prefix:
            return True
        holding = [one for one in self._best(node, table) if prefix in one]
        return destination in holding and destination.prefixlen == max(one.prefixlen for one in holding)

    def _serve(self, routers: list[tuple[str, str]], left: Way) -> bool:
        """Return whether the node has no route of its own for a flow, as a wider one with several serves as well."""
        minimal = self._resolved.topology.routing.style == "minimal"
        return minimal and bool(left) and left[0].router in {name for name, _ in routers}

    def _owners(self, node: Node, routes: list[Route]) -> Iterator[tuple[str, str]]:
        for route in routes:
            gateway = route_gateway(self._resolved, node, route)
            name, segment = self._routers.get(gateway, (None, None)) if gateway is not None else (None, None)
            if name is not None and segment is not None:
                yield name, segment

    def _on(self, name: str, goal: Goal, left: Way | None, met: frozenset[str]) -> Iterator[OtherWay]:
        """The ways from a node on; `left` is the one that it takes without several next hops, None if none is known."""
        several = self.next_hops(name, goal, left or ())
        if several:
            for router, segment in several:
                if router not in met:
                    same = left is not None and bool(left) and left[0].router == router
                    behind = left[1:] if same and left is not None else self._shortest(router, goal)
                    yield from self._by(router, segment, goal, behind, met)
        elif left:
            yield from self._by(left[0].router, left[0].ingress, goal, left[1:], met)
        elif left is not None:
            yield OtherWay(way=(), exit=None)

    def _by(self, router: str, segment: str, goal: Goal, behind: Way | None, met: frozenset[str]) -> Iterator[OtherWay]:
        node = self._resolved.nodes[router]
        if goal.prefix is None and any(node is one for one in goal.exits):
            yield OtherWay(way=(), exit=Exit(node=node, segment=segment, way=()))
            return
        for tail in self._on(router, goal, behind, met | {router}):
            egress = self._egress(tail, goal)
            yield OtherWay(way=(Hop(router=router, ingress=segment, egress=egress), *tail.way), exit=tail.exit)

    def _egress(self, tail: OtherWay, goal: Goal) -> str:
        if tail.way:
            return tail.way[0].ingress
        return tail.exit.segment if tail.exit is not None else goal.segment

    def _shortest(self, router: str, goal: Goal) -> Way | None:
        """The way from a router to the goal with the fewest others, None if there is none, or several."""
        if router in (own := [hop.router for hop in goal.first]):
            return goal.first[own.index(router) + 1 :]
        segments = self._graph.segments_of.get(router, ())
        if goal.prefix is not None and goal.segment in segments:
            return ()
        ways = [way for segment in segments if (way := self._from(segment, goal)) is not None]
        ways = [way for way in ways if router not in {hop.router for hop in way}]
        return min(ways, key=len, default=None)

    def _from(self, segment: str, goal: Goal) -> Way | None:
        if goal.prefix is not None:
            way = self._graph.way(segment, goal.segment, goal.via)
            return None if isinstance(way, Tie) else way
        found = nearest_exit(self._graph, goal.exits, goal.via, segment)
        if found is None or isinstance(found, Tie):
            return None
        return (*found.way, Hop(router=found.node.name, ingress=found.segment, egress=found.segment))
