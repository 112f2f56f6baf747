"""Flows that go by several next hops: what every router needs that packets may take, there or back."""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from netwright.flows.disguise import sources_along
from netwright.flows.exits import OUTSIDE, Exit, pass_exits, through
from netwright.flows.filters import Passage, accept_on_the_way, filter_need
from netwright.flows.graph import Hop, Way
from netwright.flows.ledger import Ledger
from netwright.flows.nat import Nat
from netwright.flows.other_ways import Goal, OtherWay, OtherWays
from netwright.flows.ownership import is_ours
from netwright.flows.routing import Routing
from netwright.flows.types import Party, is_tunnel
from netwright.model import Node
from netwright.topology.resolved import ResolvedTopology, host


class Trip(Struct, frozen=True, kw_only=True):
    """A passage by its own way, with the devices at its ends that lead to the internet; `own` is without these."""

    passage: Passage
    own: Way
    out_of: Exit | None
    into: Exit | None


class Spreading(Struct, frozen=True, kw_only=True):
    """Notes in a ledger what passages need by other next hops than those of their own way."""

    resolved: ResolvedTopology
    ledger: Ledger
    routing: Routing
    translation: Nat
    internet: tuple[Node, ...]
    ways: OtherWays

    def others(self, trip: Trip) -> tuple[Passage, ...]:
        """Return the passage by each other way that some of its senders take."""
        passage = trip.passage
        found: list[Passage] = []
        for names, ways in self._grouped(passage.source, self._there(trip)):
            for one in ways:
                other = self._by(trip, names, one)
                if other.way != passage.way or other.destination != passage.destination:
                    found.append(other)
        return tuple(found)

    def allow(self, trip: Trip, others: Iterable[Passage]) -> None:
        """Note what an allowed passage needs by its other ways, and what lets its answers in."""
        goal = self._there(trip)
        for other in others:
            flow = other.flow
            self._pass_on(other.way, other)
            self._route(goal, other, other.destination)
            hidden = self.translation.masquerade(other)
            if hidden is not None:
                self.routing.route(flow, other.destination, hidden)
                self.routing.route(flow, hidden, other.source)
            accept_on_the_way(self.resolved, self.ledger, other)
        if not is_tunnel(trip.passage.traffic):
            self._answer(trip)

    def _answer(self, trip: Trip) -> None:
        """Let answers in where they may come without their question; a router that changes addresses sees both."""
        passage = trip.passage
        changes = passage.seen[-1] != passage.source.addresses
        if changes or (passage.destination.prefix is None and not passage.flow.nat_never):
            return
        there = self._taken(passage.source, self._there(trip), trip.own)
        goal = self._back(trip)
        back = self._taken(passage.destination, goal, goal.first)
        if len(there) == len(back) == 1:
            return
        asked = [{hop.router for hop in one.way} for one in there]
        for one in back:
            turned = replace(passage, source=passage.destination, destination=passage.source, way=one.way)
            self._pass_on(one.way, turned)
            self._route(goal, turned, turned.destination)
            for hop in one.way:
                if is_ours(self.resolved, hop.router) and any(hop.router not in routers for routers in asked):
                    need = replace(filter_need(turned, hook="forward", accept=True), answers=True)
                    self.ledger.need(hop.router, need, passage.flow.name)

    def _taken(self, senders: Party, goal: Goal, own: Way) -> list[OtherWay]:
        """All ways that senders take, their own where they have no other."""
        found: dict[OtherWay, None] = {}
        for _, ways in self._grouped(senders, goal):
            found |= dict.fromkeys(ways or (OtherWay(way=own),))
        return [*found]

    def _grouped(self, senders: Party, goal: Goal) -> Iterator[tuple[tuple[str, ...], tuple[OtherWay, ...]]]:
        """The senders by the ways that they have to choose from."""
        groups: dict[tuple[OtherWay, ...], list[str]] = {}
        for name in senders.nodes or ((senders.owner,) if senders.owner is not None else ()):
            groups.setdefault(self.ways.from_node(name, goal), []).append(name)
        yield from ((tuple(names), ways) for ways, names in groups.items())

    def _there(self, trip: Trip) -> Goal:
        return self._goal(trip.passage, trip.passage.source, trip.passage.destination, trip.own, trip.into)

    def _back(self, trip: Trip) -> Goal:
        passage = trip.passage
        start, target = self.routing.segment(passage.destination), self.routing.segment(passage.source)
        way = self.routing.find_way(passage.flow, start, target) or ()
        return self._goal(passage, passage.destination, passage.source, way, trip.out_of)

    def _goal(self, passage: Passage, senders: Party, receivers: Party, own: Way, into: Exit | None) -> Goal:
        last = () if into is None else (Hop(router=into.node.name, ingress=into.segment, egress=into.segment),)
        return Goal(
            prefix=receivers.prefix,
            segment=self.routing.segment(receivers),
            exits=self.internet,
            sources=senders.addresses,
            via=tuple(router.value for router in passage.flow.via),
            first=(*own, *last),
        )

    def _by(self, trip: Trip, names: tuple[str, ...], one: OtherWay) -> Passage:
        passage = trip.passage
        source, destination = self._only(passage.source, names), passage.destination
        if one.exit is not None:
            owned = replace(destination, owner=one.exit.node.name)
            destination = through(self.resolved, owned, one.exit)
        way = pass_exits(self.resolved, one.way, out_of=trip.out_of, into=one.exit)
        seen = (source.addresses,) * (len(way) + 1)
        if not passage.flow.nat_never:
            seen = sources_along(self.resolved, source, destination, way)
        return replace(passage, source=source, destination=destination, way=way, seen=seen)

    def _only(self, party: Party, names: tuple[str, ...]) -> Party:
        """The party without machines that have other ways."""
        if names == party.nodes or not party.nodes or party.pods:
            return party
        own = (
            host(at.ip)
            for name in names
            for interface in self.resolved.nodes[name].interfaces
            for at in interface.attachments
            if at.network == party.network and any(at.ip in network for network in party.addresses)
        )
        return replace(party, nodes=names, addresses=tuple(own))

    def _pass_on(self, way: Way, passage: Passage) -> None:
        for hop in way:
            self.ledger.forward(hop.router, passage.flow.name)
        for party in (passage.source, passage.destination):
            if party.prefix is None and party.owner is not None:
                self.ledger.forward(party.owner, passage.flow.name)

    def _route(self, goal: Goal, passage: Passage, receivers: Party) -> None:
        """Note the routes of routers on a way, but of those that have several next hops already."""
        way = tuple(hop for hop in passage.way if OUTSIDE not in (hop.egress, hop.ingress))
        for number, hop in enumerate(way):
            left = way[number + 1 :]
            if not self.ways.next_hops(hop.router, goal, left):
                self.routing.route_from(passage.flow, hop, left, receivers)
