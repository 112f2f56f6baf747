"""The way of nodes to their name servers: what filters on it would have to let through, though no flow asks for it."""

from collections.abc import Iterator

from msgspec import Struct, field
from msgspec.structs import replace
from netaddr import IPAddress, IPNetwork

from netwright.flows.disguise import sources_along
from netwright.flows.exits import OUTSIDE, Egress, leave, nearest_exit, pass_exits
from netwright.flows.graph import Graph, Tie, Way
from netwright.flows.ownership import is_ours
from netwright.flows.types import Hook, NameServerNeed, Networks, Party
from netwright.model import Network, Node
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology, host, outermost
from netwright.topology.special_addresses import special_kind

_MOST_NAMED = 16
"""Of more nodes on one network the network is named, so that rules stay short."""


class _Askers(Struct):
    """The nodes on one network that have one name server."""

    network: Network
    server: IPAddress
    cause: TopologyPath
    addresses: list[IPNetwork] = field(default_factory=list)


class _Route(Struct, frozen=True, kw_only=True):
    """Way from a network to a name server: past which routers; `host` is the node that has its address."""

    way: Way
    host: Node | None


def find_name_server_needs(
    resolved: ResolvedTopology, graph: Graph, exits: tuple[Node, ...]
) -> dict[str, tuple[NameServerNeed, ...]]:
    """Return by node what passes it from our nodes to their name servers.

    Where routers lead there equally well, or none does, nothing is found.
    """
    needs: dict[str, list[NameServerNeed]] = {}
    owners = _owners(resolved)
    for askers in _askers(resolved, graph, exits):
        route = _route(resolved, graph, exits, owners, askers)
        if route is not None:
            for name, need in _along(resolved, askers, route):
                needs.setdefault(name, []).append(need)
    return {name: tuple(found) for name, found in needs.items()}


def name_servers(node: Node) -> Iterator[tuple[IPAddress, TopologyPath]]:
    """The name servers of a node and of its interfaces, each once, with the place that names it.

    Those of an interface stand in for the node's.
    """
    own = [interface.dns for interface in node.interfaces]
    if not any(own):
        yield from ((ip, node.dns.cause) for ip in dict.fromkeys(node.dns.value)) if node.dns is not None else ()
        return
    settings = [*([] if own and None not in own else [node.dns]), *own]
    found = {ip: setting.cause for setting in reversed(settings) if setting is not None for ip in setting.value}
    ordered = dict.fromkeys(ip for setting in settings if setting is not None for ip in setting.value)
    yield from ((ip, found[ip]) for ip in ordered)


def _askers(resolved: ResolvedTopology, graph: Graph, exits: tuple[Node, ...]) -> tuple[_Askers, ...]:
    found: dict[tuple[str, IPAddress], _Askers] = {}
    known: dict[tuple[tuple[str, ...], IPAddress], str | None] = {}  # thousands of nodes are on the same networks
    for node in resolved.topology.nodes:
        if not is_ours(resolved, node.name):
            continue
        own = {at.network: at.ip for one in reversed(node.interfaces) for at in reversed(one.attachments)}
        for server, cause in name_servers(node):
            key = (tuple(own), server)
            if key not in known:
                known[key] = _nearest(resolved, graph, exits, key)
            name = known[key]
            if name is not None:
                one = found.setdefault(
                    (name, server), _Askers(network=resolved.networks[name], server=server, cause=cause)
                )
                one.addresses.append(host(own[name]))
    return tuple(found.values())


def _nearest(
    resolved: ResolvedTopology, graph: Graph, exits: tuple[Node, ...], key: tuple[tuple[str, ...], IPAddress]
) -> str | None:
    """Return the network that is nearest to a name server, None if it is in reach of none."""
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


def _targets(resolved: ResolvedTopology, exits: tuple[Node, ...], server: IPAddress) -> tuple[str, ...]:
    """The segments where a name server is, or from where the internet is reached if it is there."""
    network = _network_of(resolved, server)
    if network is not None:
        return (network.segment,)
    if special_kind(host(server)) is not None:
        return ()
    segments = (resolved.segment_of(interface) for node in exits for interface in node.interfaces)
    return tuple(segment for segment in segments if segment is not None)


def _network_of(resolved: ResolvedTopology, ip: IPAddress) -> Network | None:
    holding = [network for network in resolved.topology.networks if ip in network.cidr]
    return max(holding, key=lambda network: network.cidr.prefixlen, default=None)


def _route(
    resolved: ResolvedTopology, graph: Graph, exits: tuple[Node, ...], owners: dict[IPAddress, Node], askers: _Askers
) -> _Route | None:
    network, segment = _network_of(resolved, askers.server), askers.network.segment
    if network is None:
        found = nearest_exit(graph, exits, (), segment)
        if found is None or isinstance(found, Tie):
            return None
        return _Route(way=pass_exits(resolved, found.way, out_of=None, into=found), host=None)
    way = graph.way(segment, network.segment, ())
    if way is None or isinstance(way, Tie):
        return None
    owner = owners.get(askers.server)
    routers = [hop.router for hop in way]
    if owner is not None and owner.name in routers:
        way = way[: routers.index(owner.name)]  # it takes the question itself
    return _Route(way=way, host=owner)


def _along(resolved: ResolvedTopology, askers: _Askers, route: _Route) -> Iterator[tuple[str, NameServerNeed]]:
    named = tuple(askers.addresses) if len(askers.addresses) <= _MOST_NAMED else (askers.network.cidr,)
    source = Party(nodes=(), network=askers.network.name, prefix=None, owner=None, addresses=outermost(named))
    server = host(askers.server)
    target = replace(source, addresses=(server,))
    seen = sources_along(resolved, source, target, route.way)
    ours = [hop for hop in route.way if is_ours(resolved, hop.router)]
    for hop, sources in zip(route.way, seen, strict=False):
        if is_ours(resolved, hop.router):
            hides = hop is ours[-1] and _network_of(resolved, askers.server) is None
            egress = leave(resolved, hop) if hides or hop.egress == OUTSIDE else None
            yield hop.router, _need("forward", askers, sources, egress=egress)
    if route.host is not None and is_ours(resolved, route.host.name):
        yield route.host.name, _need("input", askers, seen[-1], egress=None)


def _need(hook: Hook, askers: _Askers, sources: Networks, *, egress: Egress | None) -> NameServerNeed:
    return NameServerNeed(
        hook=hook,
        sources=sources,
        askers=tuple(askers.addresses) if askers.network.cidr in sources else sources,
        server=host(askers.server),
        hides_by=egress.interface if egress is not None else None,
        hides_besides=egress.besides if egress is not None else (),
        cause=askers.cause,
    )


def _owners(resolved: ResolvedTopology) -> dict[IPAddress, Node]:
    servers = {ip for node in resolved.topology.nodes for ip, _ in name_servers(node)}
    return {
        attachment.ip: node
        for node in resolved.topology.nodes
        for interface in node.interfaces
        for attachment in interface.attachments
        if attachment.ip in servers
    }
