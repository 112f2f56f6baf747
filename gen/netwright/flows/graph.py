"""The layer-3 graph: segments joined by routers, and the shortest way between two segments."""

from collections import deque

from msgspec import Struct, field

from netwright.model import Node
from netwright.text.natural import natural_key
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import is_isolated, node_forwarding


class Hop(Struct, frozen=True, kw_only=True):
    """A router on the way, with the segments by which packets come in and leave."""

    router: str
    ingress: str
    egress: str


class Tie(Struct, frozen=True, kw_only=True):
    """Routers that lead on equally well from a segment."""

    segment: str
    routers: tuple[str, ...]


Way = tuple[Hop, ...]


class Graph(Struct, frozen=True, kw_only=True):
    """Segments and the routers that join them."""

    resolved: ResolvedTopology
    routers_on: dict[str, tuple[str, ...]]
    segments_of: dict[str, tuple[str, ...]]
    named_on: dict[str, frozenset[str]]
    """The routers that the networks of a segment name as theirs."""
    transits_of: dict[str, tuple[str, ...]]
    """Each router's segments with other routers: only they lead on, however many others there are."""
    meetings: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """The networks by which two ends meet, as far as they were looked for; see `pairs_on_the_way`."""
    _distances: dict[tuple[str, ...], dict[str, int]] = field(default_factory=dict)

    def distance(self, segment: str, target: str) -> int | None:
        """Return the number of routers between two segments, None if no way leads from one to the other."""
        if segment == target:
            return 0
        distances = self._distances_to(target)
        return min((distances[router] + 1 for router in self._on(segment) if router in distances), default=None)

    def _on(self, segment: str) -> tuple[str, ...]:
        return self.routers_on.get(segment, ())

    def way(self, segment: str, target: str, prefer: tuple[str, ...]) -> Way | Tie | None:
        """The routers from a segment to the target, the fewest there are; None if there is no way.

        Of several equally good routers a preferred one is taken, then the one that a network of the segment names as
        its router; if that leaves more than one, the tie is returned.
        """
        left = self.distance(segment, target)
        if left is None:
            return None
        distances = self._distances_to(target)
        hops: list[Hop] = []
        while segment != target:
            left -= 1
            routers = {
                router: below
                for router in self._on(segment)
                if distances.get(router) == left
                for below in ((target,) if left == 0 else self.transits_of[router])
                if self.distance(below, target) == left
            }
            chosen = self._choose(segment, tuple(routers), prefer)
            if isinstance(chosen, Tie):
                return chosen
            hops.append(Hop(router=chosen, ingress=segment, egress=routers[chosen]))
            segment = routers[chosen]
        return tuple(hops)

    def _choose(self, segment: str, routers: tuple[str, ...], prefer: tuple[str, ...]) -> str | Tie:
        named = self.named_on.get(segment, frozenset())
        for favourites in (set(prefer), named):
            favoured = tuple(router for router in routers if router in favourites)
            routers = favoured or routers
        return routers[0] if len(routers) == 1 else Tie(segment=segment, routers=routers)

    def _distances_to(self, target: str) -> dict[str, int]:
        """Return how many further routers lie between each router and the target."""
        first = self._on(target)
        if first not in self._distances:
            distances, queue, met = dict.fromkeys(first, 0), deque(first), {target}
            while queue:
                router = queue.popleft()
                beyond = [segment for segment in self.transits_of[router] if segment not in met]
                met.update(beyond)
                for other in (other for segment in beyond for other in self._on(segment)):
                    if other not in distances:
                        distances[other] = distances[router] + 1
                        queue.append(other)
            self._distances[first] = distances
        return self._distances[first]


def draw_graph(resolved: ResolvedTopology, *, tunnels: bool = True) -> Graph:
    """The graph of a topology. Routers are what a network names as its router, and what has forward: true. None leads
    into a segment of which all networks are isolated; without `tunnels` none into one of WireGuard's.

    Of ways that are equally good a router takes the one by the tunnel: it was made for what goes between its ends.
    """
    tunnelled = {network.segment for network in resolved.topology.networks if network.wireguard is not None}
    closed = closed_segments(resolved) | (frozenset() if tunnels else tunnelled)
    named = {network.router.value for network in resolved.topology.networks if network.router is not None}
    named_on: dict[str, set[str]] = {}
    for network in resolved.topology.networks:
        if network.router is not None:
            named_on.setdefault(network.segment, set()).add(network.router.value)
    segments_of: dict[str, tuple[str, ...]] = {}
    routers_on: dict[str, list[str]] = {}
    for node in sorted(resolved.topology.nodes, key=lambda node: natural_key(node.name)):
        if node.name not in named and not _says_forward(node):
            continue
        joined = (resolved.segment_of(interface) for interface in node.interfaces)
        segments = tuple(dict.fromkeys(one for one in joined if one is not None and one not in closed))
        segments = tuple(sorted(segments, key=lambda segment: segment in tunnelled)) if tunnelled else segments
        segments_of[node.name] = segments
        for segment in segments:
            routers_on.setdefault(segment, []).append(node.name)
    return Graph(
        resolved=resolved,
        routers_on={segment: tuple(routers) for segment, routers in routers_on.items()},
        segments_of=segments_of,
        named_on={segment: frozenset(names) for segment, names in named_on.items()},
        transits_of={
            router: tuple(segment for segment in segments if len(routers_on[segment]) > 1)
            for router, segments in segments_of.items()
        },
    )


def closed_segments(resolved: ResolvedTopology) -> frozenset[str]:
    """The segments of which all networks are isolated."""
    networks = resolved.topology.networks
    return frozenset(network.segment for network in networks if is_isolated(network)) - frozenset(
        network.segment for network in networks if not is_isolated(network)
    )


def _says_forward(node: Node) -> bool:
    forwarding = node_forwarding(node)
    return node.role is None and forwarding is not None and forwarding[0]
