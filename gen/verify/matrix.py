"""Who reaches whom: every named set of addresses against every other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gen.verify.addresses import Ranges
from gen.verify.cases import cases_of
from gen.verify.classes import AddressClass, Cuts, judged
from gen.verify.conversation import converse, first_packet
from gen.verify.network import Network, read_network
from gen.verify.trace import Outcome
from gen.verify.walk import Memory, Walker
from gen.verify.wiring import Assumptions, Traffic, Wiring

PING = (Traffic(protocol="icmp"),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One pair of ends: of how many address pairs, how many get an answer, and the verdicts of the rest.

    `translated` says whether some receiver sees another address than the sender's.
    """

    source: str
    destination: str
    pairs: int
    answered: int
    verdicts: tuple[str, ...]
    translated: bool


def matrix(
    out: Path,
    wiring: Wiring,
    ends: Mapping[str, Ranges],
    traffic: Sequence[Traffic] = PING,
    assumptions: Assumptions | None = None,
) -> tuple[Cell, ...]:
    """The cells of all pairs of named ends, row by row."""
    return reachability(read_network(out, wiring, assumptions or Assumptions()), ends, traffic)


def reachability(network: Network, ends: Mapping[str, Ranges], traffic: Sequence[Traffic] = PING) -> tuple[Cell, ...]:
    """The cells in a network that is already read."""
    cuts, memory = Cuts(network), Memory()
    classes = {name: judged(cuts.addresses(ranges), ranges) for name, ranges in ends.items()}
    return tuple(
        _cell(network, memory, cuts, (source, destination), (classes[source], classes[destination]), traffic=traffic)
        for source in ends
        for destination in ends
    )


def _cell(
    network: Network,
    memory: Memory,
    cuts: Cuts,
    names: tuple[str, str],
    ends: tuple[tuple[AddressClass, ...], tuple[AddressClass, ...]],
    *,
    traffic: Sequence[Traffic],
) -> Cell:
    pairs = answered = 0
    verdicts: dict[str, None] = {}
    translated = False
    for case in cases_of(*ends, cuts.traffic(traffic)):
        packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
        result = converse(Walker(network, memory), packet, case.start, nat_allowed=True)
        pairs += case.pairs
        if result.outcome is Outcome.ACCEPTED:
            answered += case.pairs
        else:
            verdicts[result.outcome] = None
        translated = translated or result.seen_source not in (None, case.source.first)
    return Cell(
        source=names[0],
        destination=names[1],
        pairs=pairs,
        answered=answered,
        verdicts=tuple(sorted(verdicts)),
        translated=translated,
    )
