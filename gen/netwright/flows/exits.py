"""The devices that lead to the internet: by which of them a flow goes, and by which interface packets leave there."""

from msgspec import Struct
from msgspec.structs import replace

from netwright.flows.graph import Graph, Hop, Tie, Way
from netwright.flows.ownership import interface_on, is_ours
from netwright.flows.types import Party
from netwright.model import Node
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import uplink

OUTSIDE = "*"
"""Stands in a hop for the internet, where others have a segment; no segment is called so."""


class Exit(Struct, frozen=True, kw_only=True):
    """A device that leads to the internet, as it is reached: by one of its segments, past some routers."""

    node: Node
    segment: str
    way: Way


class Egress(Struct, frozen=True, kw_only=True):
    """The interface by which packets leave: one, or any but the node's own."""

    interface: str | None
    besides: tuple[str, ...] = ()


NO_EGRESS = Egress(interface=None)
"""Whatever interface it is."""


def nearest_exit(graph: Graph, nodes: tuple[Node, ...], prefer: tuple[str, ...], segment: str) -> Exit | Tie | None:
    """The device by which packets go to the internet from a segment, or come from there; None if none is in reach.

    Preferred ones come first, and those to which a preferred router leads; of these the nearest; of equally near ones
    that to which a router leads that a network of the segment names.
    """
    exits = [found for node in nodes if (found := _reach(graph, node, segment, prefer)) is not None]
    chosen = [one for one in exits if {one.node.name, *(hop.router for hop in one.way)} & {*prefer}] or exits
    near = [one for one in chosen if len(one.way) == min(len(other.way) for other in chosen)]
    routers = {
        network.router.value
        for network in graph.resolved.topology.networks
        if network.segment == segment and network.router is not None
    }
    named = [one for one in near if (one.way[0].router if one.way else one.node.name) in routers] or near
    if len(named) > 1:
        return Tie(segment=segment, routers=tuple(one.node.name for one in named))
    return named[0] if named else None


def _reach(graph: Graph, node: Node, segment: str, prefer: tuple[str, ...]) -> Exit | None:
    """The device by the nearest of its segments; where routers lead there equally well, the flow itself reports it."""
    segments = [own for one in node.interfaces if (own := graph.resolved.segment_of(one)) is not None]
    reached = {own: distance for own in segments if (distance := graph.distance(segment, own)) is not None}
    if not reached:
        return None
    nearest = min(reached, key=lambda own: reached[own])
    way = graph.way(segment, nearest, prefer)
    return Exit(node=node, segment=nearest, way=() if way is None or isinstance(way, Tie) else way)


def leave(resolved: ResolvedTopology, hop: Hop) -> Egress:
    """Return the interface by which a router sends on what takes a hop.

    Where the topology does not describe the interface that leads to the internet, it is none of those that it does.
    """
    node = resolved.nodes[hop.router]
    if hop.egress != OUTSIDE:
        return Egress(interface=interface_on(resolved, node, hop.egress))
    found = uplink(resolved, node)
    if found is not None:
        return Egress(interface=found.interface.name)
    return Egress(interface=None, besides=tuple(interface.name for interface in node.interfaces))


def pass_exits(resolved: ResolvedTopology, way: Way, *, out_of: Exit | None, into: Exit | None) -> Way:
    """The way with the devices at its ends that lead to the internet, where netwright configures them."""
    first: Way = ()
    last: Way = ()
    if out_of is not None and is_ours(resolved, out_of.node.name):
        first = (Hop(router=out_of.node.name, ingress=OUTSIDE, egress=out_of.segment),)
    if into is not None and is_ours(resolved, into.node.name):
        last = (Hop(router=into.node.name, ingress=into.segment, egress=OUTSIDE),)
    return (*first, *way, *last)


def through(resolved: ResolvedTopology, party: Party, way_out: Exit | None) -> Party:
    """The party on the network by which the device is reached that leads to it."""
    if way_out is None:
        return party
    attached = (attachment for interface in way_out.node.interfaces for attachment in interface.attachments)
    network = next(one.network for one in attached if resolved.networks[one.network].segment == way_out.segment)
    return replace(party, network=network)
