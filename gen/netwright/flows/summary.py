"""Pod networks behind one next hop, summarized into one route."""

from netaddr import IPNetwork

from netwright.flows.ledger import Ledger
from netwright.flows.ownership import interface_on
from netwright.flows.types import RouteNeed
from netwright.topology.resolved import ResolvedTopology


def summarize_pod_routes(
    resolved: ResolvedTopology, ledger: Ledger, pods: IPNetwork, owned: frozenset[IPNetwork]
) -> None:
    """Replace routes by a single one to the whole pod network where a node reaches all owned ones by one next hop.

    Only a router that itself knows each of them may be that next hop, and it gets a route that discards the rest: an
    address that no node owns must not wander on by its default route.
    """
    owners = {
        attachment.ip: node
        for node in resolved.topology.nodes
        for interface in node.interfaces
        for attachment in interface.attachments
    }
    for name in ledger.nodes():
        routes = [need for need in ledger.routes(name) if need.destination in owned]
        hops = {(need.gateway, need.onlink, need.interface) for need in routes}
        if len(routes) < 2 or len(hops) != 1 or {need.destination for need in routes} != owned:
            continue
        ((gateway, onlink, interface),) = hops
        router = owners.get(gateway) if gateway is not None else None
        if router is None or router.role is not None:
            continue
        flows = [flow for need in routes for flow in ledger.routes(name)[need]]
        ledger.replace_routes(
            name, routes, RouteNeed(destination=pods, gateway=gateway, onlink=onlink, interface=interface)
        )
        segment = resolved.segment_of(router.interfaces[0])
        discarding = interface_on(resolved, router, segment) if segment is not None else None
        blackhole = RouteNeed(destination=pods, gateway=None, onlink=False, interface=discarding or "", blackhole=True)
        for flow in dict.fromkeys(flows):
            ledger.need(router.name, blackhole, flow)
