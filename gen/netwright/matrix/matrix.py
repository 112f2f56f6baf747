"""Matrix of reachability: a cell for each pair of parties, and why the rest of a cell does not get through."""

import re
from collections.abc import Callable, Sequence
from math import gcd

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify import FindingKind, Flow, Outcome, Traffic
from netwright.verify.network_model.network import Network
from netwright.verify.proof.cases import Batch, CaseBook
from netwright.verify.proof.classes import AddressClass, TrafficClass
from netwright.verify.proof.symmetry import find_symmetry
from netwright.verify_input.parties import NamedParty
from netwright.verify_input.world import World

MOST_CONVERSATIONS = 100_000
"""Conversations that a matrix tries, about 10 seconds' worth; cells that need more get an even spread."""
LEAST_OF_A_CELL = 4
"""Conversations that each cell tries, however many cells there are."""

_TRAFFIC = re.compile(r"icmp|(?P<protocol>tcp|udp)/(?P<port>[1-9][0-9]{0,4})")


class CellReason(Struct, frozen=True, kw_only=True):
    """Reason for which pairs of a cell fail: verdict, where, in words; for how many pairs of classes; one of them.

    Of nodes that are alike, the first is named.
    """

    verdict: FindingKind
    node: str
    cause: str
    classes: int
    source: str
    destination: str


class Cell(Struct, frozen=True, kw_only=True):
    """Number of judged pairs of address classes that get through there and back; why the others do not.

    `classes` counts all pairs: more than are judged where these are a spread. The first reason affects the most.
    """

    source: str
    destination: str
    traffic: str
    arrived: int
    judged: int
    classes: int
    reasons: tuple[CellReason, ...]

    @property
    def verdict(self) -> str:
        """all, some or none; a dash where there is nothing to judge: one machine alone, or none at all."""
        if not self.judged:
            return "-"
        return "all" if self.arrived == self.judged else "some" if self.arrived else "none"

    @property
    def spread(self) -> bool:
        """Return whether only a spread of the pairs was judged."""
        return self.judged < self.classes


class Matrix(Struct, frozen=True, kw_only=True):
    """The cells of some traffic, by source and then by destination in the order of these parties."""

    traffic: str
    sources: tuple[NamedParty, ...]
    destinations: tuple[NamedParty, ...]
    cells: tuple[tuple[Cell, ...], ...]

    def reasons(self) -> tuple[tuple[CellReason, int], ...]:
        """The reasons of all cells, those of one cause as one, each with the number of its cells; the most first."""
        met: dict[tuple[str, str, str], tuple[CellReason, int]] = {}
        for reason in (reason for row in self.cells for cell in row for reason in cell.reasons):
            first, cells = met.get((reason.verdict, reason.node, reason.cause), (replace(reason, classes=0), 0))
            together = replace(first, classes=first.classes + reason.classes)
            met[reason.verdict, reason.node, reason.cause] = (together, cells + 1)
        return tuple(sorted(met.values(), key=lambda one: (-one[1], -one[0].classes, one[0].verdict, one[0].cause)))


def read_traffic(text: str) -> Traffic | None:
    """The traffic that people write as icmp, tcp/PORT or udp/PORT; None if it is none of them."""
    match = _TRAFFIC.fullmatch(text)
    if match is None:
        return None
    if match["port"] is None:
        return Traffic(protocol="icmp")
    port = int(match["port"])
    return Traffic(protocol=match["protocol"], ports=(port, port)) if port <= 65535 else None


def measure(
    network: Network,
    parties: Sequence[NamedParty],
    traffic: Traffic,
    progress: Callable[[int], None] = lambda _cells: None,
) -> Matrix:
    """The matrix of a network, whatever the sources look like on arrival."""
    world = World(network)
    symmetry = find_symmetry(network)
    shown = f"{traffic.protocol}/{traffic.ports[0]}" if traffic.ports else traffic.protocol
    sources = tuple(party for party in parties if party.sends)
    most = max(MOST_CONVERSATIONS // max(len(sources) * len(parties), 1), LEAST_OF_A_CELL)
    ends = {party.name: _ends(world, party, traffic) for party in parties}
    rows = []
    for source in sources:
        row = []
        for destination in parties:
            asked = world.asked(_flow(source, destination, traffic))
            book = CaseBook(symmetry, ends[source.name][0], ends[destination.name][1], ends[source.name][2], asked)
            batches = [*book.batches()]
            tried = _spread(batches, most)
            blank = Cell(source=source.name, destination=destination.name, traffic=shown, arrived=0,
                         judged=_count(tried), classes=_count(batches), reasons=())  # fmt: skip
            row.append(_judge(world, blank, tried))
            progress(1)
        rows.append(tuple(row))
    return Matrix(traffic=shown, sources=sources, destinations=tuple(parties), cells=tuple(rows))


_Ends = tuple[tuple[AddressClass, ...], tuple[AddressClass, ...], tuple[TrafficClass, ...]]


def _ends(world: World, party: NamedParty, traffic: Traffic) -> _Ends:
    """The party's classes as a source and as a destination; what is unassigned receives nothing."""
    sources, destinations, kinds = world.ends(_flow(party, party, traffic))
    return sources, tuple(one for one in destinations if one.place is not None), kinds


def _flow(source: NamedParty, destination: NamedParty, traffic: Traffic) -> Flow:
    return Flow(
        name="",
        sources=source.ranges,
        destinations=destination.ranges,
        traffic=(traffic,),
        to_internet=destination.kind == "internet",
        named_sources=source.named,
        named_destinations=destination.named,
    )


def _spread(batches: Sequence[Batch], most: int) -> Sequence[Batch]:
    """The batches; of very many an even spread."""
    count = len(batches)
    if count <= most:
        return batches
    step = next(step for step in range(int(count * 0.618), count + 1) if gcd(step, count) == 1)
    return [batches[number * step % count] for number in range(most)]


def _count(batches: Sequence[Batch]) -> int:
    return sum(batch.count for batch in batches)


def _judge(world: World, cell: Cell, batches: Sequence[Batch]) -> Cell:
    arrived = 0
    met: dict[tuple[str, str, str], CellReason] = {}
    for batch in batches:
        reason = _find_reason(world, batch)
        if reason is None:
            arrived += batch.count
            continue
        key = (reason.verdict, reason.node, reason.cause)
        met[key] = replace(met[key], classes=met[key].classes + batch.count) if key in met else reason
    reasons = sorted(met.values(), key=lambda reason: (-reason.classes, reason.verdict, reason.node, reason.cause))
    return replace(cell, arrived=arrived, reasons=tuple(reasons))


def _find_reason(world: World, batch: Batch) -> CellReason | None:
    """Return why the batch does not get through, None if it does."""
    source, destination = batch.example.source, batch.example.destination
    mismatch = world.network.mismatch(source.first, destination.first)
    if mismatch is not None:
        verdict: FindingKind = mismatch.kind
        node, cause = mismatch.machine.name, mismatch.cause
    else:
        result = world.answer(batch.example)
        if result.outcome is Outcome.ACCEPTED:
            return None
        way = "on the way back" if result.back else "on the way there"
        verdict, node, cause = result.outcome, result.end.machine.name, f"{result.end.cause}, {way}"
    return CellReason(
        verdict=verdict,
        node=node,
        cause=cause,
        classes=batch.count,
        source=str(source),
        destination=str(destination),
    )
