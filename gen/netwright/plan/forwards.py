"""Port forwards of a node: which packets it leads on to where, and which of them get its own address."""

from collections.abc import Iterator

from netaddr import IPNetwork

from netwright.flows.forwards import is_hidden, segment_towards
from netwright.flows.graph import draw_graph
from netwright.flows.ownership import interface_on
from netwright.flows.types import ForwardNeed, NodeNeeds
from netwright.model import Node, PortForward
from netwright.plan.filter_types import PlannedForward, PlannedMasquerade
from netwright.plan.traffic import by_protocol
from netwright.text.natural import natural_key
from netwright.topology.forwards import (
    forwarded_ports,
    inside_sources,
    is_from_internet,
    outer_address,
    outer_interfaces,
    segment_of_address,
    target_of,
)
from netwright.topology.resolved import ResolvedTopology, host, outermost


def planned_forwards(resolved: ResolvedTopology, node: Node, needs: NodeNeeds) -> Iterator[PlannedForward]:
    """Yield the port forwards of a node, each protocol for itself: for what comes from the internet, for what comes
    from inside, or for all where a hairpin lets everyone use the address."""
    for forward in _own(resolved, node):
        target, address = target_of(resolved, forward), outer_address(resolved, forward)
        if target is None:
            continue
        for protocol, ports in by_protocol(one.outer for one in forwarded_ports(forward)):
            for ingress, besides, sources in _users(resolved, forward):
                yield PlannedForward(
                    ingress=ingress,
                    besides=besides,
                    sources=sources,
                    address=address,
                    spared=_inner_addresses(node) if address is None and not besides else (),
                    protocol=protocol or "",
                    ports=ports,
                    target=target,
                    to_port=forward.to_port,
                    name=forward.name,
                    cause=forward.cause,
                    flows=_flows(needs, forward, (False, True)),
                )


def _inner_addresses(node: Node) -> tuple[IPNetwork, ...]:
    """The addresses that the topology gives to a node: what is for them stays there, as the outer one is another."""
    return outermost(host(at.ip) for link in node.interfaces for at in link.attachments)


def _own(resolved: ResolvedTopology, node: Node) -> Iterator[PortForward]:
    yield from (forward for forward in resolved.topology.forwards if forward.at.value == node.name)


_Users = tuple[str | None, tuple[str, ...], tuple[IPNetwork, ...]]
"""The interface by which they come, those by which they do not, and their addresses; nothing for anyone."""


def _users(resolved: ResolvedTopology, forward: PortForward) -> Iterator[_Users]:
    inside = inside_sources(resolved, forward)
    if is_from_internet(forward):
        ingress, besides = outer_interfaces(resolved, forward)
        if forward.hairpin:
            yield None, (), ()
            return
        yield ingress, besides, ()
    if inside:
        yield None, (), inside


def planned_replacements(resolved: ResolvedTopology, node: Node, needs: NodeNeeds) -> Iterator[PlannedMasquerade]:
    """Yield what is to leave for a target with the node's own address: where a forward states that, and what comes from
    inside by a hairpin and would be answered past the node."""
    for forward in _own(resolved, node):
        target = target_of(resolved, forward)
        segment = segment_of_address(resolved, target) if target is not None else None
        if target is None or segment is None or not (forward.is_replaced or forward.hairpin):
            continue
        graph = draw_graph(resolved)
        egress = segment_towards(graph, node, segment)
        hidden = tuple(
            network.cidr
            for network in resolved.topology.networks
            if is_hidden(graph, forward, network.segment, segment)
        )
        if egress is None or not hidden:
            continue
        for protocol, ports in by_protocol(one.inner for one in forwarded_ports(forward)):
            yield PlannedMasquerade(
                sources=() if forward.is_replaced else outermost(hidden),
                egress=interface_on(resolved, node, egress),
                exceptions=(),
                destinations=(host(target),),
                translated=True,
                protocol=protocol,
                ports=ports,
                cause=forward.cause,
                flows=_flows(needs, forward, (True,)),
            )


def _flows(needs: NodeNeeds, forward: PortForward, hidden: tuple[bool, ...]) -> tuple[str, ...]:
    """The flows that go through a forward, with their source hidden or not."""
    uses = (needs.needs.get(ForwardNeed(name=forward.name, hidden=one), ()) for one in hidden)
    return tuple(sorted({flow for flows in uses for flow in flows}, key=natural_key))
