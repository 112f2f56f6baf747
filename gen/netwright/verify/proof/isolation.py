"""Check that isolated networks are closed: no packet is routed into one, and none out of it."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from netwright.verify.forwarding.conversation import first_packet, send_again, send_first
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network, describe_network, describe_place
from netwright.verify.network_model.trace import Cause, Crossing, End, Way
from netwright.verify.proof.cases import Case, CaseBook
from netwright.verify.proof.classes import AddressClass, Cuts
from netwright.verify.proof.findings import Example, Findings
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify.values.addresses import Prefix, merge
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.wiring import Traffic


class _Breach(Struct, frozen=True, kw_only=True):
    """The machine that lets a packet into a network or out of it, the line by which it does, and the packet's way."""

    machine: Machine
    origin: Origin | None
    way: Way


def check_isolation(network: Network, memory: Memory, cuts: Cuts, symmetry: Symmetry, findings: Findings) -> None:
    """Adds what goes between an isolated network and any other machine, pod or address of the internet.

    A machine on the network may send and answer there with any address of its own; what it passes on counts.
    """
    assume_forwarding = Memory()
    for name, prefix in network.wiring.isolated.items():
        inner, outer = _ends(network, cuts, prefix)
        outside = tuple(one for one in cuts.addresses(network.outside()) if one.place is not None)
        which = f"{name} ({prefix}), which is isolated,"

        def enter(case: Case, prefix: Prefix = prefix) -> _Breach | None:
            return _first(_entrance(prefix, case, *tried) for tried in _tries(network, memory, assume_forwarding, case))

        def leave(case: Case, prefix: Prefix = prefix) -> _Breach | None:
            return _first(_exit(prefix, *tried) for tried in _tries(network, memory, assume_forwarding, case))

        for case, violation in _breaches(cuts, symmetry, outer, inner, enter):
            _add(findings, Cause(f"lets packets into {which} from ", _where(network, case.source)), case, violation)
        for case, violation in _breaches(cuts, symmetry, inner, (*outer, *outside), leave):
            _add(
                findings, Cause(f"lets packets out of {which} to ", _where(network, case.destination)), case, violation
            )


_Ends = tuple[AddressClass, ...]
_TRIED = (Traffic(protocol="icmp"), Traffic(protocol="any"))


def _breaches(
    cuts: Cuts, symmetry: Symmetry, sources: _Ends, destinations: _Ends, judge: Callable[[Case], _Breach | None]
) -> Iterator[tuple[Case, _Breach]]:
    """Yield the cases that the judge finds a violation in, by every kind of traffic, a ping first. Where one of several
    that are alike has none, none has."""
    book = CaseBook(symmetry, sources, destinations, cuts.traffic(_TRIED), traffic_of=cuts.choice(_TRIED))
    for case in book.cases([batch for batch in book.batches() if judge(batch.example) is not None]):
        violation = judge(case)
        if violation is not None:
            yield case, violation


def _where(network: Network, one: AddressClass) -> str:
    return "pods" if one.place is not None and one.place.kind == "pod" else describe_network(network, one.first)


def _first(violations: Iterator[_Breach | None]) -> _Breach | None:
    return next((violation for violation in violations if violation is not None), None)


def _add(findings: Findings, cause: Cause, case: Case, found: _Breach) -> None:
    findings.add(
        Fault.NOT_ISOLATED,
        cause,
        found.machine.name,
        origin=found.origin,
        example=lambda: _example(case, found.way),
    )


def _ends(network: Network, cuts: Cuts, prefix: Prefix) -> tuple[tuple[AddressClass, ...], tuple[AddressClass, ...]]:
    """Return the addresses on the network, and those of all other machines and pods."""
    near = [(ip, ip) for ip in network.owners if ip in prefix]
    other = [(ip, ip) for ip in network.owners if ip not in prefix]
    pods = [one.network.range for one in network.pod_networks]
    missing = network.assignment.missing
    inner, outer = (
        tuple(one for one in cuts.addresses(merge(ranges)) if one.place is not None and one.first not in missing)
        for ranges in (near, [*other, *pods])
    )
    return inner, outer


def _tries(network: Network, memory: Memory, assume_forwarding: Memory, case: Case) -> Iterator[tuple[Way, End]]:
    """Yield how a first packet goes, and how it goes when it is sent again, by a redirect. Machines on which a program
    turns forwarding on forward; what such a program may refuse is not refused."""

    def run() -> list[tuple[Way, End]]:
        assume_forwarding.choices = memory.choices
        return [*_tries_one_way(network, memory, assume_forwarding, case)]

    for tried in memory.try_every(run):
        yield from tried


def _tries_one_way(
    network: Network, memory: Memory, assume_forwarding: Memory, case: Case
) -> Iterator[tuple[Way, End]]:
    """Yield the same by the next hops whose turn it is."""
    packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
    way = Way()
    yield (
        way,
        send_first(Walker(network, assume_forwarding, assume_forwarding=True, unwanted=True), packet, case.start, way),
    )
    again = send_again(network, memory, way)
    if again is not None:
        yield again[2], again[1]


def _entrance(prefix: Prefix, case: Case, way: Way, end: End) -> _Breach | None:
    """Return where a packet from elsewhere enters the network: a machine sends it on there, or takes it as its own."""
    start = case.start
    if start.kind == "machine" and _is_on(prefix, start.machine):
        return None
    for crossing in way.crossings:
        if _leaves_by(prefix, crossing):
            return _Breach(machine=crossing.sender, origin=crossing.hop.origin, way=way)
    if end.outcome is Outcome.ACCEPTED and way.crossings:
        return _Breach(machine=end.machine, origin=end.origin, way=way)
    return None


def _exit(prefix: Prefix, way: Way, end: End) -> _Breach | None:
    """Return where a packet that was sent on the network leaves it: a machine passes on what it received there."""
    first, *others = way.crossings or (None,)
    if first is None or first.receiver is None or not _leaves_by(prefix, first):
        return None
    further = next((crossing for crossing in others if not _leaves_by(prefix, crossing)), None)
    if further is not None:
        return _Breach(machine=further.sender, origin=further.hop.origin, way=way)
    is_outside = end.outcome is Outcome.ACCEPTED and end.place == "outside"
    return _Breach(machine=end.machine, origin=end.origin, way=way) if is_outside else None


def _is_on(prefix: Prefix, machine: Machine) -> bool:
    return any(address.ip in prefix for addresses in machine.addresses.values() for address in addresses)


def _leaves_by(prefix: Prefix, crossing: Crossing) -> bool:
    """Return whether the packet goes by an interface on the network."""
    addresses = crossing.sender.addresses.get(crossing.hop.interface or "", ())
    return any(address.ip in prefix for address in addresses)


def _example(case: Case, way: Way) -> Example:
    return Example(
        flow="",
        source=str(case.source),
        sender=describe_place(case.source.place),
        destination=str(case.destination),
        receiver=describe_place(case.destination.place),
        traffic=str(case.traffic),
        there=way.decisions(),
        back=(),
    )
