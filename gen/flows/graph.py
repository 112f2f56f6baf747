"""The layer-3 graph: segments joined by routers, and the shortest way between two segments."""

from collections import deque
from dataclasses import dataclass, field

from gen.fabric import Fabric
from gen.model import Node
from gen.natural import natural_key
from gen.resolve import node_forwarding


@dataclass(frozen=True, kw_only=True, slots=True)
class Hop:
    """A router on the way, with the segments by which packets come in and leave."""

    router: str
    ingress: str
    egress: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """Routers that lead on equally well from a segment."""

    segment: str
    routers: tuple[str, ...]


Way = tuple[Hop, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """Segments and the routers that join them."""

    fabric: Fabric
    routers_on: dict[str, tuple[str, ...]]
    segments_of: dict[str, tuple[str, ...]]
    _distances: dict[str, dict[str, int]] = field(default_factory=dict)

    def distance(self, segment: str, target: str) -> int | None:
        """How many routers lie between two segments, None if no way leads from one to the other."""
        return self._distances_to(target).get(segment)

    def way(self, segment: str, target: str, prefer: tuple[str, ...]) -> Way | Tie | None:
        """The routers from a segment to the target, the fewest there are; None if there is no way.

        Of several equally good routers a preferred one is taken, then the one that a network of the segment names as
        its router; if that leaves more than one, the tie is returned.
        """
        distances = self._distances_to(target)
        if segment not in distances:
            return None
        hops: list[Hop] = []
        while segment != target:
            routers = {
                router: below
                for router in self.routers_on.get(segment, ())
                for below in self.segments_of[router]
                if distances.get(below) == distances[segment] - 1
            }
            chosen = self._choose(segment, tuple(routers), prefer)
            if isinstance(chosen, Tie):
                return chosen
            hops.append(Hop(router=chosen, ingress=segment, egress=routers[chosen]))
            segment = routers[chosen]
        return tuple(hops)

    def _choose(self, segment: str, routers: tuple[str, ...], prefer: tuple[str, ...]) -> str | Tie:
        named = {
            network.router.value
            for network in self.fabric.topology.networks
            if network.segment == segment and network.router is not None
        }
        for favourites in (set(prefer), named):
            favoured = tuple(router for router in routers if router in favourites)
            routers = favoured or routers
        return routers[0] if len(routers) == 1 else Tie(segment=segment, routers=routers)

    def _distances_to(self, target: str) -> dict[str, int]:
        if target not in self._distances:
            distances, queue = {target: 0}, deque([target])
            while queue:
                segment = queue.popleft()
                for router in self.routers_on.get(segment, ()):
                    for beyond in self.segments_of[router]:
                        if beyond not in distances:
                            distances[beyond] = distances[segment] + 1
                            queue.append(beyond)
            self._distances[target] = distances
        return self._distances[target]


def draw_graph(fabric: Fabric) -> Graph:
    """The graph of a topology. Routers are what a network names as its router, and what says forward: true."""
    named = {network.router.value for network in fabric.topology.networks if network.router is not None}
    segments_of: dict[str, tuple[str, ...]] = {}
    routers_on: dict[str, list[str]] = {}
    for node in sorted(fabric.topology.nodes, key=lambda node: natural_key(node.name)):
        if node.name not in named and not _says_forward(node):
            continue
        segments = tuple(dict.fromkeys(s for i in node.interfaces if (s := fabric.segment_of(i)) is not None))
        segments_of[node.name] = segments
        for segment in segments:
            routers_on.setdefault(segment, []).append(node.name)
    return Graph(
        fabric=fabric,
        routers_on={segment: tuple(routers) for segment, routers in routers_on.items()},
        segments_of=segments_of,
    )


def _says_forward(node: Node) -> bool:
    forwarding = node_forwarding(node)
    return node.role is None and forwarding is not None and forwarding[0]
