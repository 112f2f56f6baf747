"""Libvirt modes: none stands in the way of traffic that is wanted."""

import itertools
from collections.abc import Iterator

from netaddr import IPNetwork

from netwright.checks.libvirt import hosted_networks
from netwright.checks.spans import span
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, warning
from netwright.model import End, Network
from netwright.text.source import TopologyPath


def libvirt_lets_traffic_through(survey: Survey) -> Iterator[Violation]:
    """A libvirt network that routes, filter rules or flows want traffic through is `open`.

    In `nat` mode libvirt masquerades everything that leaves the network, to other libvirt networks too, and rejects
    what comes in unasked; in `route` mode its rules stood in the way as well when measured; `isolated` forwards
    nothing. No accept in another table overrides them. `open` adds no rule.

    Fails:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, forward: nat}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
          lb1: {routes: [{to: vms, via: gw}]}

    Passes:

        networks:
          vms: {cidr: 10.17.5.0/24, router: gw, libvirt: {bridge: virbr5, forward: open}}
        nodes:
          gw: {interfaces: {virbr5: {network: vms, address: 10.17.5.1}}}
          lb1: {routes: [{to: vms, via: gw}]}
    """
    closed = {network.name: network for network, libvirt, _ in hosted_networks(survey) if libvirt.forward != "open"}
    wanted: dict[str, TopologyPath] = {}
    wishes = (_wanted_by_routes(survey, closed), _wanted_by_rules(survey, closed), _wanted_by_flows(survey, closed))
    for name, path in itertools.chain.from_iterable(wishes):
        wanted.setdefault(name, path)
    for name, path in wanted.items():
        libvirt = closed[name].libvirt
        if libvirt is not None:
            message = (
                f"traffic through {name} is wanted, but libvirt's mode {libvirt.forward} {_MODES[libvirt.forward]}, "
                f"and no accept elsewhere overrides that; set forward: open"
            )
            yield warning((*libvirt.cause, "forward"), message, related=(path,))


_MODES = {
    "nat": "rewrites the source of what leaves it and rejects what comes in unasked",
    "route": "adds rules of its own, which rejected traffic between networks",
    "isolated": "forwards nothing",
}


def _wanted_by_routes(survey: Survey, closed: dict[str, Network]) -> Iterator[tuple[str, TopologyPath]]:
    """The closed networks through which a route sends packets: into them, or out of them to another network."""
    if not closed:
        return
    kubernetes = survey.resolved.topology.kubernetes
    for stated in survey.all_routes():
        own = {connection.network.name for connection in survey.connections[stated.node.name]}
        behind = survey.network_at(stated.gateway) if stated.gateway is not None else None
        for destination, sought in zip(stated.destinations, stated.spans, strict=True):
            if destination.prefixlen == 0 or stated.route.type != "unicast":
                continue
            met = [network.name for network in survey.spans.meeting(sought)]
            yield from ((name, stated.route.cause) for name in met if name in closed and name not in own)
            is_inside = bool(met) or (kubernetes is not None and span(kubernetes.pods).meets(sought))
            if behind is not None and behind.name in closed and is_inside:
                yield behind.name, stated.route.cause


def _wanted_by_rules(survey: Survey, closed: dict[str, Network]) -> Iterator[tuple[str, TopologyPath]]:
    """The closed networks that a forward rule of their host accepts traffic into or out of."""
    for network in closed.values():
        host = survey.resolved.nodes[network.router.value] if network.router else None
        chain = host.forward_chain if host else None
        for rule in chain.rules if chain else ():
            ends = (_networks_of(survey, rule.sources), _networks_of(survey, rule.destinations))
            if not rule.accept or not all(ends):
                continue
            for here, there in (ends, ends[::-1]):
                inside = any(span(network.cidr).meets(span(one)) for one in here)
                outside = any(one.prefixlen and not span(network.cidr).covers(span(one)) for one in there)
                if inside and outside and all(one.prefixlen for one in here):
                    yield network.name, rule.cause


def _wanted_by_flows(survey: Survey, closed: dict[str, Network]) -> Iterator[tuple[str, TopologyPath]]:
    """The closed networks that a flow crosses the border of; to the internet libvirt's own masquerade lets it out."""
    for flow in survey.resolved.topology.flows if closed else ():
        starts, ends = _networks_crossed(survey, flow.sources), _networks_crossed(survey, flow.destinations)
        for name in closed:
            if flow.allow and ((name in starts and ends - {name}) or (name in ends and starts - {name})):
                yield name, flow.cause


def _networks_crossed(survey: Survey, ends: tuple[End, ...]) -> set[str]:
    """The names of the networks that ends are on; pods are on those of their nodes."""
    names = {found.name for one in _networks_of(survey, ends) for found in survey.spans.meeting(span(one))}
    if any(end.text == "pods" for end in ends):
        owners = (node for node in survey.nodes if node.pod_networks)
        names |= {at.network for node in owners for interface in node.interfaces for at in interface.attachments}
    return names


def _networks_of(survey: Survey, ends: tuple[End, ...]) -> list[IPNetwork]:
    return [network for end in ends for network in survey.resolved.resolve_end(end) or ()]


RULES = (libvirt_lets_traffic_through,)
