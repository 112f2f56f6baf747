"""The way of nodes to their name and time servers: what filters have to let through, though no flow asks for it."""

from collections.abc import Iterator, Set

from msgspec import Struct, field
from msgspec.structs import replace
from netaddr import IPAddress, IPNetwork

from netwright.flows.disguise import sources_along
from netwright.flows.exits import OUTSIDE, Egress, leave, nearest_exit, pass_exits
from netwright.flows.graph import Graph, Tie, Way
from netwright.flows.ownership import is_ours
from netwright.flows.parties import Register
from netwright.flows.types import AskedService, Hook, Networks, Party, ServerNeed
from netwright.model import Network, Node
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology, host, outermost
from netwright.topology.special_addresses import special_kind
from netwright.topology.time_servers import time_servers

_MOST_NAMED = 16
"""Of more nodes on one network the network is named, so that rules stay short."""


class _Askers(Struct):
    """The nodes on one network that have one server; None stands for one that DNS has the address of."""

    service: AskedService
    network: Network
    server: IPAddress | None
    cause: TopologyPath
    addresses: list[IPNetwork] = field(default_factory=list)


class _Route(Struct, frozen=True, kw_only=True):
    """Way from a network to a server: past which routers; `hosts` are the nodes that have its address."""

    way: Way
    hosts: tuple[Node, ...]


def find_server_needs(
    resolved: ResolvedTopology, graph: Graph, register: Register
) -> dict[str, tuple[ServerNeed, ...]]:
    """Return by node what passes it from our nodes to their servers.

    Where routers lead there equally well, or none does, nothing is found.
    """
    needs: dict[str, list[ServerNeed]] = {}
    asked = _askers(resolved, graph, register.internet)
    owners = _owners(resolved, {askers.server for askers in asked})
    for askers in asked:
        route = _route(resolved, graph, register.internet, owners, askers)
        if route is not None:
            for name, need in _along(register, askers, route):
                needs.setdefault(name, []).append(need)
    return {name: tuple(found) for name, found in needs.items()}


def _servers(resolved: ResolvedTopology, node: Node) -> Iterator[tuple[AskedService, IPAddress | None, TopologyPath]]:
    yield from (("dns", ip, cause) for ip, cause in name_servers(node))
    yield from (("ntp", server.ip, server.cause) for server in time_servers(resolved, node))


def name_servers(node: Node) -> Iterator[tuple[IPAddress, TopologyPath]]:
    """The name servers of a node and of its interfaces, each once, with the place that names it.

    Those of an interface stand in for the node's.
    """
    own = [interface.dns for interface in node.interfaces]
    if not any(own):
        yield from ((ip, node.dns.cause) for ip in node.dns.value) if node.dns is not None else ()
        return
    settings = [*([] if own and None not in own else [node.dns]), *own]
    found = {ip: setting.cause for setting in reversed(settings) if setting is not None for ip in setting.value}
    ordered = dict.fromkeys(ip for setting in settings if setting is not None for ip in setting.value)
    yield from ((ip, found[ip]) for ip in ordered)


def _askers(resolved: ResolvedTopology, graph: Graph, exits: tuple[Node, ...]) -> tuple[_Askers, ...]:
    found: dict[tuple[str, AskedService, IPAddress | None], _Askers] = {}
    known: dict[tuple[tuple[str, ...], IPAddress | None], str | None] = {}  # thousands have the same
    for node in resolved.topology.nodes:
        if not is_ours(resolved, node.name):
            continue
        own = {at.network: at.ip for one in reversed(node.interfaces) for at in reversed(one.attachments)}
        for service, server, cause in _servers(resolved, node):
            if node.internet and _network_of(resolved, server) is None:
                continue  # it asks by its own way out, past no filter but what it starts itself
            key = (tuple(own), server)
            if key not in known:
                known[key] = _nearest(resolved, graph, exits, key)
            name = known[key]
            if name is not None:
                one = found.setdefault(
                    (name, service, server),
                    _Askers(service=service, network=resolved.networks[name], server=server, cause=cause),
                )
                one.addresses.append(host(own[name]))
    return tuple(found.values())


def _nearest(
    resolved: ResolvedTopology, graph: Graph, exits: tuple[Node, ...], key: tuple[tuple[str, ...], IPAddress | None]
) -> str | None:
    """Return the network that is nearest to a server, None if it is in reach of none."""
    names, server = key
    targets = _targets(resolved, exits, server)
    reached = {
        name: min(distances)
        for name in names
        if name in resolved.networks
        and (distances := [
            distance
            for target in targets
            if (distance := graph.distance(resolved.networks[name].segment, target)) is not None
        ])
    }  # fmt: skip
    return min(reached, key=lambda name: reached[name], default=None)


def _targets(resolved: ResolvedTopology, exits: tuple[Node, ...], server: IPAddress | None) -> tuple[str, ...]:
    """The segments where a server is, or from where the internet is reached if it is there."""
    network = _network_of(resolved, server)
    if network is not None:
        return (network.segment,)
    if server is not None and special_kind(host(server)) is not None:
        return ()
    segments = (resolved.segment_of(interface) for node in exits for interface in node.interfaces)
    return tuple(segment for segment in segments if segment is not None)


def _network_of(resolved: ResolvedTopology, ip: IPAddress | None) -> Network | None:
    key = f"network of {ip}"  # thousands of nodes ask the same servers
    if key not in resolved.known:
        holding = [network for network in resolved.topology.networks if ip is not None and ip in network.cidr]
        resolved.known[key] = max(holding, key=lambda network: network.cidr.prefixlen, default=None)
    found = resolved.known[key]
    return found if isinstance(found, Network) else None


def _route(
    resolved: ResolvedTopology,
    graph: Graph,
    exits: tuple[Node, ...],
    owners: dict[IPAddress, tuple[Node, ...]],
    askers: _Askers,
) -> _Route | None:
    network, segment = _network_of(resolved, askers.server), askers.network.segment
    if network is None:
        found = nearest_exit(graph, exits, (), segment)
        if found is None or isinstance(found, Tie):
            return None
        return _Route(way=pass_exits(resolved, found.way, out_of=None, into=found), hosts=())
    way = graph.way(segment, network.segment, ())
    if way is None or isinstance(way, Tie):
        return None
    hosts = owners.get(askers.server, ()) if askers.server is not None else ()
    routers = [hop.router for hop in way]
    if len(hosts) == 1 and hosts[0].name in routers:
        way = way[: routers.index(hosts[0].name)]  # it takes the question itself
    return _Route(way=way, hosts=hosts)


def _along(register: Register, askers: _Askers, route: _Route) -> Iterator[tuple[str, ServerNeed]]:
    resolved = register.resolved
    named = tuple(askers.addresses) if len(askers.addresses) <= _MOST_NAMED else (askers.network.cidr,)
    source = Party(nodes=(), network=askers.network.name, prefix=None, owner=None, addresses=outermost(named))
    servers = (host(askers.server),) if askers.server is not None else register.internal
    target = replace(source, addresses=servers, outside=askers.server is None)
    seen = sources_along(resolved, source, target, route.way)
    ours = [hop for hop in route.way if is_ours(resolved, hop.router)]
    for hop, sources in zip(route.way, seen, strict=False):
        if is_ours(resolved, hop.router):
            hides = hop is ours[-1] and _network_of(resolved, askers.server) is None
            egress = leave(resolved, hop) if hides or hop.egress == OUTSIDE else None
            yield hop.router, _need("forward", askers, sources, servers, egress=egress)
    for one in route.hosts:
        if is_ours(resolved, one.name):
            yield one.name, _need("input", askers, seen[-1], servers, egress=None)


def _need(hook: Hook, askers: _Askers, sources: Networks, servers: Networks, *, egress: Egress | None) -> ServerNeed:
    return ServerNeed(
        service=askers.service,
        hook=hook,
        sources=sources,
        askers=tuple(askers.addresses) if askers.network.cidr in sources else sources,
        servers=servers,
        outside=askers.server is None,
        hides_by=egress.interface if egress is not None else None,
        hides_besides=egress.besides if egress is not None else (),
        cause=askers.cause,
    )


def _owners(resolved: ResolvedTopology, servers: Set[IPAddress | None]) -> dict[IPAddress, tuple[Node, ...]]:
    """The nodes that have a server's address, or may have it where it is a virtual one."""
    owners = {
        attachment.ip: (node,)
        for node in resolved.topology.nodes
        for interface in node.interfaces
        for attachment in interface.attachments
        if attachment.ip in servers
    }
    held = {
        virtual.ip.value: tuple(resolved.nodes[holder.value] for holder in virtual.holders)
        for virtual in resolved.topology.virtual_addresses
        if virtual.ip.value in servers
    }
    return held | owners
