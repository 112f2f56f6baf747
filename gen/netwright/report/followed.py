"""The links that packets of a flow really took, in another state of OUT and now, for the picture."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from netwright.graph.trace import Plug
from netwright.report.both import ShownPair
from netwright.report.ways import Hop, ShownWay
from netwright.topology.resolved import ResolvedTopology


class Followed(Struct, frozen=True, kw_only=True):
    """The links of packets whose way differs from that in another state: before, and now. Links that are not in today's
    topology as they were are in neither. It is `whole` where the packets stand for all of the flow."""

    before: frozenset[Plug] = frozenset()
    now: frozenset[Plug] = frozenset()
    whole: bool = False

    @property
    def left(self) -> frozenset[Plug]:
        """The links that none of the packets takes any more."""
        return self.before - self.now

    def drawn(self, meant: frozenset[Plug]) -> frozenset[Plug]:
        """Return the links of today's way: those that the topology means the flow to take, and those that packets
        take. Where all packets are known, only these."""
        if not self.before:
            return meant
        return (meant - self.left if self.whole else meant) | self.now


def follow_packets(
    was: ResolvedTopology,
    resolved: ResolvedTopology,
    pairs: Sequence[ShownPair],
    ways: Sequence[ShownWay],
    classes: int,
) -> Followed:
    """Return the links of packets that take another way, and of those that take the same, of a flow with so many
    classes of packets. `was` is the topology of the other state. Where nothing leads a packet that is known, its way is
    neither another one nor the same."""
    known = [pair for pair in pairs if pair.before.there and pair.now.there]
    courses_before = [course for pair in known for course in (pair.before.there, pair.before.back)]
    courses_now = [course for pair in known for course in (pair.now.there, pair.now.back)]
    courses_now += [course for way in ways for course in (way.there, way.back)]
    before = {plug for course in courses_before for plug in _plugs(was, course)}
    return Followed(
        before=frozenset(plug for plug in before if _segment(was, plug) == _segment(resolved, plug)),
        now=frozenset(plug for course in courses_now for plug in _plugs(resolved, course)),
        whole=len({pair.packet for pair in known} | {way.packet for way in ways}) >= classes,
    )


def _plugs(resolved: ResolvedTopology, course: Sequence[Hop]) -> Iterator[Plug]:
    """Yield the links between the machines of a course: by a segment on which both are, of several by one that the
    sender names."""
    for here, there in pairwise(course):
        own, others = _links(resolved, here.node), _links(resolved, there.node)
        shared = [segment for segment in own if segment in others]
        words = {word for step in here.steps for word in step.text.split()}
        named = [segment for segment in shared if own[segment] in words]
        for segment in (named or shared)[:1]:
            yield here.node, own[segment]
            yield there.node, others[segment]


def _links(resolved: ResolvedTopology, node: str) -> dict[str, str]:
    """Return the first interface of a node on each of its segments; none of a node that is not in the topology."""
    if node not in resolved.nodes:
        return {}
    found: dict[str, str] = {}
    for link in resolved.nodes[node].links:
        segment = resolved.segment_of(link)
        if segment is not None:
            found.setdefault(segment, link.name)
    return found


def _segment(resolved: ResolvedTopology, plug: Plug) -> str | None:
    node, name = plug
    links = resolved.nodes[node].links if node in resolved.nodes else ()
    return next((resolved.segment_of(link) for link in links if link.name == name), None)
