"""The addresses that the topology gives to machines, compared with those that their files give them."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from netwright.verify.network_model.assumed import ASSUMED
from netwright.verify.network_model.collected import NONE_COLLECTED, Collected, describe_unheld
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.unheard import refuse_lease
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import AddressNumber, format_ip, network_of
from netwright.verify.values.facts import Address, Link, Origin
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
    machines: Mapping[str, Machine],
    configurations: Iterable[Configuration],
    wiring: Wiring,
    collected: Collected = NONE_COLLECTED,
) -> Assignment:
    """The difference between the topology's addresses and those of the files, or of machines that are collected; none
    if the wiring has no addresses."""
    assigned: dict[str, list[AssignedAddress]] = {}
    for address in wiring.addresses:
        assigned.setdefault(address.node, []).append(address)
    if not assigned:
        return Assignment()
    configurations = tuple(configurations)
    held = {(one.node, one.ip) for one in wiring.held}
    missing = {**dict(_never_leased(machines, configurations, wiring)), **dict(_unheld(machines, collected))}
    foreign: list[Mismatch] = []
    for configuration in configurations:
        machine, wanted = machines[configuration.node], assigned.get(configuration.node, ())
        if machine.faults:
            missing.update(_at_fault(machine, wanted))
        known = {(one.interface, one.ip, one.length) for one in wanted}
        is_live = machine.name in collected.records
        own = _described(machine, wiring, held) if is_live else _own_addresses(machine)
        there = {(name, one.ip, one.length): one for name, one in own}
        if known == there.keys():
            continue
        named = set()
        for one in wanted:
            if (one.interface, one.ip, one.length) not in there:
                mismatch, other = _find_mismatch(machine, configuration, one, known, is_live=is_live)
                named.add(id(other))
                missing.setdefault(one.ip, mismatch)
        foreign += (
            _foreign(machine, key[0], address, is_live=is_live)
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


def _unheld(machines: Mapping[str, Machine], collected: Collected) -> Iterator[tuple[int, Mismatch]]:
    """The mismatches of virtual addresses that no holder has."""
    for one in collected.unheld:
        cause = describe_unheld(collected.unheld, one.ip)
        machine, origin = machines[one.node], collected.records[one.node].origin("ip address")
        yield one.ip, Mismatch(machine=machine, ip=one.ip, kind=Fault.WRONG_ADDRESS, cause=cause, origin=origin)


def _described(machine: Machine, wiring: Wiring, held: Container[tuple[str, int]]) -> Iterator[tuple[str, Address]]:
    """The addresses that a machine has on interfaces of the topology, but for virtual ones."""
    known = {port.interface for segment in wiring.segments for port in segment.ports if port.node == machine.name}
    for interface, address in _own_addresses(machine):
        if interface in known and not (address.length == 32 and (machine.name, address.ip) in held):
            yield interface, address


def _own_addresses(machine: Machine) -> Iterator[tuple[str, Address]]:
    """The addresses that files give to interfaces."""
    for interface, addresses in machine.addresses.items():
        if interface not in ASSUMED:
            yield from ((interface, address) for address in addresses)


def _find_mismatch(
    machine: Machine,
    configuration: Configuration,
    wanted: AssignedAddress,
    known: set[tuple[str, AddressNumber, int]],
    *,
    is_live: bool,
) -> tuple[Mismatch, Address | None]:
    """The mismatch of a missing address, and what the files, or the machine, have in its place."""
    given = f"{format_ip(wanted.ip)}/{wanted.length}"
    found = _in_its_place(machine, () if is_live else configuration.links, wanted, known)
    if found is None and machine.unknown:
        reasons = [one for one in machine.unknown if one.text == wanted.interface] or machine.unknown
        cause, origin = reasons[0].cause, reasons[0].origin
        return Mismatch(machine=machine, ip=wanted.ip, kind=Outcome.UNKNOWN, cause=cause, origin=origin), None
    where, other = found if found is not None else ("", None)
    what, nothing = ("the machine", "it is nowhere there") if is_live else ("the file", "no file has it")
    said = f"{what} has {format_ip(other.ip)}/{other.length} on {where}" if other else nothing
    return Mismatch(
        machine=machine,
        ip=wanted.ip,
        kind=Fault.WRONG_ADDRESS,
        cause=f"{wanted.interface} has not got its address {given}: {said}",
        origin=other.origin if other is not None else None,
    ), other


def _in_its_place(
    machine: Machine, links: Iterable[Link], wanted: AssignedAddress, known: set[tuple[str, AddressNumber, int]]
) -> tuple[str, Address] | None:
    """Return where the files have the IP instead; else an address there, or anywhere, that the topology lacks."""
    named = [*_own_addresses(machine)]
    others = [(_describe(link.name, link.mac), address) for link in links for address in link.addresses]
    candidates: Sequence[tuple[str, Address]] = (
        *(one for one in (*named, *others) if one[1].ip == wanted.ip),
        *(one for one in named if one[0] == wanted.interface and (one[0], one[1].ip, one[1].length) not in known),
    )
    return candidates[0] if candidates else None


def _describe(name: str | None, mac: str | None) -> str:
    return name or (f"the card {mac}" if mac else "any card")


def _foreign(machine: Machine, interface: str, address: Address, *, is_live: bool) -> Mismatch:
    said = f"{format_ip(address.ip)}/{address.length} on {interface}"
    where = "machine" if is_live else "file"
    cause = f"the topology does not know {said}; add it there, or remove it from the {where}"
    return Mismatch(machine=machine, ip=address.ip, kind=Fault.UNKNOWN_ADDRESS, cause=cause, origin=address.origin)
