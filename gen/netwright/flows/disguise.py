"""The sources of a flow's packets along their way: what a router masquerades goes on with the router's own address."""

from collections.abc import Iterator

from netaddr import IPNetwork

from netwright.flows.exits import leave
from netwright.flows.graph import Hop, Way
from netwright.flows.types import Networks, Party
from netwright.model import Attachment, Node
from netwright.topology.resolved import ANYWHERE, ResolvedTopology, host, outermost


def sources_along(resolved: ResolvedTopology, source: Party, destination: Party, way: Way) -> tuple[Networks, ...]:
    """The sources with which packets come to each router of a way, and then those with which they arrive.

    Where a router masquerades some of them its own addresses are added: exemptions may leave others as they are.
    """
    if source.outside:
        return (source.addresses,) * (len(way) + 1)
    found = [source.addresses]
    for hop in way:
        added = {host(attachment.ip) for attachment in disguise(resolved, hop, found[-1], destination)}
        found.append(outermost({*found[-1], *added}) if added else found[-1])
    return tuple(found)


def disguise(resolved: ResolvedTopology, hop: Hop, sources: Networks, destination: Party) -> tuple[Attachment, ...]:
    """The router's own addresses that a stated masquerade gives to some of the sources, or libvirt's of a network in
    mode nat; none if nothing changes them."""
    node, name = resolved.nodes[hop.router], leave(resolved, hop).interface
    interface = next((one for one in node.interfaces if one.name == name), None)
    if interface is None:
        return ()
    rules = [*_stated(resolved, node, interface.name), *_of_libvirt(resolved, hop, node)]
    hides = any(
        _meet(one, hidden) and not _all_inside(destination, kept)
        for whom, kept in rules
        for hidden in whom
        for one in sources
    )
    return interface.attachments if hides else ()


def _stated(resolved: ResolvedTopology, node: Node, egress: str) -> Iterator[tuple[Networks, Networks]]:
    """Whose packets the node's masquerade rules hide by an interface, and to where they do not."""
    for rule in node.masquerades:
        if rule.egress == egress:
            yield (
                resolved.union(rule.sources) or (ANYWHERE,),
                resolved.union(rule.exceptions) if rule.exceptions else (),
            )


def _of_libvirt(resolved: ResolvedTopology, hop: Hop, node: Node) -> Iterator[tuple[Networks, Networks]]:
    for network in resolved.topology.networks:
        is_here = network.router is not None and network.router.value == node.name and network.segment == hop.ingress
        if is_here and network.libvirt is not None and network.libvirt.forward == "nat":
            yield (network.cidr,), (network.cidr,)


def _meet(one: IPNetwork, other: IPNetwork) -> bool:
    return one in other or other in one


def _all_inside(destination: Party, networks: Networks) -> bool:
    return not destination.outside and all(any(one in other for other in networks) for one in destination.addresses)
