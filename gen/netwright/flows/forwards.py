"""Port forwards on the way of flows: which of them a flow takes, by which routers it goes, and what answers need."""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace
from netaddr import IPAddress, IPNetwork

from netwright.flows.exits import OUTSIDE, Exit
from netwright.flows.graph import Graph, Hop, Tie, Way
from netwright.flows.ownership import interface_on
from netwright.flows.types import Networks, Party
from netwright.model import Node, PortForward, Traffic
from netwright.topology.forwards import (
    forwarded_ports,
    inside_sources,
    is_from_internet,
    outer_address,
    target_of,
)
from netwright.topology.resolved import ResolvedTopology, host
from netwright.topology.special_addresses import special_kind


class Forwarded(Struct, frozen=True, kw_only=True):
    """What a port forward takes of the traffic between two parties: the target, the traffic as it has it, and as it is
    `asked` for at the router.

    `whole`: it takes all that these senders ask the target for, so that nothing is left that they ask it directly.
    """

    forward: PortForward
    source: Party
    destination: Party
    traffic: tuple[Traffic, ...]
    asked: tuple[Traffic, ...]
    whole: bool


def find_forwarded(
    resolved: ResolvedTopology, source: Party, destination: Party, traffic: tuple[Traffic, ...]
) -> Iterator[Forwarded]:
    """Yield what each port forward takes between two parties."""
    if destination.outside or destination.pods:
        return
    for forward in resolved.topology.forwards:
        target = target_of(resolved, forward)
        taken = tuple(_shared(traffic, (one.inner for one in forwarded_ports(forward))))
        if target is None or not taken or not any(target in network for network in destination.addresses):
            continue
        senders, whole = _senders(resolved, forward, source)
        if senders is not None:
            yield Forwarded(
                forward=forward,
                source=senders,
                destination=_narrow(resolved, destination, target),
                traffic=taken,
                asked=tuple(_asked(forward, taken)),
                whole=whole and {*traffic} <= {*taken},
            )


def left_over(destination: Party, found: Iterable[Forwarded]) -> Party | None:
    """The party without the targets of which port forwards take all; None if nothing is left of it."""
    taken = {address for one in found if one.whole for address in one.destination.addresses}
    left = tuple(address for address in destination.addresses if address not in taken)
    return replace(destination, addresses=left) if left else None


def without_private(destination: Party) -> Party | None:
    """The party without addresses to which nothing on the internet sends; None if nothing is left of it."""
    left = tuple(address for address in destination.addresses if special_kind(address) is None)
    return replace(destination, addresses=left) if left else None


def _senders(resolved: ResolvedTopology, forward: PortForward, source: Party) -> tuple[Party | None, bool]:
    """Those of a party whose packets are led on, and whether these ask the target by no other address."""
    if source.prefix is None:
        used = is_from_internet(forward) and source.owner == forward.at.value
        return (source if used else None), True
    stated = inside_sources(resolved, forward)
    inside = tuple(one for one in source.addresses if any(one in network for network in stated))
    if forward.hairpin and len(inside) < len(source.addresses):
        return source, False
    smaller = tuple(network for network in stated if any(network in one and network != one for one in source.addresses))
    if not inside and not smaller:
        return None, False
    return replace(source, addresses=(*inside, *smaller)), len(inside) == len(source.addresses)


def _narrow(resolved: ResolvedTopology, party: Party, target: IPAddress) -> Party:
    """The party as the machines that have, or may have, one address."""
    own = [name for name in party.nodes if _has(resolved, name, target)]
    return replace(party, addresses=(host(target),), nodes=tuple(own) or party.nodes)


def _has(resolved: ResolvedTopology, name: str, ip: IPAddress) -> bool:
    node = resolved.nodes[name]
    held = any(one.ip.value == ip and one.is_held_by(name) for one in resolved.topology.virtual_addresses)
    return held or any(at.ip == ip for link in node.interfaces for at in link.attachments)


def _asked(forward: PortForward, taken: tuple[Traffic, ...]) -> Iterator[Traffic]:
    """Yield the router's ports that lead to those of the target."""
    yield from taken if forward.to_port is None else forward.ports


def _shared(wanted: Iterable[Traffic], offered: Iterable[Traffic]) -> Iterator[Traffic]:
    """Yield the traffic that is in both."""
    offered = tuple(offered)
    for one in wanted:
        for other in offered:
            if one.protocol is None or (one.protocol == other.protocol and one.ports is None):
                yield other
            elif one.protocol == other.protocol and one.ports is not None and other.ports is not None:
                ports = max(one.ports[0], other.ports[0]), min(one.ports[1], other.ports[1])
                if ports[0] <= ports[1]:
                    yield Traffic(protocol=one.protocol, ports=ports)


def way_through(graph: Graph, router: Node, start: str, target: str, out_of: Exit | None) -> Way | None:
    """The routers from a segment to the router, that one, and those from there to the target; None if there is no way.

    What is sent from the internet comes in there.
    """
    segments = graph.segments_of.get(router.name, ())
    near = OUTSIDE if out_of is not None else _nearest(graph, segments, start)
    far = segment_towards(graph, router, target)
    if near is None or far is None:
        return None
    before = () if out_of is not None else graph.way(start, near, ())
    after = graph.way(far, target, ())
    if before is None or after is None or isinstance(before, Tie) or isinstance(after, Tie):
        return None
    return (*before, Hop(router=router.name, ingress=near, egress=far), *after)


def segment_towards(graph: Graph, router: Node, target: str) -> str | None:
    """The segment by which a router sends to another one; None if no way leads there."""
    return _nearest(graph, graph.segments_of.get(router.name, ()), target)


def _nearest(graph: Graph, segments: Iterable[str], target: str) -> str | None:
    reached = {segment: hops for segment in segments if (hops := graph.distance(segment, target)) is not None}
    return min(reached, key=lambda segment: reached[segment], default=None)


def own_party(resolved: ResolvedTopology, router: Node, segment: str) -> Party | None:
    """The router as a party on a segment, with the address by which it sends there."""
    name = interface_on(resolved, router, segment)
    link = next((one for one in router.interfaces if one.name == name), None)
    if link is None:
        return None
    own = link.attachments[0]
    cidr: IPNetwork = resolved.networks[own.network].cidr
    return Party(nodes=(router.name,), network=own.network, prefix=cidr, owner=None, addresses=(host(own.ip),))


def outer_party(resolved: ResolvedTopology, forward: PortForward, internal: Networks) -> Party:
    """The router as its users know it: by its address, or somewhere on the internet where that is not described."""
    router, ip = resolved.nodes[forward.at.value], outer_address(resolved, forward)
    for link in router.interfaces:
        for at in link.attachments:
            if at.ip == ip:
                cidr = resolved.networks[at.network].cidr
                return Party(nodes=(router.name,), network=at.network, prefix=cidr, owner=None, addresses=(host(ip),))
    network = router.interfaces[0].attachments[0].network
    return Party(nodes=(), network=network, prefix=None, owner=router.name, addresses=internal, outside=True)


def is_hidden(graph: Graph, forward: PortForward, source: str | None, target: str) -> bool:
    """Return whether the target sees the router's address instead of that of senders on a segment, or on the internet
    (None): as the forward states, or since its answers to others inside would pass the router by."""
    if forward.is_replaced or not forward.hairpin or source is None:
        return forward.is_replaced
    back = graph.way(target, source, ())
    return back is None or isinstance(back, Tie) or forward.at.value not in {hop.router for hop in back}
