"""The routes by which packets find their way: at the senders, and at every router after them."""

from collections.abc import Callable

from msgspec import Struct
from netaddr import IPAddress

from netwright.flows.graph import Graph, Hop, Way
from netwright.flows.ledger import Ledger
from netwright.flows.ownership import interface_on
from netwright.flows.types import Party, RouteNeed
from netwright.model import Flow, Node
from netwright.topology.resolved import ANYWHERE, ResolvedTopology

FindWay = Callable[[Flow, str, str], Way | None]


class Routing(Struct, frozen=True, kw_only=True):
    """Notes routes in a ledger; `find_way` reports where there is none."""

    resolved: ResolvedTopology
    graph: Graph
    ledger: Ledger
    find_way: FindWay

    def route(self, flow: Flow, senders: Party, receivers: Party) -> None:
        """Routes at every sender, and every router on its way, to the receivers' prefix.

        A sender leaves by the network of its address: what comes by another way than it goes is dropped where rp_filter
        is strict, or where a stateful filter lies on one of the ways. A router on the way needs none but the router's.
        """
        start, target = self.segment(senders), self.segment(receivers)
        way = self.find_way(flow, start, target)
        if way is None:
            return
        routers = [hop.router for hop in way]
        for name in senders.nodes or ((senders.owner,) if senders.owner is not None else ()):
            if name not in routers:
                node = self.resolved.nodes[name]
                self._need(flow, node, start, way, receivers, senders=_own_addresses(node, senders))
        for number, hop in enumerate(way):
            self.route_from(flow, hop, way[number + 1 :], receivers)

    def route_from(self, flow: Flow, hop: Hop, left: Way, receivers: Party) -> None:
        """Note the route of a router on a way, of which `left` lies behind it."""
        self._need(flow, self.resolved.nodes[hop.router], hop.egress, left, receivers)

    def segment(self, party: Party) -> str:
        """The segment of a party's network."""
        return self.resolved.networks[party.network].segment

    def _need(
        self,
        flow: Flow,
        node: Node,
        segment: str,
        way: Way,
        receivers: Party,
        *,
        senders: tuple[IPAddress, ...] | None = None,
    ) -> None:
        """Note the route of a node that sends into `segment`, from where `way` leads on; see Ledger for `senders`."""
        need = None
        if receivers.prefix is None and node.internet:
            return  # it has a way of its own
        if way:
            need = self._via(node, segment, way[0].router, receivers)
        elif receivers.owner is not None:
            need = self._via(node, segment, receivers.owner, receivers) if node.name != receivers.owner else None
        elif not self._is_on(node, receivers.network) and receivers.prefix is not None:
            interface = interface_on(self.resolved, node, segment)
            if interface is not None:
                need = RouteNeed(destination=receivers.prefix, gateway=None, onlink=False, interface=interface)
        if need is not None:
            self.ledger.need_route(node.name, need, flow.name, senders)
        if need is not None and need.onlink:
            self._answer(flow, node, need.interface, segment, way[0].router if way else receivers.owner)

    def _answer(self, flow: Flow, node: Node, interface: str, segment: str, neighbour: str | None) -> None:
        """Note the route by which a neighbour answers ARP on a network that it is not on: where rp_filter is strict it
        takes no packet, ARP's either, from an address to which it has no route."""
        own = next(at for one in node.interfaces if one.name == interface for at in one.attachments)
        network = self.resolved.network_of(own)
        answering = interface_on(self.resolved, self.resolved.nodes[neighbour], segment) if neighbour else None
        if network is not None and neighbour is not None and answering is not None:
            need = RouteNeed(destination=network.cidr, gateway=None, onlink=False, interface=answering)
            self.ledger.need_route(neighbour, need, flow.name, None)

    def _via(self, node: Node, segment: str, neighbour: str, receivers: Party) -> RouteNeed | None:
        """A route by a neighbour on a segment: on a network that both are on if there is one, else on-link."""
        interface = interface_on(self.resolved, node, segment)
        own = {at.network for one in node.interfaces if one.name == interface for at in one.attachments}
        addresses = [
            attachment
            for one in self.resolved.nodes[neighbour].interfaces
            if self.resolved.segment_of(one) == segment
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


def _own_addresses(node: Node, senders: Party) -> tuple[IPAddress, ...] | None:
    """The node's own addresses from which it sends; None for those of its pods, and for any."""
    if senders.owner is not None:
        return None
    own = (at.ip for interface in node.interfaces for at in interface.attachments if at.network == senders.network)
    return tuple(ip for ip in own if any(ip in network for network in senders.addresses))
