"""Mentions of each machine's addresses in a network's routes and rules: sets that hold them, and what names them."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from netwright.verify.network_model.fib import Hop, HopKind
from netwright.verify.proof.address_owners import AddressOwners, OwnedRange, spot_in
from netwright.verify.values.addresses import AddressNumber, Range, Ranges


class Leg(NamedTuple):
    """Properties of a route that decide: all but the line that it comes from."""

    first: int
    last: int
    kind: HopKind
    interface: str | None
    gateway: AddressNumber | None
    metric: int
    owner: str | None
    ambiguous: bool
    mtu: int | None
    source: AddressNumber | None
    partial: bool
    among: int


def leg_of(hop: Hop) -> Leg:
    """The hop without its origin."""
    prefix = hop.prefix
    return Leg(
        prefix.first,
        prefix.last,
        hop.kind,
        hop.interface,
        hop.gateway,
        hop.metric,
        hop.owner,
        hop.ambiguous,
        hop.mtu,
        hop.source,
        hop.partial,
        hop.among,
    )


class Mentions:
    """All mentions, gathered bit by bit; `views` then tells how each machine appears in it."""

    def __init__(self, owners: AddressOwners) -> None:
        """No mentions yet."""
        self._owners = owners
        self._sets: dict[Ranges, None] = {}
        self._mentions: dict[str, set[Hashable]] = defaultdict(set)

    def add_set(self, ranges: Ranges) -> None:
        """Some machine treats the addresses of the ranges in another way than all others."""
        self._sets[ranges] = None

    def mention(self, ip: int | None, context: Hashable) -> None:
        """Some machine names the IP, as a gateway or as what an address is translated to."""
        holder = self._owners.holder(ip, ip) if ip is not None else None
        if holder is not None:
            self._mentions[holder.owner].add((context, spot_in(holder, ip or 0, ip or 0)))

    def mention_machine(self, name: str, context: Hashable) -> None:
        """Some machine names another one by something that is its alone, such as a key."""
        self._mentions[name].add(context)

    def part(self, ranges: Range) -> None:
        """Everyone who has addresses there is told from everyone else."""
        for one in self._owners.between(*ranges):
            self._mentions[one.owner].add(one)

    def add_table(self, table: Hashable, legs: Iterable[Leg]) -> None:
        """The routes of a table that several machines may have."""
        for leg in legs:
            holder = self._owners.holder(leg.first, leg.last)
            if holder is not None:
                self._add_own_leg(table, leg, holder)
                continue
            self.add_set(((leg.first, leg.last),))
            self.mention(leg.gateway, (table, leg))
            if leg.owner is not None:
                self._mentions[leg.owner].add((table, leg))

    def _add_own_leg(self, table: Hashable, leg: Leg, holder: OwnedRange) -> None:
        """A route for addresses of one machine alone: an equivalent machine has one like it, by its own addresses."""
        gateway: Hashable = leg.gateway
        if leg.gateway is not None:
            near = self._owners.holder(leg.gateway, leg.gateway)
            if near is not None and near.owner == holder.owner:
                gateway = spot_in(near, leg.gateway, leg.gateway)
            else:
                self.mention(leg.gateway, (table, leg))
        if leg.owner not in (None, holder.owner):
            self._mentions[leg.owner or ""].add((table, leg))
        owner = "" if leg.owner == holder.owner else leg.owner
        place = spot_in(holder, leg.first, leg.last)
        self._mentions[holder.owner].add((table, place, leg.kind, leg.interface, gateway, leg.metric, owner, *leg[7:]))

    def views(self) -> dict[str, Hashable]:
        """Return the mentions of each machine: for each range the sets that hold some of it, and all mentions."""
        edges = sorted({edge for ranges in self._sets for first, last in ranges for edge in (first, last + 1)})
        spans = [(bisect_right(edges, one.first), bisect_right(edges, one.last)) for one in self._owners.all]
        inhabited = sorted({number for low, high in spans for number in range(low, high + 1)})
        holding: dict[int, list[int]] = defaultdict(list)
        for number, ranges in enumerate(self._sets):
            for first, last in ranges:
                start = bisect_left(inhabited, bisect_right(edges, first))
                for gap in inhabited[start : bisect_right(inhabited, bisect_right(edges, last))]:
                    holding[gap].append(number)
        held = {gap: tuple(holding[gap]) for gap in inhabited}
        views: dict[str, list[Hashable]] = defaultdict(list)
        for one, (low, high) in zip(self._owners.all, spans, strict=True):
            parts = [(max(edges[gap - 1] - one.first, 0) if gap > low else 0, held[gap])
                     for gap in range(low, high + 1)]  # fmt: skip
            views[one.owner].append((one.role, *parts))
        return {
            owner: (frozenset(views[owner]), frozenset(self._mentions.get(owner, ())))
            for owner in {*views, *self._mentions}
        }
