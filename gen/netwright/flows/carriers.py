"""Flows that carry WireGuard tunnels: what the ends send each other so that a flow can go through the tunnel."""

from collections.abc import Callable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.flows.filters import Passage
from netwright.flows.tunnels import Endpoint, TunnelEnd, Tunnels
from netwright.flows.types import Party
from netwright.model import End, Flow, Node, Traffic


class Carriers(Struct, frozen=True, kw_only=True):
    """Flows that are to be added for what goes through tunnels; `internet` are the devices that lead there."""

    tunnels: Tunnels
    internet: Sequence[Node]
    find_segment: Callable[[Party], str]
    add: Callable[[Flow], None]
    _carried: set[tuple[str, str, str, str]] = field(default_factory=set)
    """Flows with the tunnel and the nodes that carry them."""

    def carry(self, passage: Passage) -> None:
        """Allow what carries a passage through tunnels: from either end to the other, where it knows the other's place.

        Both begin: whichever has something to send first, or keeps the tunnel open.
        """
        senders, segment = passage.source.nodes, self.find_segment(passage.source)
        for hop in passage.way:
            self._carry_through(segment, passage.flow, senders, (hop.router,))
            if hop.egress is None:
                return
            senders, segment = (hop.router,), hop.egress
        owner = passage.destination.owner
        receivers = (owner,) if owner is not None else passage.destination.nodes
        self._carry_through(segment, passage.flow, senders, receivers)

    def _carry_through(self, segment: str, flow: Flow, senders: Sequence[str], receivers: Sequence[str]) -> None:
        if segment in self.tunnels.segments:
            last = [end for name in receivers if (end := self.tunnels.end_of(name, segment)) is not None]
            for one in filter(None, (self.tunnels.end_of(name, segment) for name in senders)):
                for other in last:
                    self._carry_between(flow, one, other)

    def _carry_between(self, flow: Flow, one: TunnelEnd, other: TunnelEnd) -> None:
        if one.node is other.node:
            return
        for end, peer in ((one, other), (other, one)):
            key = (flow.name, end.link.attachments[0].network, end.node.name, peer.node.name)
            endpoint = self.tunnels.endpoint(end, peer)
            if endpoint is not None and key not in self._carried:
                self._carried.add(key)
                self._carry_to(flow, end, peer, endpoint)

    def _carry_to(self, flow: Flow, end: TunnelEnd, peer: TunnelEnd, endpoint: Endpoint) -> None:
        """Allow an end's packets to a peer. To one outside they need the way to the internet, where there is one."""
        port = peer.device.port.value if endpoint.target is not None else endpoint.port
        traffic = (Traffic(protocol="udp", ports=(port, port)),)
        source, target = end.node.name, "internet"
        if endpoint.target is not None:
            source, target = f"{source}@{endpoint.start}", f"{peer.node.name}@{endpoint.target}"
        elif not self._reaches_internet(end):
            return
        ends = [End(text=text, network=None, cause=flow.cause) for text in (source, target)]
        carrier = replace(
            flow, sources=(ends[0],), destinations=(ends[1],), traffic=traffic, nat_never=False, via=flow.via
        )
        self.add(carrier)

    def _reaches_internet(self, end: TunnelEnd) -> bool:
        """Return whether routers lead from a node to a device of the topology that leads to the internet."""
        if end.node.internet:
            return False
        own = [self.tunnels.resolved.segment_of(one) for one in end.node.interfaces]
        beyond = [self.tunnels.resolved.segment_of(one) for device in self.internet for one in device.interfaces]
        return any(
            self.tunnels.graph.distance(start, target) is not None
            for start in own
            if start
            for target in beyond
            if target
        )
