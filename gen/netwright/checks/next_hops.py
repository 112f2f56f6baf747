"""Next hops: neighbours on the link by which a route leaves."""

from collections.abc import Iterator

from netaddr import IPAddress

from netwright.checks.survey import Connection, StatedRoute, Survey
from netwright.checks.violation import Violation, error, warning
from netwright.topology.settings import is_node_itself, stated_uplinks


def next_hop_is_another_node(survey: Survey) -> Iterator[Violation]:
    """A next hop is not the node itself.

    The kernel accepts an own address as a gateway, and the packets go nowhere.

    Fails:

        nodes:
          gw: {routes: [{to: pods, via: gw}]}

    Passes:

        nodes:
          gw: {routes: [{to: 10.42.6.0/24, via: worker2}]}
    """
    for stated, _ in _hops(survey):
        hop = stated.route.via
        if hop is not None and is_node_itself(stated.node, hop):
            name = stated.node.name
            itself = f"{hop.text} is {name} itself" if hop.text != name else f"{name} is the node itself"
            yield error(stated.via, f"{itself}; name a neighbour of {name}", node=name)


def next_hop_is_a_neighbour(survey: Survey) -> Iterator[Violation]:
    """A next hop that is named has an address on a network that the node is on too.

    With `onlink`, sharing a segment is enough.

    Fails:

        nodes:
          lb1: {routes: [{to: 10.42.6.0/24, via: worker2}]}

    Passes:

        nodes:
          lb1: {routes: [{to: 10.42.6.0/24, via: gw}]}
    """
    for stated, _ in _hops(survey):
        node, hop = stated.node, stated.route.via
        if hop is None or hop.ip is not None or stated.gateway is not None or hop.text == node.name:
            continue
        neighbour = survey.resolved.nodes.get(hop.text)
        if neighbour is None:
            continue
        shared = "segment" if stated.route.onlink else "network"
        message = (
            f"{hop.text} ({survey.networks_of(neighbour)}) shares no {shared} with {node.name} "
            f"({survey.networks_of(node)}); {survey.neighbour_hint(node, hop)}"
        )
        yield error(stated.via, message, node=node.name)


def next_hop_is_on_link(survey: Survey) -> Iterator[Violation]:
    """A next hop that is an address lies in a network that the node is on, or the route has `onlink: true`.

    Without `onlink` the kernel refuses the route, systemd-networkd waits for ever without a word, and
    NetworkManager invents a route to the next hop that hides the real one. With it, the next hop has to be on the
    interface's own segment.

    Fails:

        nodes:
          lb1: {routes: [{to: 10.42.6.0/24, via: 10.17.4.25}]}

    Passes:

        nodes:
          lb1: {routes: [{to: 10.42.6.0/24, via: 10.17.3.1}]}
    """
    for stated, gateway in _hops(survey):
        if gateway is None or stated.route.onlink or survey.connected(stated.node, gateway):
            continue
        node = stated.node
        message = (
            f"{gateway} is on no network of {node.name} ({survey.networks_of(node)}); "
            f"set onlink: true or {survey.neighbour_hint(node, stated.route.via)}"
        )
        yield error(stated.via, message, node=node.name)


def next_hop_is_behind_its_interface(survey: Survey) -> Iterator[Violation]:
    """The interface of a route, where `dev` names it, is on the next hop's network.

    The kernel refuses a gateway that another interface leads to.

    Fails:

        nodes:
          gw: {routes: [{to: 10.42.6.0/24, via: worker2, dev: eth0}]}

    Passes:

        nodes:
          gw: {routes: [{to: 10.42.6.0/24, via: worker2, dev: eth1}]}
    """
    for stated, gateway in _hops(survey):
        if gateway is None or stated.route.onlink or stated.interface is None:
            continue
        leading = [one for one in survey.connections[stated.node.name] if int(gateway) in one.span]
        if leading and all(one.interface.name != stated.interface.name for one in leading):
            name = leading[0].interface.name
            message = (
                f"{gateway} is reached via {name}, not via {stated.interface.name}; set dev: {name}, or leave dev out"
            )
            yield error((*stated.route.cause, "dev"), message, node=stated.node.name)


def onlink_is_needed(survey: Survey) -> Iterator[Violation]:
    """A route has `onlink` only where no connected network contains its next hop.

    It turns off the kernel's own test of the next hop, and hides a mistake in it later.

    Fails:

        nodes:
          lb1: {routes: [{to: 10.42.6.0/24, via: 10.17.3.1, onlink: true}]}

    Passes:

        nodes:
          lb1: {routes: [{to: 10.42.6.0/24, via: 10.17.3.1}]}
    """
    for stated in survey.all_routes():
        if not stated.route.onlink or stated.route.type != "unicast":
            continue
        path = (*stated.route.cause, "onlink")
        if stated.route.via is None:
            yield warning(path, "onlink speaks of a next hop, and there is none; leave it out", node=stated.node.name)
        elif stated.gateway is not None and (connection := _connection(survey, stated, stated.gateway)):
            network = connection.network
            message = (
                f"{stated.gateway} is in {network.name} ({network.cidr}), as {stated.node.name} is; leave onlink out"
            )
            yield warning(path, message, node=stated.node.name)


def onlink_next_hop_is_on_the_segment(survey: Survey) -> Iterator[Violation]:
    """The next hop of an `onlink` route is on the segment of the route's interface.

    The node asks for it by ARP on that segment and nowhere else. On separate bridges no machine answers, and nothing
    arrives: the route has to go through the router between them. Networks on one bridge have the same `segment`.

    Fails:

        nodes:
          lb1: {routes: [{to: 10.42.6.0/24, via: 10.17.4.25, onlink: true}]}

    Passes:

        networks:
          front: {segment: lab}
          back: {segment: lab}
        nodes:
          lb1: {routes: [{to: 10.42.6.0/24, via: 10.17.4.25, onlink: true}]}
    """
    answered = _answered_segments(survey)
    for stated, gateway in _hops(survey):
        interface = stated.interface
        if gateway is None or interface is None or not stated.route.onlink or _connection(survey, stated, gateway):
            continue
        own, other = survey.resolved.segment_of(interface), survey.segment_at(gateway)
        if own is None or other is None or own in answered or own in _segments_of_owner(survey, gateway):
            continue
        owner = survey.owner(gateway)
        who = f"{gateway} ({owner.node.name})" if owner else str(gateway)
        instead = survey.neighbour_hint(stated.node, stated.route.via)
        message = (
            f"{who} is on segment {other}, but {stated.node.name} {interface.name} on {own}, "
            f"where no machine answers ARP for it; {instead}, or put both networks on one segment"
        )
        yield warning(stated.via, message, node=stated.node.name)


def _segments_of_owner(survey: Survey, ip: IPAddress) -> set[str | None]:
    """The segments on which an address is answered for: Linux does on every segment that its owner is on."""
    if owner := survey.owner(ip):
        return {survey.resolved.segment_of(interface) for interface in owner.node.interfaces}
    return {survey.segment_at(ip)}


def _answered_segments(survey: Survey) -> set[str]:
    """The segments on which a router answers ARP for what is elsewhere."""
    return {
        segment
        for node in survey.nodes
        if survey.forwards(node)
        for interface in node.interfaces
        if survey.proxy_arp(node, interface) and (segment := survey.resolved.segment_of(interface))
    }


def next_hop_has_an_owner(survey: Survey) -> Iterator[Violation]:
    """A next hop is the address of a node of the topology.

    Nothing is known of a route that leads to an unknown device, and most often its address is a mistake. A device
    that netwright does not configure is a node with `os: unmanaged`. The provider's router, to which the default route
    of a managed node with `internet: true` leads, need not be one.

    Fails:

        nodes:
          lb1: {default_route: {via: 10.17.3.254}}

    Passes:

        nodes:
          lb1: {default_route: {via: 10.17.3.254}}
          router: {os: unmanaged, interfaces: {lan: {network: front, address: 10.17.3.254}}}
    """
    for stated, gateway in _hops(survey):
        if gateway is None or survey.owner(gateway) or survey.is_virtual(gateway):
            continue
        leads_out = stated.node.internet and stated.node.is_managed
        if leads_out and any(one.gateway == gateway for one in stated_uplinks(survey.resolved, stated.node)):
            continue
        if stated.route.onlink or survey.connected(stated.node, gateway):
            message = f"no node has the address {gateway}; correct it, or add the device as a node with os: unmanaged"
            yield warning(stated.via, message, node=stated.node.name)


def _hops(survey: Survey) -> Iterator[tuple[StatedRoute, IPAddress | None]]:
    """The routes that send packets to a next hop, and its address as far as it is known."""
    for stated in survey.all_routes():
        if stated.route.via is not None and stated.route.type == "unicast":
            yield stated, stated.gateway


def _connection(survey: Survey, stated: StatedRoute, gateway: IPAddress) -> Connection | None:
    """The connection by which a route's interface reaches the next hop without onlink."""
    for connection in survey.connections[stated.node.name]:
        if connection.interface is stated.interface and int(gateway) in connection.span:
            return connection
    return None


RULES = (
    next_hop_is_another_node,
    next_hop_is_a_neighbour,
    next_hop_is_on_link,
    next_hop_is_behind_its_interface,
    onlink_is_needed,
    onlink_next_hop_is_on_the_segment,
    next_hop_has_an_owner,
)
