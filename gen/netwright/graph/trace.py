"""The way that a flow takes, there and back, as the links that it goes over."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from netwright.flows.filters import Passage
from netwright.flows.graph import Graph, Tie, Way, draw_graph
from netwright.flows.ownership import interface_on
from netwright.flows.types import Party
from netwright.model import Flow, Node
from netwright.topology.resolved import ResolvedTopology

Plug = tuple[str, str]
"""A node and one of its interfaces."""


class Trace(Struct, frozen=True, kw_only=True):
    """Trace of a flow: links, those by which it starts and where it ends, owners of pods, devices by which it comes
    from the internet and goes there, segments and pools at its ends, and routers by whose port forwards it goes."""

    plugs: frozenset[Plug] = frozenset()
    starts: frozenset[Plug] = frozenset()
    ends: frozenset[Plug] = frozenset()
    pods: frozenset[str] = frozenset()
    from_internet: frozenset[str] = frozenset()
    to_internet: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()
    leading: frozenset[str] = frozenset()


NO_TRACE = Trace()


def trace_flow(resolved: ResolvedTopology, passages: Iterable[Passage], flow: Flow) -> Trace:
    """The trace of a flow: both directions of what is allowed, and of what is denied the one that is refused."""
    tracer = _Tracer(resolved=resolved, graph=draw_graph(resolved), prefer=tuple(router.value for router in flow.via))
    plugs: set[Plug] = set()
    starts: set[Plug] = set()
    ends: set[Plug] = set()
    passages = [passage for passage in passages if passage.flow.name == flow.name]
    for passage in passages:
        plugs.update(tracer.plugs(passage.source, passage.destination))
        if flow.allow:
            plugs.update(tracer.plugs(passage.destination, passage.source))
        if not _is_outside(passage.source):
            starts.update(tracer.departures(passage.source, passage.destination))
        if not _is_outside(passage.destination):
            ends.update(tracer.arrivals(passage.destination))
    parties = [party for passage in passages for party in (passage.source, passage.destination)]
    return Trace(
        plugs=frozenset(plugs | starts | ends),
        starts=frozenset(starts),
        ends=frozenset(ends),
        pods=frozenset(node for party in parties if party.pods for node in party.nodes),
        from_internet=_outside(passage.source for passage in passages),
        to_internet=_outside(passage.destination for passage in passages),
        segments=frozenset(
            resolved.networks[party.network].segment for party in parties if not party.nodes and not _is_outside(party)
        ),
        pools=frozenset(end.text for end in flow.destinations if end.text in resolved.pools),
        leading=frozenset(passage.through for passage in passages if passage.through is not None),
    )


def _outside(parties: Iterable[Party]) -> frozenset[str]:
    """Return the devices behind which the parties are that are the internet."""
    return frozenset(party.owner for party in parties if _is_outside(party) and party.owner is not None)


def _is_outside(party: Party) -> bool:
    return party.prefix is None


class _Tracer(Struct, frozen=True, kw_only=True):
    resolved: ResolvedTopology
    graph: Graph
    prefer: tuple[str, ...]

    def plugs(self, senders: Party, receivers: Party) -> Iterator[Plug]:
        """The links from senders to receivers; a sender takes the link of its address, else the one nearest to them."""
        target = self.resolved.networks[receivers.network].segment
        yield from self.departures(senders, receivers)
        for start in dict.fromkeys(self._starts(senders, target).values()) or [
            self.resolved.networks[senders.network].segment
        ]:
            for hop in self._way(start, target):
                yield from self._plug(hop.router, hop.ingress)
                yield from self._plug(hop.router, hop.egress)
        yield from self.arrivals(receivers)

    def departures(self, senders: Party, receivers: Party) -> Iterator[Plug]:
        """The links by which senders leave for receivers."""
        for name, start in self._starts(senders, self.resolved.networks[receivers.network].segment).items():
            yield from self._plug(name, start)

    def _starts(self, senders: Party, target: str) -> dict[str, str]:
        """Return the segment by which each sender leaves for another one."""
        nodes = self.resolved.nodes
        return {name: self._start(nodes[name], senders.network, target) for name in self._machines(senders)}

    def arrivals(self, party: Party) -> Iterator[Plug]:
        """The links by which a party's machines are on its network."""
        segment = self.resolved.networks[party.network].segment
        for name in self._machines(party):
            named = [
                interface.name
                for interface in self.resolved.nodes[name].interfaces
                if party.network in {attachment.network for attachment in interface.attachments}
            ]
            if named:
                yield name, named[0]
            else:
                yield from self._plug(name, segment)

    def _machines(self, party: Party) -> tuple[str, ...]:
        """A party's nodes, or the device behind which it is."""
        return party.nodes or ((party.owner,) if party.owner is not None else ())

    def _start(self, node: Node, network: str, target: str) -> str:
        """The segment by which a sender leaves: that of its address, else the nearest."""
        home = self.resolved.networks[network].segment
        own = [segment for one in node.interfaces if (segment := self.resolved.segment_of(one)) is not None]
        if home in own:
            return home
        known = [(distance, one) for one in own if (distance := self.graph.distance(one, target)) is not None]
        return min(known, key=lambda pair: pair[0])[1] if known else own[0]

    def _way(self, start: str, target: str) -> Way:
        way = self.graph.way(start, target, self.prefer)
        return () if way is None or isinstance(way, Tie) else way

    def _plug(self, node: str, segment: str) -> Iterator[Plug]:
        interface = interface_on(self.resolved, self.resolved.nodes[node], segment)
        if interface is not None:
            yield node, interface
