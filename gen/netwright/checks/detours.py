"""Detours: packets don't turn round at a next hop."""

from collections.abc import Iterator

from netaddr import IPAddress

from netwright.checks.survey import Owner, Survey, best_default_ways
from netwright.checks.violation import Violation, warning
from netwright.model import Node
from netwright.topology.settings import interface_key


def default_route_takes_no_detour(survey: Survey) -> Iterator[Violation]:
    """The default next hop of a node does not pass everything back to another router on the same network.

    It would tell the node so with ICMP redirects, which change the node's routes for minutes; and as replies come
    from the other router directly, a stateful filter on the first sees half of every connection and breaks it. A
    next hop that masquerades, or sends no redirects (`send_redirects: 0` for all and the interface), is not judged, nor
    is a default route with a worse metric than another: that is a backup.

    Fails:

        nodes:
          lb1: {default_route: {via: lb2}}
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb1: {default_route: {via: gw}}
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    onward = {node.name: best_default_ways(survey, node) for node in survey.nodes}
    for node in survey.nodes:
        for way in onward[node.name]:
            hop = survey.owner(way.gateway)
            if hop is None or hop.node is node or not _tells_of_redirects(survey, hop):
                continue
            for further in onward[hop.node.name]:
                if further.interface is hop.interface and _is_neighbour(survey, node, further.gateway):
                    gateway, back = further.gateway, further.interface.name
                    message = (
                        f"{hop.node.name} passes everything on to {gateway} by {back}, where it came in; "
                        f"let {gateway} be the next hop of {node.name} itself"
                    )
                    yield warning(way.cause, message, node=node.name)


def _is_neighbour(survey: Survey, node: Node, ip: IPAddress) -> bool:
    """Return whether an address is another node's on a network that the node is on."""
    owner = survey.owner(ip)
    return survey.connected(node, ip) is not None and (owner is None or owner.node is not node)


def _tells_of_redirects(survey: Survey, hop: Owner) -> bool:
    """Return whether a node that we configure sends redirects for what turns round at its interface, unmasqueraded."""
    if not hop.node.is_managed:
        return False
    parameters = survey.parameters[hop.node.name]
    keys = [interface_key(name, "send_redirects") for name in ("all", hop.interface.name)]
    is_quiet = all(key in parameters and parameters[key].value == "0" for key in keys)
    return not is_quiet and all(masquerade.egress != hop.interface.name for masquerade in hop.node.masquerades)


RULES = (default_route_takes_no_detour,)
