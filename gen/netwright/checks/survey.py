"""The resolved topology for checks: the owner of each address, the connections and stated routes of each node."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.checks.spans import Span, SpanIndex, span
from netwright.model import Attachment, End, Interface, Network, NextHop, Node, Route, SysctlSetting, Topology
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology, resolve_topology
from netwright.topology.settings import (
    IP_FORWARD,
    default_route_offers,
    interface_key,
    kernel_parameters,
    metric_of,
    resolve_route,
    stated_routes,
)

MAIN_TABLE = 254


class Connection(Struct, frozen=True, kw_only=True):
    """An interface's being on a network of the topology."""

    interface: Interface
    network: Network
    span: Span


class Owner(Struct, frozen=True, kw_only=True):
    """Owner of an address."""

    node: Node
    interface: Interface
    attachment: Attachment


class StatedRoute(Struct, frozen=True, kw_only=True):
    """A route of a node with its next hop, interface and destinations as far as they can be resolved."""

    node: Node
    route: Route
    gateway: IPAddress | None
    interface: Interface | None
    destinations: tuple[IPNetwork, ...]
    spans: tuple[Span, ...]
    """The spans of the destinations, in their order."""

    @property
    def via(self) -> TopologyPath:
        """The path of the next hop."""
        return (*self.route.cause, "via")

    @property
    def is_first(self) -> bool:
        """Return whether this is a whole route, or the first next hop of one that has several."""
        return self.route.weight is None or self.route.cause[-1] == 0

    @property
    def table(self) -> int:
        """The number of the route's table."""
        return self.route.table or MAIN_TABLE


class Survey(Struct, frozen=True, kw_only=True):
    """A topology as the checks look at it; made by survey()."""

    resolved: ResolvedTopology
    connections: Mapping[str, tuple[Connection, ...]]
    owners: Mapping[int, Owner]
    routes: Mapping[str, tuple[StatedRoute, ...]]
    parameters: Mapping[str, Mapping[tuple[str, ...], SysctlSetting]]
    spans: SpanIndex[Network]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes in the order of the file."""
        return self.resolved.topology.nodes

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks in the order of the file."""
        return self.resolved.topology.networks

    def all_routes(self) -> Iterator[StatedRoute]:
        """The stated routes of all nodes."""
        for routes in self.routes.values():
            yield from routes

    def ends(self) -> Iterator[tuple[Node, End]]:
        """The ends of all nodes' routes, filter rules and NAT rules."""
        for node in self.nodes:
            for stated in self.routes[node.name]:
                yield node, stated.route.to
            for chain in (node.input, node.forward_chain):
                for rule in chain.rules if chain else ():
                    yield from ((node, end) for end in (*rule.sources, *rule.destinations))
            for masquerade in node.masquerades:
                yield from ((node, end) for end in (*masquerade.sources, *masquerade.exceptions))
            for exemption in node.nat_exemptions:
                yield from ((node, end) for end in (*exemption.sources, *exemption.destinations))

    def flow_ends(self) -> Iterator[End]:
        """The ends of all flows."""
        for flow in self.resolved.topology.flows:
            yield from (*flow.sources, *flow.destinations)

    def owner(self, ip: IPAddress | None) -> Owner | None:
        """Return the owner of an address, None if no node has it."""
        return self.owners.get(int(ip)) if ip is not None else None

    def network_at(self, ip: IPAddress) -> Network | None:
        """The network that contains an address."""
        return self.spans.at(int(ip))

    def segment_at(self, ip: IPAddress) -> str | None:
        """The layer-2 segment on which an address is: its owner's interface's, else its network's."""
        if owner := self.owner(ip):
            return self.resolved.segment_of(owner.interface)
        network = self.network_at(ip)
        return network.segment if network else None

    def is_virtual(self, ip: IPAddress) -> bool:
        """Return whether an address is a virtual one, which its holders hold in turn."""
        return any(virtual.ip.value == ip for virtual in self.resolved.topology.virtual_addresses)

    def forwards(self, node: Node) -> bool:
        """Return whether a node forwards packets; by default and with flows, it will where they need it."""
        parameter = self.parameters[node.name].get(IP_FORWARD)
        return parameter.value == "1" if parameter is not None else bool(self.resolved.topology.flows)

    def proxy_arp(self, node: Node, interface: Interface) -> SysctlSetting | None:
        """Return the setting that makes an interface answer ARP for others, None if it does not."""
        parameters = self.parameters[node.name]
        for key in (interface_key(interface.name, "proxy_arp"), interface_key("all", "proxy_arp")):
            parameter = parameters.get(key)
            if parameter is not None and parameter.value == "1":
                return parameter
        return None

    def connected(self, node: Node, ip: IPAddress) -> Connection | None:
        """The node's connection to a network that contains an address."""
        value = int(ip)
        return next((one for one in self.connections[node.name] if value in one.span), None)

    def networks_of(self, node: Node) -> str:
        """The prefixes of the node's networks, as words."""
        prefixes = dict.fromkeys(str(connection.network.cidr) for connection in self.connections[node.name])
        return ", ".join(prefixes) or "none known"

    def neighbour_hint(self, node: Node, hop: NextHop | None) -> str:
        """Return the next hop to name instead: the router of a network that the node is on, if there is one."""
        for connection in self.connections[node.name]:
            router = connection.network.router
            if router is not None and router.value != node.name and (hop is None or router.value != hop.text):
                return f"name a router ({router.value})"
        return "name a router"


def survey(topology: Topology) -> Survey:
    """The survey of a topology."""
    resolved = resolve_topology(topology)
    spans_by_name = {network.name: span(network.cidr) for network in topology.networks}
    owners: dict[int, Owner] = {}
    connections: dict[str, tuple[Connection, ...]] = {}
    for node in topology.nodes:
        known = []
        for interface in node.interfaces:
            for attachment in interface.attachments:
                owners.setdefault(int(attachment.ip), Owner(node=node, interface=interface, attachment=attachment))
                if network := resolved.network_of(attachment):
                    known.append(Connection(interface=interface, network=network, span=spans_by_name[network.name]))
        connections[node.name] = tuple(known)
    return Survey(
        resolved=resolved,
        connections=connections,
        owners=owners,
        routes={node.name: _resolve_routes(resolved, node) for node in topology.nodes},
        parameters={node.name: kernel_parameters(node) for node in topology.nodes},
        spans=SpanIndex((spans_by_name[network.name], network) for network in topology.networks),
    )


def _resolve_routes(resolved: ResolvedTopology, node: Node) -> tuple[StatedRoute, ...]:
    """The node's routes; a next hop that many of them have is looked for once."""
    ways: dict[tuple[NextHop | None, str | None, bool, str], tuple[IPAddress | None, Interface | None]] = {}
    stated = []
    for route in stated_routes(node):
        key = (route.via, route.dev, route.onlink, route.type)
        if key not in ways:
            ways[key] = resolve_route(resolved, node, route)
        destinations = resolved.resolve_end(route.to) or ()
        stated.append(
            StatedRoute(
                node=node,
                route=route,
                gateway=ways[key][0],
                interface=ways[key][1],
                destinations=destinations,
                spans=tuple(map(span, destinations)),
            )
        )
    return tuple(stated)


def has_ifcfg_files(node: Node) -> bool:
    """Return whether a node's network configuration is in ifcfg and route files."""
    formats = node.system.network_configs
    chosen = node.network_config.value if node.network_config is not None else next(iter(formats), None)
    return chosen == "ifcfg" and chosen in formats


class DefaultWay(Struct, frozen=True, kw_only=True):
    """A default route: its next hop, the interface that leads there, and its place in the topology."""

    gateway: IPAddress
    interface: Interface
    metric: int
    cause: TopologyPath


def best_default_ways(survey: Survey, node: Node) -> tuple[DefaultWay, ...]:
    """A node's default routes without those that a better metric makes mere backups."""
    ways = (*default_ways(survey, node),)
    least = min((way.metric for way in ways), default=0)
    return tuple(way for way in ways if way.metric == least)


def default_ways(survey: Survey, node: Node) -> Iterator[DefaultWay]:
    """A node's default routes in the main table: those that are set, else what the router of its network offers."""
    is_said = node.default_route is not None
    for stated in survey.routes[node.name]:
        if stated.table == MAIN_TABLE and any(one.prefixlen == 0 for one in stated.destinations):
            is_said = True
            if stated.gateway is not None and stated.interface is not None:
                metric = metric_of(node, stated.route.metric)
                yield DefaultWay(gateway=stated.gateway, interface=stated.interface, metric=metric, cause=stated.via)
    if not is_said:
        for offer in default_route_offers(survey.resolved, node)[:1]:
            metric = metric_of(node, None)
            yield DefaultWay(gateway=offer.gateway, interface=offer.interface, metric=metric, cause=offer.cause)
