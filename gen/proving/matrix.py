"""Who reaches whom: a cell for each pair of a topology's networks, groups, pods and the internet."""

from collections.abc import Iterator
from dataclasses import dataclass

from gen.fabric import Fabric
from gen.proving.against import World
from gen.verify import Flow, Ranges, Traffic
from gen.verify.addresses import merge
from gen.verify.network import Network

INTERNET = "internet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """How many of the judged pairs of address classes a ping gets through between, and back."""

    source: str
    destination: str
    arrived: int
    judged: int

    @property
    def verdict(self) -> str:
        """all, some or none; a dash where there is nothing to judge: one machine alone, or nobody at all."""
        if not self.judged:
            return "-"
        return "all" if self.arrived == self.judged else "some" if self.arrived else "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """The cells, by source and then by destination in the order of these names."""

    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]


def measure(fabric: Fabric, network: Network) -> Matrix:
    """The matrix of a network, for icmp, whatever the sources look like on arrival."""
    parties = dict(_parties(fabric))
    world = World(network)
    has_internet = network.wiring.internet is not None
    destinations = (*parties, *((INTERNET,) if has_internet else ()))
    cells = tuple(
        tuple(_cell(world, parties, source, destination) for destination in destinations) for source in parties
    )
    return Matrix(sources=tuple(parties), destinations=destinations, cells=cells)


def _parties(fabric: Fabric) -> Iterator[tuple[str, Ranges]]:
    for network in fabric.topology.networks:
        yield network.name, ((network.cidr.first, network.cidr.last),)
    for group, nodes in fabric.members.items():
        ips = [int(one.ip) for node in nodes for interface in node.interfaces for one in interface.attachments]
        if ips and group not in fabric.networks:
            yield group, merge((ip, ip) for ip in ips)
    if fabric.topology.kubernetes is not None:
        pods = fabric.topology.kubernetes.pods
        yield "pods", ((pods.first, pods.last),)


def _cell(world: World, parties: dict[str, Ranges], source: str, destination: str) -> Cell:
    flow = Flow(
        name=f"{source} to {destination}",
        sources=parties[source],
        destinations=parties.get(destination, ()),
        traffic=(Traffic(protocol="icmp"),),
        to_internet=destination not in parties,
    )
    arrived = judged = 0
    for case in world.cases(flow):
        if destination in parties and case.destination.place is None:
            continue
        judged += 1
        arrived += world.follow(flow, case.source.first, case.destination.first, case.traffic).holds
    return Cell(source=source, destination=destination, arrived=arrived, judged=judged)


def matrix_lines(matrix: Matrix) -> list[str]:
    """The matrix as a table, sources on the left."""
    rows = [["", *matrix.destinations]]
    for source, cells in zip(matrix.sources, matrix.cells, strict=True):
        rows.append([source, *(cell.verdict for cell in cells)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
