"""The addresses that the topology gives to machines, compared with those that their files give them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from netwright.verify.network_model.assumed import ASSUMED
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.unheard import refuse_lease
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import AddressNumber, format_ip, network_of
from netwright.verify.values.facts import Address, Origin
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.wiring import AssignedAddress, Wiring


class Mismatch(Struct, frozen=True, kw_only=True):
    """An address of the topology that a machine's files do not give it, or one of the files that the topology lacks."""

    machine: Machine
    ip: int
    kind: Outcome | Fault
    cause: str
    origin: Origin | None


class Assignment(Struct, frozen=True, kw_only=True):
    """`missing` are the topology's addresses, by IP, that are not where they should be; `foreign` those of files that
    the topology does not know."""

    missing: Mapping[int, Mismatch] = field(default_factory=dict)
    foreign: tuple[Mismatch, ...] = ()


def compare_addresses(
    machines: Mapping[str, Machine], configurations: Iterable[Configuration], wiring: Wiring
) -> Assignment:
    """The difference between the topology's addresses and those of the files; none if the wiring has no addresses."""
    assigned: dict[str, list[AssignedAddress]] = {}
    for address in wiring.addresses:
        assigned.setdefault(address.node, []).append(address)
    if not assigned:
        return Assignment()
    configurations = tuple(configurations)
    held = {(one.node, one.ip) for one in wiring.held}
    missing = dict(_never_leased(machines, configurations, wiring))
    foreign: list[Mismatch] = []
    for configuration in configurations:
        machine, wanted = machines[configuration.node], assigned.get(configuration.node, ())
        if machine.faults:
            missing.update(_at_fault(machine, wanted))
        known = {(one.interface, one.ip, one.length) for one in wanted}
        there = {(name, one.ip, one.length): one for name, one in _own_addresses(machine)}
        if known == there.keys():
            continue
        named = set()
        for one in wanted:
            if (one.interface, one.ip, one.length) not in there:
                mismatch, other = _find_mismatch(machine, configuration, one, known)
                named.add(id(other))
                missing.setdefault(one.ip, mismatch)
        foreign += (
            _foreign(machine, key[0], address)
            for key, address in there.items()
            if key not in known and (machine.name, address.ip) not in held and id(address) not in named
        )
    return Assignment(missing=missing, foreign=tuple(foreign))


def _at_fault(machine: Machine, wanted: Iterable[AssignedAddress]) -> Iterator[tuple[int, Mismatch]]:
    """The mismatches of addresses on devices that are not as they should be, whatever their files give them."""
    for one in wanted:
        fault = machine.faults.get(one.interface)
        if fault is not None:
            mismatch = Mismatch(machine=machine, ip=one.ip, kind=fault.outcome, cause=fault.cause, origin=fault.origin)
            yield one.ip, mismatch


def _never_leased(
    machines: Mapping[str, Machine], configurations: Iterable[Configuration], wiring: Wiring
) -> Iterator[tuple[int, Mismatch]]:
    """The mismatches of leased addresses, whatever the guests ask, that the rules of libvirt's host keep from them."""
    leased = [one.ip for one in wiring.addresses if one.leased]
    hosts = [one for one in configurations if one.networks] if leased else ()
    for host, network in ((machines[one.node], network) for one in hosts for network in one.networks):
        for ip in leased:
            if any(ip in network_of(own.ip, own.length) for own in network.bridge.addresses):
                refusal = refuse_lease(host, network, ip)
                if refusal is not None:
                    yield (
                        ip,
                        Mismatch(machine=host, ip=ip, kind=refusal.outcome, cause=refusal.cause, origin=refusal.origin),
                    )


def _own_addresses(machine: Machine) -> Iterator[tuple[str, Address]]:
    """The addresses that files give to interfaces."""
    for interface, addresses in machine.addresses.items():
        if interface not in ASSUMED:
            yield from ((interface, address) for address in addresses)


def _find_mismatch(
    machine: Machine, configuration: Configuration, wanted: AssignedAddress, known: set[tuple[str, AddressNumber, int]]
) -> tuple[Mismatch, Address | None]:
    """The mismatch of a missing address, and what the files have in its place."""
    given = f"{format_ip(wanted.ip)}/{wanted.length}"
    found = _in_its_place(machine, configuration, wanted, known)
    if found is None and machine.unknown:
        reasons = [one for one in machine.unknown if one.text == wanted.interface] or machine.unknown
        cause, origin = reasons[0].cause, reasons[0].origin
        return Mismatch(machine=machine, ip=wanted.ip, kind=Outcome.UNKNOWN, cause=cause, origin=origin), None
    where, other = found if found is not None else ("", None)
    said = f"the file has {format_ip(other.ip)}/{other.length} on {where}" if other else "no file has it"
    return Mismatch(
        machine=machine,
        ip=wanted.ip,
        kind=Fault.WRONG_ADDRESS,
        cause=f"{wanted.interface} has not got its address {given}: {said}",
        origin=other.origin if other is not None else None,
    ), other


def _in_its_place(
    machine: Machine, configuration: Configuration, wanted: AssignedAddress, known: set[tuple[str, AddressNumber, int]]
) -> tuple[str, Address] | None:
    """Return where the files have the IP instead; else an address there, or anywhere, that the topology lacks."""
    named = [*_own_addresses(machine)]
    others = [(_describe(link.name, link.mac), address) for link in configuration.links for address in link.addresses]
    candidates: Sequence[tuple[str, Address]] = (
        *(one for one in (*named, *others) if one[1].ip == wanted.ip),
        *(one for one in named if one[0] == wanted.interface and (one[0], one[1].ip, one[1].length) not in known),
    )
    return candidates[0] if candidates else None


def _describe(name: str | None, mac: str | None) -> str:
    return name or (f"the card {mac}" if mac else "any card")


def _foreign(machine: Machine, interface: str, address: Address) -> Mismatch:
    said = f"{format_ip(address.ip)}/{address.length} on {interface}"
    cause = f"the topology does not know {said}; add it there, or remove it from the file"
    return Mismatch(machine=machine, ip=address.ip, kind=Fault.UNKNOWN_ADDRESS, cause=cause, origin=address.origin)
