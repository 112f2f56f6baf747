"""The routes by which packets find their way: at the senders, and at every router after them."""

from collections.abc import Callable
from dataclasses import dataclass

from gen.fabric import ANYWHERE, Fabric
from gen.flows.graph import Graph, Way
from gen.flows.ledger import Ledger
from gen.flows.ownership import interface_on
from gen.flows.types import Party, RouteNeed
from gen.model import Flow, Node

FindWay = Callable[[Flow, str, str], Way | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Routing:
    """Notes routes in a ledger; `find_way` reports where there is none."""

    fabric: Fabric
    graph: Graph
    ledger: Ledger
    find_way: FindWay

    def route(self, flow: Flow, senders: Party, receivers: Party) -> None:
        """Routes at every sender, and every router on its way, to the receivers' prefix."""
        target = self.segment(receivers)
        starts: dict[str, Way] = {}
        for name in senders.nodes or ((senders.owner,) if senders.owner is not None else ()):
            node = self.fabric.nodes[name]
            start = self._nearest(node, target, self.segment(senders))
            if start not in starts:
                starts[start] = self.find_way(flow, start, target) or ()
            if start == target or starts[start]:
                self._need(flow, node, start, starts[start], receivers)
        if not starts:
            start = self.segment(senders)
            starts[start] = self.find_way(flow, start, target) or ()
        for way in starts.values():
            for number, hop in enumerate(way):
                self._need(flow, self.fabric.nodes[hop.router], hop.egress, way[number + 1 :], receivers)

    def segment(self, party: Party) -> str:
        """The segment of a party's network."""
        return self.fabric.networks[party.network].segment

    def _need(self, flow: Flow, node: Node, segment: str, way: Way, receivers: Party) -> None:
        """Note the route of a node that sends into `segment`, from where `way` leads on."""
        need = None
        if receivers.prefix is None and node.internet:
            return  # it has a way of its own
        if way:
            need = self._via(node, segment, way[0].router, receivers)
        elif receivers.owner is not None:
            need = self._via(node, segment, receivers.owner, receivers) if node.name != receivers.owner else None
        elif not self._is_on(node, receivers.network) and receivers.prefix is not None:
            interface = interface_on(self.fabric, node, segment)
            if interface is not None:
                need = RouteNeed(destination=receivers.prefix, gateway=None, onlink=False, interface=interface)
        if need is not None:
            self.ledger.need(node.name, need, flow.name)

    def _via(self, node: Node, segment: str, neighbour: str, receivers: Party) -> RouteNeed | None:
        """A route by a neighbour on a segment: on a network that both are on if there is one, else on-link."""
        interface = interface_on(self.fabric, node, segment)
        own = {at.network for one in node.interfaces if one.name == interface for at in one.attachments}
        addresses = [
            attachment
            for one in self.fabric.nodes[neighbour].interfaces
            if self.fabric.segment_of(one) == segment
            for attachment in one.attachments
        ]
        if interface is None or not addresses:
            return None
        shared = [attachment for attachment in addresses if attachment.network in own]
        return RouteNeed(
            destination=receivers.prefix if receivers.prefix is not None else ANYWHERE,
            gateway=(shared or addresses)[0].ip,
            onlink=not shared,
            interface=interface,
        )

    def _is_on(self, node: Node, network: str) -> bool:
        return any(at.network == network for interface in node.interfaces for at in interface.attachments)

    def _nearest(self, node: Node, target: str, own: str) -> str:
        """Of the node's segments the one from which the target is the fewest routers away.

        Of equals it is the flow's own, whose address the packets bear: what comes by another way than it goes is
        dropped where rp_filter is strict. Failing that, it is the first interface's.
        """
        segments = [segment for one in node.interfaces if (segment := self.fabric.segment_of(one)) is not None]
        if len(segments) == 1:
            return segments[0]
        distances = {segment: self.graph.distance(segment, target) for segment in segments}
        reached = {segment: distance for segment, distance in distances.items() if distance is not None}
        return min(reached, key=lambda segment: (reached[segment], segment != own), default=segments[0])
