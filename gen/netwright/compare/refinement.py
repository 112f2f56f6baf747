"""The classes that two networks tell apart together: what either cuts is cut."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from msgspec import field
from msgspec.structs import replace

from netwright.verify import Range, Ranges
from netwright.verify.network_model.network import Network
from netwright.verify.proof.address_owners import Spot
from netwright.verify.proof.classes import AddressClass, TrafficClass
from netwright.verify.proof.symmetry import Symmetry, find_symmetry
from netwright.verify.values.addresses import merge


class JointSymmetry(Symmetry, frozen=True, kw_only=True):
    """Equivalence classes of machines in two networks at once; the fields of Symmetry are the second network's."""

    networks: tuple[Network, Network]
    earlier: Symmetry
    _numbers: dict[Hashable, int] = field(default_factory=dict)

    def likeness(self, one: AddressClass) -> tuple[int, str, Spot] | None:
        """Return what the address class has in common with others in both networks, None if it has no like in one."""
        places = [network.place_of(one.first) for network in self.networks]
        if places[0] is None or places[1] is None or places[0].machine.name != places[1].machine.name:
            return None
        was = self.earlier.likeness(replace(one, place=places[0]))
        now = Symmetry.likeness(self, replace(one, place=places[1]))
        if was is None or now is None:
            return None
        return self._numbers.setdefault((was, now[0]), len(self._numbers)), now[1], now[2]


def joint_symmetry(before: Network, after: Network) -> JointSymmetry:
    """The machines that may change places in both networks: one conversation stands for those of all."""
    later = find_symmetry(after)
    return JointSymmetry(
        owners=later.owners, classes=later.classes, networks=(before, after), earlier=find_symmetry(before)
    )


def refine_addresses(ours: Sequence[AddressClass], theirs: Sequence[AddressClass]) -> tuple[AddressClass, ...]:
    """The common refinement of the classes of two networks; each lives where the second network has it, else the first.

    Addresses that the two tell apart in different ways have no class of either network that stands for them.
    """
    refined = []
    for parts, one, other in _overlay([one.ranges for one in ours], [one.ranges for one in theirs]):
        places = (theirs[other].place if other is not None else None, ours[one].place if one is not None else None)
        refined.append(AddressClass(ranges=parts, place=places[0] or places[1]))
    return tuple(sorted(refined, key=lambda one: one.first))


def refine_traffic(ours: Sequence[TrafficClass], theirs: Sequence[TrafficClass]) -> tuple[TrafficClass, ...]:
    """The common refinement of the traffic of two networks."""
    refined: list[TrafficClass] = []
    for protocol in dict.fromkeys(one.protocol for one in (*ours, *theirs)):
        ports = [[one.ports for one in side if one.protocol == protocol] for side in (ours, theirs)]
        if not any(map(any, ports)):
            refined.append(TrafficClass(protocol=protocol, ports=()))
        refined += (TrafficClass(protocol=protocol, ports=parts) for parts, _, _ in _overlay(*ports))
    return tuple(refined)


def _overlay(ours: Sequence[Ranges], theirs: Sequence[Ranges]) -> Iterator[tuple[Ranges, int | None, int | None]]:
    """The numbers of some groups on either side, grouped by the pair of groups that they are in."""
    edges = sorted({edge for group in (*ours, *theirs) for first, last in group for edge in (first, last + 1)})
    number = {edge: index for index, edge in enumerate(edges)}
    owners: list[list[int | None]] = [[None] * len(edges), [None] * len(edges)]
    for side, groups in zip(owners, (ours, theirs), strict=True):
        for index, group in enumerate(groups):
            for first, last in group:
                for piece in range(number[first], number[last + 1]):
                    side[piece] = index
    met: dict[tuple[int | None, int | None], list[Range]] = defaultdict(list)
    for piece, (one, other) in enumerate(zip(*owners, strict=True)):
        if one is not None or other is not None:
            met[one, other].append((edges[piece], edges[piece + 1] - 1))
    for (one, other), parts in met.items():
        yield merge(parts), one, other
