"""Owners of addresses: every machine's own IPs and pod networks."""

from bisect import bisect_right

from msgspec import Struct

from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network

Role = tuple[str, int, int]
"""Role of a range to its machine: the interface, or "" for pods; its number there; its size."""
Spot = tuple[Role, int, int]
"""Addresses inside an owned range: its role, and how far behind its start they begin and end."""


class OwnedRange(Struct, frozen=True, kw_only=True):
    """Consecutive addresses of one machine."""

    first: int
    last: int
    owner: str
    role: Role


class AddressOwners:
    """All owned ranges of a network in order. `contested` are the machines that share an address with another one."""

    def __init__(self, network: Network) -> None:
        """Gathers them from machines and pod networks."""
        found = [one for machine in network.machines.values() for one in _ranges_of(machine)]
        self.all = tuple(sorted(found, key=lambda one: (one.first, -one.last)))
        self._starts = [one.first for one in self.all]
        self.contested: set[str] = set()
        widest: OwnedRange | None = None
        for one in self.all:
            if widest is not None and one.first <= widest.last:
                self.contested.update((one.owner, widest.owner))
            if widest is None or one.last > widest.last:
                widest = one

    def holder(self, first: int, last: int) -> OwnedRange | None:
        """The owned range in which all of the addresses lie."""
        number = bisect_right(self._starts, first) - 1
        if number < 0 or last > self.all[number].last:
            return None
        return self.all[number]

    def between(self, first: int, last: int) -> tuple[OwnedRange, ...]:
        """All owned ranges that have addresses in a range."""
        return tuple(one for one in self.all if one.first <= last and first <= one.last)

    def spot(self, first: int, last: int, owner: str) -> Spot | None:
        """Return the place of the addresses in one of the owner's ranges, None if they are in none."""
        number = bisect_right(self._starts, first) - 1
        one = self.all[number] if number >= 0 else None
        if one is None or one.owner != owner or last > one.last:
            return None
        return one.role, first - one.first, last - one.first


def spot_in(owned: OwnedRange, first: int, last: int) -> Spot:
    """Return the place of the addresses in a range."""
    return owned.role, first - owned.first, last - owned.first


def _ranges_of(machine: Machine) -> list[OwnedRange]:
    name = machine.name
    found = [
        OwnedRange(first=pods.first, last=pods.last, owner=name, role=("", number, pods.length))
        for number, pods in enumerate(machine.pods)
    ]
    met: set[int] = set()
    for interface, addresses in machine.addresses.items():
        for number, address in enumerate(addresses):
            if address.ip not in met and not any(address.ip in pods for pods in machine.pods):
                met.add(address.ip)
                found.append(OwnedRange(first=address.ip, last=address.ip, owner=name, role=(interface, number, 32)))
    return found
