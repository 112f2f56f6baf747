"""Resolved settings of a node: its stated routes and the interfaces they leave by, its kernel parameters."""

from collections.abc import Iterator

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model import (
    KUBERNETES_API,
    Interface,
    Kubernetes,
    Network,
    NextHop,
    Node,
    Route,
    RpFilter,
    SysctlSetting,
)
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ANYWHERE, ResolvedTopology

IP_FORWARD = ("net", "ipv4", "ip_forward")
K3S_SERVICES = IPNetwork("10.43.0.0/16")
"""K3s's default for services (docs.k3s.io, `service-cidr`)."""
RP_FILTER_VALUES: dict[RpFilter, str] = {"off": "0", "strict": "1", "loose": "2"}
"""net.ipv4.conf.*.rp_filter (kernel, Documentation/networking/ip-sysctl.rst)."""


class RouteOffer(Struct, frozen=True, kw_only=True):
    """A default route that a network's router offers to an interface."""

    interface: Interface
    gateway: IPAddress
    cause: TopologyPath


def stated_routes(node: Node) -> Iterator[Route]:
    """The routes that the topology states for a node, its `default_route` first; of one with several next hops, each.

    A network's route whose next hop is the node itself is not one of them: it is meant for the others.
    """
    if node.default_route is not None:
        yield from node.default_route.value
    own = {
        route.whole
        for route in node.routes
        if route.cause[0] == "networks" and route.via is not None and is_node_itself(node, route.via)
    }
    yield from (route for route in node.routes if route.whole not in own)


def is_node_itself(node: Node, hop: NextHop) -> bool:
    """Return whether a next hop names the node, or is one of its addresses."""
    if hop.ip is None:
        return hop.text == node.name
    return any(attachment.ip == hop.ip for interface in node.interfaces for attachment in interface.attachments)


def default_route_offers(resolved: ResolvedTopology, node: Node) -> tuple[RouteOffer, ...]:
    """The default routes that the routers of the node's networks offer, one for each gateway.

    A device that leads to the internet takes none from a router behind which there are more of our networks: that one
    leads inwards. Of one that netwright does not configure the default route is its own affair.
    """
    offers: dict[IPAddress, RouteOffer] = {}
    if node.internet and not node.is_managed:
        return ()
    for interface in node.interfaces:
        for attachment in interface.attachments:
            network = resolved.network_of(attachment)
            if network is None or network.router is None or network.router.value == node.name or is_isolated(network):
                continue
            router = resolved.nodes.get(network.router.value)
            if router is not None and node.internet and _leads_inwards(resolved, router, network):
                continue
            gateway = resolved.address_on(router, network.name) if router else None
            if gateway is not None:
                offer = RouteOffer(interface=interface, gateway=gateway, cause=network.router.cause)
                offers.setdefault(gateway, offer)
    return tuple(offers.values())


def is_isolated(network: Network) -> bool:
    """Return whether the network is stated to be closed."""
    return network.isolated is not None and network.isolated.value


def _leads_inwards(resolved: ResolvedTopology, router: Node, network: Network) -> bool:
    segments = {resolved.segment_of(interface) for interface in router.interfaces}
    return bool(segments - {network.segment, None})


class Uplink(Struct, frozen=True, kw_only=True):
    """The interface by which a device leads to the internet, and its next hop there."""

    interface: Interface
    gateway: IPAddress


def uplink(resolved: ResolvedTopology, node: Node) -> Uplink | None:
    """The uplink of a device that netwright configures: where its default route leads.

    None where the topology does not describe it: the device has no default route but one that something else sets.
    """
    if not node.internet or not node.is_managed:
        return None
    found = stated_uplinks(resolved, node)
    if found:
        return found[0]
    if node.default_route is not None or any(is_main_default(resolved, route) for route in stated_routes(node)):
        return None
    return next(
        (Uplink(interface=one.interface, gateway=one.gateway) for one in default_route_offers(resolved, node)), None
    )


def stated_uplinks(resolved: ResolvedTopology, node: Node) -> tuple[Uplink, ...]:
    """Where the stated default routes of a device lead, the one that it prefers first."""
    stated = sorted(
        (route for route in stated_routes(node) if is_main_default(resolved, route)), key=lambda one: one.metric or 0
    )
    hops = (resolve_route(resolved, node, route) for route in stated)
    return tuple(
        Uplink(interface=interface, gateway=gateway)
        for gateway, interface in hops
        if gateway is not None and interface is not None
    )


def metric_of(node: Node, metric: int | None) -> int:
    """The metric of a route that states one, or what the node's network service gives it."""
    return metric if metric is not None else node.system.default_metric


def leading_network(resolved: ResolvedTopology, node: Node) -> str | None:
    """The network by which the node's best default route leaves, None if it has none."""
    stated = [route for route in stated_routes(node) if route.via is not None and is_main_default(resolved, route)]
    for route in sorted(stated, key=lambda route: metric_of(node, route.metric)):
        gateway, interface = resolve_route(resolved, node, route)
        if interface is not None:
            return _network_at(resolved, interface, gateway)
    if stated or node.default_route is not None:
        return None
    return next(
        (_network_at(resolved, one.interface, one.gateway) for one in default_route_offers(resolved, node)), None
    )


def _network_at(resolved: ResolvedTopology, interface: Interface, ip: IPAddress | None) -> str | None:
    """The interface's network that contains an address, else its first."""
    networks = [network for at in interface.attachments if (network := resolved.network_of(at)) is not None]
    near = [network.name for network in networks if ip is not None and ip in network.cidr]
    return next(iter((*near, *(network.name for network in networks))), None)


def is_main_default(resolved: ResolvedTopology, route: Route) -> bool:
    """Return whether a route's destination is everything, in the main table."""
    return route.table in {None, 254} and resolved.resolve_end(route.to) == (ANYWHERE,)


def resolve_route(resolved: ResolvedTopology, node: Node, route: Route) -> tuple[IPAddress | None, Interface | None]:
    """Return the address of a route's next hop, and the interface it leaves by; None for what is not clear."""
    gateway = route_gateway(resolved, node, route)
    return gateway, _route_egress(resolved, node, route, gateway)


def route_gateway(resolved: ResolvedTopology, node: Node, route: Route) -> IPAddress | None:
    """Return the address of a route's next hop; None if it has none, or an unknown one."""
    return resolved.resolve_next_hop(node, route.via, onlink=route.onlink) if route.via is not None else None


def _route_egress(resolved: ResolvedTopology, node: Node, route: Route, gateway: IPAddress | None) -> Interface | None:
    """The interface by which a route leaves; None if that is not clear.

    The one that is set; else the one whose connected network contains the gateway; else the only one there is. A route
    that discards packets leaves by none: it stands with the first that the node's network service configures.
    """
    if route.dev is not None:
        return next((interface for interface in node.interfaces if interface.name == route.dev), None)
    if route.type != "unicast":
        bridges = libvirt_bridges(resolved, node)
        return next((interface for interface in node.interfaces if interface.name not in bridges), None)
    connected = resolved.connected_interface(node, gateway) if gateway is not None else None
    if connected is not None:
        return connected
    return node.interfaces[0] if len(node.interfaces) == 1 else None


def default_interface(resolved: ResolvedTopology, node: Node) -> Interface | None:
    """The interface of the node's default route in the main table, of several the one with the lowest metric; None if
    the topology gives it none."""
    stated = [route for route in stated_routes(node) if is_main_default(resolved, route) and route.type == "unicast"]
    for route in sorted(stated, key=lambda route: route.metric or 0):
        if (interface := resolve_route(resolved, node, route)[1]) is not None:
            return interface
    if node.default_route is not None or stated:
        return None
    return next((offer.interface for offer in default_route_offers(resolved, node)), None)


def flannel_interface(resolved: ResolvedTopology, node: Node) -> Interface:
    """The card by which flannel reaches other nodes: the stated one, that of the default route, else the first."""
    kubernetes = resolved.topology.kubernetes
    name = kubernetes.interface.value if kubernetes is not None and kubernetes.interface is not None else None
    stated = next((interface for interface in node.interfaces if interface.name == name), None)
    return stated or default_interface(resolved, node) or node.interfaces[0]


def server_port(resolved: ResolvedTopology, kubernetes: Kubernetes) -> int:
    """The port of the API at a server itself: that to which HAProxy leads from the API's virtual address, or the API's
    own."""
    virtual, port = resolved.virtual.get(KUBERNETES_API), kubernetes.api_port.value
    balanced = (one.to_port for one in virtual.serves if one.port == port and one.backends) if virtual else ()
    return next(iter(balanced), port)


def libvirt_bridges(resolved: ResolvedTopology, node: Node) -> dict[str, Network]:
    """The networks that libvirt makes on this node (it is their router), by the name of their bridge."""
    return {
        network.libvirt.bridge: network
        for network in resolved.topology.networks
        if network.libvirt is not None and makes_bridge(network) and is_router(network, node)
    }


def is_router(network: Network, node: Node) -> bool:
    """Return whether the node is the network's router."""
    return network.router is not None and network.router.value == node.name


def makes_bridge(network: Network) -> bool:
    """Return whether libvirt makes the network's bridge on its router."""
    return network.libvirt is not None and not network.libvirt.is_joined


def joined_networks(resolved: ResolvedTopology, node: Node) -> tuple[tuple[Network, Interface], ...]:
    """The networks whose guests join a bridge that this node makes itself, each with that bridge."""
    if not node.system.hosts_libvirt:
        return ()
    return tuple(
        (network, link)
        for network in resolved.topology.networks
        if network.libvirt is not None and network.libvirt.is_joined
        for link in node.links
        if link.name == network.libvirt.bridge and network.name in {at.network for at in link.attachments}
    )


def kernel_parameters(node: Node) -> dict[tuple[str, ...], SysctlSetting]:
    """The node's kernel parameters by key.

    A key that `sysctl` names wins over the same key from another setting; the checks report where they disagree.
    """
    parameters = {parameter.key: parameter for parameter in derived_parameters(node)}
    parameters |= {parameter.key: parameter for parameter in stated_parameters(node)}
    return parameters


def stated_parameters(node: Node) -> Iterator[SysctlSetting]:
    """The parameters that `sysctl` names, the node's before its interfaces'."""
    yield from node.sysctls
    for interface in node.links:
        yield from interface.sysctls


def derived_parameters(node: Node) -> Iterator[SysctlSetting]:
    """The parameters that follow from forward, kubernetes, rp_filter, proxy_arp, arp_ignore and arp_announce."""
    forwarding = node_forwarding(node)
    if forwarding is not None:
        forwards, cause = forwarding
        yield SysctlSetting(key=IP_FORWARD, value=_flag(forwards), cause=cause)
    if node.rp_filter is not None:
        value = RP_FILTER_VALUES[node.rp_filter.value]
        yield SysctlSetting(key=interface_key("all", "rp_filter"), value=value, cause=node.rp_filter.cause)
        yield SysctlSetting(key=interface_key("default", "rp_filter"), value=value, cause=node.rp_filter.cause)
        if node.rp_filter.value == "off" and node.system.sysctl_globs:
            # Systems set it for every interface by a glob, which neither `all` nor `default` undoes: the higher counts.
            yield SysctlSetting(key=interface_key("*", "rp_filter"), value=value, cause=node.rp_filter.cause)
    for interface in node.links:
        if interface.rp_filter is not None:
            key = interface_key(interface.name, "rp_filter")
            value = RP_FILTER_VALUES[interface.rp_filter.value]
            yield SysctlSetting(key=key, value=value, cause=interface.rp_filter.cause)
        if interface.proxy_arp is not None:
            key = interface_key(interface.name, "proxy_arp")
            yield SysctlSetting(key=key, value=_flag(interface.proxy_arp.value), cause=interface.proxy_arp.cause)
        for word, setting in (("arp_ignore", interface.arp_ignore), ("arp_announce", interface.arp_announce)):
            if setting is not None:
                key = interface_key(interface.name, word)
                yield SysctlSetting(key=key, value=str(setting.value), cause=setting.cause)


def node_forwarding(node: Node) -> tuple[bool, TopologyPath] | None:
    """Return whether the node forwards packets, and why; None if it is not set. Kubernetes nodes do by default."""
    if node.forward is not None:
        return node.forward.value, node.forward.cause
    return (True, node.role.cause) if node.role is not None else None


def manages_firewalld(node: Node) -> bool:
    """Return whether the node's rules are written as firewalld's; a system without it takes no notice."""
    return node.firewalld is not None and node.firewalld.value == "managed" and node.system.runs_firewalld


def firewalld_zone(node: Node, interface: Interface) -> str | None:
    """The interface's zone of a managed firewalld, named as its first network; None where it has no addresses."""
    if not manages_firewalld(node):
        return None
    if interface.attachments:
        return interface.attachments[0].network
    return interface.dhcp.value if interface.dhcp is not None else None


def interface_key(interface: str, word: str) -> tuple[str, ...]:
    """The key of a parameter of an interface (or of all, default)."""
    return ("net", "ipv4", "conf", interface, word)


def _flag(value: bool) -> str:
    return "1" if value else "0"
