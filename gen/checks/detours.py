"""Detours: packets don't turn round at a next hop."""

from collections.abc import Iterator

from netaddr import IPAddress

from gen.checks.breach import Breach, warning
from gen.checks.survey import MAIN_TABLE, Owner, Survey
from gen.model import Family, Interface, Node
from gen.resolve import default_route_offers, interface_key


def default_route_takes_no_detour(survey: Survey) -> Iterator[Breach]:
    """The default next hop of a node does not pass everything back to another router on the same network.

    It would tell the node so with ICMP redirects, which change the node's routes for minutes; and as replies come
    from the other router directly, a stateful filter on the first sees half of every connection and breaks it. A
    next hop that masquerades, or sends no redirects (`send_redirects: 0` for all and the interface), is not judged.

    Fails:

        nodes:
          lb1: {default_route: {via: lb2}}
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}

    Passes:

        nodes:
          lb1: {default_route: {via: gw}}
          lb2: {os: rocky10, forward: true, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
    """
    onward = {node.name: tuple(_default_gateways(survey, node)) for node in survey.nodes if _is_managed(node)}
    for stated in survey.all_routes():
        node = stated.node
        hop = survey.owner(stated.gateway)
        if stated.table != MAIN_TABLE or hop is None or hop.node is node:
            continue
        if not any(one.prefixlen == 0 for one in stated.destinations) or not _redirects(survey, hop):
            continue
        for gateway, interface in onward.get(hop.node.name, ()):
            other = survey.owner(gateway)
            if (
                interface is hop.interface
                and survey.connected(node, gateway)
                and (other is None or other.node is not node)
            ):
                message = (
                    f"{hop.node.name} passes everything on to {gateway} by {interface.name}, where it came in; "
                    f"use {gateway} itself, which is on a network of {node.name} too"
                )
                yield warning(stated.via, message, node=node.name)


def _default_gateways(survey: Survey, node: Node) -> Iterator[tuple[IPAddress, Interface]]:
    """The next hops of a node's default routes, and the interfaces that lead there."""
    is_said = node.default_route is not None
    for stated in survey.routes[node.name]:
        if stated.table == MAIN_TABLE and any(one.prefixlen == 0 for one in stated.destinations):
            is_said = True
            if stated.gateway is not None and stated.interface is not None:
                yield stated.gateway, stated.interface
    if not is_said:
        for offer in default_route_offers(survey.fabric, node)[:1]:
            yield offer.gateway, offer.interface


def _redirects(survey: Survey, hop: Owner) -> bool:
    """Whether packets that turn round at a node's interface leave as they came, and their sender is told."""
    parameters = survey.parameters[hop.node.name]
    keys = [interface_key(name, "send_redirects") for name in ("all", hop.interface.name)]
    is_quiet = all(key in parameters and parameters[key].value == "0" for key in keys)
    return not is_quiet and all(masquerade.egress != hop.interface.name for masquerade in hop.node.masquerades)


def _is_managed(node: Node) -> bool:
    return node.os is not None and node.os.value.family is not Family.UNMANAGED


RULES = (default_route_takes_no_detour,)
