"""Facts of a plan about the interfaces that the node's network service configures."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from netwright.explain.fact import Fact, FactKind, Removal
from netwright.plan.types import Link, Peer, PlannedPolicyRule, PlannedRoute
from netwright.text.source import TopologyPath


def link_facts(link: Link) -> Iterator[Fact]:
    def change(title: str, cause: TopologyPath, alter: Callable[[Link], Link], flows: tuple[str, ...] = ()) -> Fact:
        return Fact(title=title, cause=cause, flows=flows, without=_with_link(link.name, alter))

    for address in link.addresses:
        ip = address.ip
        yield change(
            f"address {address.ip}/{address.prefix} of {link.name}",
            address.cause,
            lambda one, ip=ip: replace(one, addresses=tuple(at for at in one.addresses if at.ip != ip)),  # type: ignore[misc]
        )
    for route in link.routes:
        yield route_fact(route, link.name, _with_link(link.name, _drop_link_route(route)))
    for rule in link.policy_rules:
        yield change(f"policy rule {rule.priority} of {link.name}", rule.cause, _drop_policy_rule(rule), rule.flows)
    if link.mac is not None:
        cause = (*(link.match.cause if link.match is not None else link.cause), "mac")
        yield change(f"hardware address of {link.name}", cause, lambda one: replace(one, mac=None))
    if link.match is not None and (link.match.patterns or link.match.renames):
        yield change(f"what finds the card {link.name}", link.match.cause, lambda one: replace(one, match=None))
    if link.mtu is not None:
        yield change(f"MTU of {link.name}", (*link.cause, "mtu"), lambda one: replace(one, mtu=None))
    if link.controller is not None:
        title = f"{link.name} is a member of {link.controller.name}"
        yield change(title, link.controller.cause, lambda one: replace(one, controller=None))
    if link.port_vlans is not None:
        cause = link.controller.cause if link.controller is not None else link.cause
        yield change(f"VLANs that {link.name} carries", cause, lambda one: replace(one, port_vlans=None))
    for vlan in link.vlans:
        yield change(
            f"{link.name} carries {vlan}",
            (*link.cause[:-1], vlan),
            lambda one, vlan=vlan: replace(one, vlans=tuple(name for name in one.vlans if name != vlan)),  # type: ignore[misc]
        )
    for peer in link.tunnel.peers if link.tunnel is not None else ():
        yield change(f"{peer.node} is a peer on {link.name}", peer.cause, _drop_peer(peer))
    if link.dns:
        yield change(f"name servers on {link.name}", (*link.cause, "dns"), lambda one: replace(one, dns=()))
    if link.domain is not None:
        yield change(f"search domain on {link.name}", ("domain",), lambda one: replace(one, domain=None))
    yield Fact(
        title=f"interface {link.name}",
        cause=link.cause,
        flows=(),
        without=lambda plan: replace(plan, links=tuple(one for one in plan.links if one.name != link.name)),
        whole=True,
    )


def _with_link(name: str, alter: Callable[[Link], Link]) -> Removal:
    return lambda plan: replace(plan, links=tuple(alter(link) if link.name == name else link for link in plan.links))


def _drop_link_route(route: PlannedRoute) -> Callable[[Link], Link]:
    return lambda link: replace(link, routes=tuple(one for one in link.routes if one is not route))


def _drop_peer(peer: Peer) -> Callable[[Link], Link]:
    def without(link: Link) -> Link:
        tunnel = link.tunnel
        if tunnel is None:
            return link
        return replace(link, tunnel=replace(tunnel, peers=tuple(one for one in tunnel.peers if one != peer)))

    return without


def _drop_policy_rule(rule: PlannedPolicyRule) -> Callable[[Link], Link]:
    return lambda link: replace(link, policy_rules=tuple(one for one in link.policy_rules if one is not rule))


_KINDS = {"unicast": FactKind.ROUTE, "blackhole": FactKind.BLACKHOLE}


def route_fact(route: PlannedRoute, interface: str, without: Removal) -> Fact:
    """A route of a link or of a libvirt network, as a fact."""
    kind = _KINDS.get(route.type, FactKind.OTHER)
    return Fact(title=_route_title(route, interface), cause=route.cause, flows=route.flows, kind=kind, without=without)


def _route_title(route: PlannedRoute, interface: str) -> str:
    if route.type != "unicast":
        return f"{route.type} route to {route.destination}"
    if route.gateway is None:
        return f"route to {route.destination} on the segment of {interface}"
    share = "" if route.weight is None else f", one of several next hops, with weight {route.weight}"
    where = "everywhere" if route.is_default else route.destination
    return f"route to {where} via {route.gateway} on {interface}{share}"
