"""Proxy ARP: switched on only where a neighbour asks."""

from collections.abc import Iterator

from netaddr import IPNetwork

from netwright.checks.spans import span
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, warning
from netwright.text.source import TopologyPath


def proxy_arp_is_needed(survey: Survey) -> Iterator[Violation]:
    """An interface answers ARP for others only where a neighbour asks, and where the node could.

    A node asks by ARP for its next hop, or for the destination of a route without one. If all of those that the
    topology names are addresses on the segment, their owners answer, and a proxy only hides mistakes: it takes the
    packets of a wrong next hop without a word. A node that does not forward answers for no address.

    Fails:

        nodes:
          worker1: {interfaces: {eth0: {proxy_arp: true}}}

    Passes:

        nodes:
          gw: {interfaces: {eth0: {proxy_arp: true}}}
          lb1: {routes: [{to: back}]}
    """
    if not _answer(survey):
        return
    asking = _asking(survey)
    useful: set[TopologyPath] = set()
    needless: list[Violation] = []
    for node in survey.nodes:
        for interface in node.interfaces:
            parameter = survey.proxy_arp(node, interface)
            segment = survey.resolved.segment_of(interface)
            if parameter is None or segment is None:
                continue
            if not survey.forwards(node):
                why = f"{node.name} does not forward, and answers for no address"
            elif asking.get(segment, set()) - {node.name}:
                useful.add(parameter.cause)
                continue
            else:
                why = f"no machine on {segment} asks by ARP for an address that is elsewhere"
            message = f"proxy_arp on {interface.name} is needless: {why}; leave it out"
            needless.append(warning(parameter.cause, message, node=node.name))
    yield from (violation for violation in needless if violation.path not in useful)


def _answer(survey: Survey) -> bool:
    """Return whether any interface answers for others: else it does not matter who asks."""
    return any(survey.proxy_arp(node, interface) for node in survey.nodes for interface in node.interfaces)


def _asking(survey: Survey) -> dict[str, set[str]]:
    """The nodes that ask for addresses of other segments, by the segment on which they ask."""
    asking: dict[str, set[str]] = {}
    for stated in survey.all_routes():
        segment = survey.resolved.segment_of(stated.interface) if stated.interface else None
        if segment is None or stated.route.type != "unicast":
            continue
        if stated.gateway is not None:
            owner = survey.owner(stated.gateway)
            on_segment = owner is not None and any(
                survey.resolved.segment_of(interface) == segment for interface in owner.node.interfaces
            )
            asks = not on_segment and not survey.is_virtual(stated.gateway)
        else:
            asks = any(_leads_off(survey, destination, segment) for destination in stated.destinations)
        if asks:
            asking.setdefault(segment, set()).add(stated.node.name)
    return asking


def _leads_off(survey: Survey, destination: IPNetwork, segment: str) -> bool:
    """Return whether a destination has addresses that are in no network of a segment."""
    network = survey.network_at(destination.ip)
    return network is None or network.segment != segment or not span(network.cidr).covers(span(destination))


def one_node_answers_for_others(survey: Survey) -> Iterator[Violation]:
    """On a segment, one node at most answers ARP for addresses that are elsewhere.

    Of two answers the sender takes the one that comes last: packets of one connection change their way for no visible
    reason, and a stateful device that sees half of them drops the rest.

    Fails:

        nodes:
          gw: {interfaces: {eth0: {proxy_arp: true}}}
          gw2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.2, proxy_arp: true}}}
          lb1: {routes: [{to: back}]}

    Passes:

        nodes:
          gw: {interfaces: {eth0: {proxy_arp: true}}}
          gw2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.2}}}
          lb1: {routes: [{to: back}]}
    """
    if not _answer(survey):
        return
    asking = _asking(survey)
    first: dict[str, tuple[str, TopologyPath]] = {}
    for node in survey.nodes:
        for interface in node.interfaces:
            parameter = survey.proxy_arp(node, interface)
            segment = survey.resolved.segment_of(interface)
            if parameter is None or segment not in asking or not survey.forwards(node):
                continue
            other, cause = first.setdefault(segment, (node.name, parameter.cause))
            if other != node.name:
                message = f"{node.name} and {other} both answer ARP on {segment} for others; leave it to one of them"
                related = (cause,) if cause != parameter.cause else ()
                yield warning(parameter.cause, message, node=node.name, related=related)


RULES = (proxy_arp_is_needed, one_node_answers_for_others)
