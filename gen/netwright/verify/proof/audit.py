"""Faults that do not depend on any flow: refused routes, dead next hops, loops, leaks, shadowed rules."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import first_packet
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.rpf_and_arp import responders
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.assumed import ASSUMED
from netwright.verify.network_model.fib import LOOPBACK
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import Cause, End, Way
from netwright.verify.proof.classes import Cuts
from netwright.verify.proof.exposure import Exposure
from netwright.verify.proof.findings import Findings
from netwright.verify.proof.shadows import check_shadows
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify.values.addresses import AddressNumber, Range, Ranges, complement, format_ip, format_range, merge
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.packets import ICMP, Packet


def audit(
    network: Network, memory: Memory, cuts: Cuts, symmetry: Symmetry, exposure: Exposure, *, findings: Findings
) -> None:
    """Add what is found. What is right at one machine is right at all of its class."""
    shadows: dict[tuple[str, ...], bool] = {}
    sound: set[int] = set()
    for machine in network.machines.values():
        for refusal in machine.refusals:
            cause = f"route {refusal.route.to}: {refusal.reason}"
            findings.add(Fault.REFUSED_ROUTE, cause, machine.name, origin=refusal.route.origin)
        for unknown in machine.unknown:
            severity = Severity.WARNING if unknown.intended else Severity.ERROR
            findings.add(Outcome.UNKNOWN, unknown.cause, machine.name, severity=severity, origin=unknown.origin)
        for fault in machine.faults.values():
            findings.add(fault.outcome, fault.cause, machine.name, origin=fault.origin)
        for gap in machine.gaps:
            findings.add(Fault.MISSING_MEMBER, gap.reason, machine.name, severity=Severity.WARNING, origin=gap.origin)
        for idle in network.unloaded.get(machine.name, ()):
            findings.add(Fault.UNLOADED_RULES, idle.reason, machine.name, severity=Severity.WARNING, origin=idle.origin)
        if symmetry.classes[machine.name] in sound:
            continue
        faulty = _check_next_hops(network, machine, findings)
        texts = tuple(rule.text for rule in machine.firewall.rules)
        if texts not in shadows:
            # What a record shows are rules of all programs, who know why they have them.
            shadows[texts] = machine.name not in network.collected and check_shadows(machine, findings)
        if not (faulty or shadows[texts]):
            sound.add(symmetry.classes[machine.name])
    _check_trust(network, findings)
    for mismatch in (*network.assignment.missing.values(), *network.assignment.foreign):
        findings.add(mismatch.kind, mismatch.cause, mismatch.machine.name, origin=mismatch.origin)
    _check_duplicates(network, findings)
    _check_pod_range(network, memory, cuts, symmetry, exposure, findings=findings)


def _check_next_hops(network: Network, machine: Machine, findings: Findings) -> bool:
    """Check for gateways that no machine on their segment answers for."""
    found = False
    asked: set[tuple[str, int]] = set()
    for table in machine.fib.tables.values():
        for hop in (way for one in table.hops if one is not None for way in one.every):
            if hop.gateway is None or hop.interface is None or (hop.interface, hop.gateway) in asked:
                continue
            asked.add((hop.interface, hop.gateway))
            if machine.leads_out(hop):
                continue  # the provider's router, which is taken for granted
            segment = network.segments.get((machine.name, hop.interface))
            sender = machine.address_for(hop.interface, hop.gateway) or 0
            if segment is None or segment.unread or responders(segment, machine, hop.interface, hop.gateway, sender):
                continue
            cause = Cause(f"no machine on segment {segment.name} answers ARP for the next hop ", format_ip(hop.gateway))
            findings.add(Fault.DEAD_NEXT_HOP, cause, machine.name, severity=Severity.WARNING, origin=hop.origin)
            found = True
    return found


def _check_trust(network: Network, findings: Findings) -> None:
    """Files that are vouched for, and that are not delivered and not run."""
    for node, files in network.wiring.trusted.items():
        for file in sorted(files.difference(network.vouched.get(node, ()))):
            cause = f"trust: no file {file} is delivered, and nothing runs it; leave it out, or correct its path"
            findings.add(Fault.IDLE_TRUST, cause, node, severity=Severity.WARNING)


def _check_duplicates(network: Network, findings: Findings) -> None:
    """Addresses that two machines on one segment have."""
    segments = {id(segment): segment for segment in network.segments.values()}
    shared = _shared_addresses(network)
    for number, segment in segments.items():
        for ip in shared.get(number, ()):
            owners = segment.owners(ip)
            names = {machine.name for machine, _ in owners}
            if len(names) > 1:
                for machine, _ in owners:
                    hop = machine.fib.local[ip]
                    if hop.interface in ASSUMED or not network.describes(machine, hop.interface):
                        continue
                    cause = f"{format_ip(ip)} is an address of {' and '.join(sorted(names))} on segment {segment.name}"
                    findings.add(Fault.DUPLICATE_ADDRESS, cause, machine.name, origin=hop.origin)


def _shared_addresses(network: Network) -> dict[int, dict[int, None]]:
    """Return the addresses that several machines have, by the identity of each segment that one of them is on."""
    holders: Mapping[int, Sequence[Machine]] = next((one.holders for one in network.segments.values()), {})
    repeated = {ip: machines for ip, machines in holders.items() if len(machines) > 1}
    wanted = {machine.name for machines in repeated.values() for machine in machines}
    segments: dict[str, dict[int, None]] = defaultdict(dict)
    for (node, _), segment in network.segments.items():
        if node in wanted:
            segments[node][id(segment)] = None
    found: dict[int, dict[int, None]] = defaultdict(dict)
    for ip, machines in repeated.items():
        met: set[int] = set()
        for machine in machines:
            for number in segments.get(machine.name, ()):
                if number in met:
                    found[number][ip] = None
                met.add(number)
    return found


def _check_pod_range(
    network: Network, memory: Memory, cuts: Cuts, symmetry: Symmetry, exposure: Exposure, *, findings: Findings
) -> None:
    """Pod addresses that no node owns, and what becomes of packets to them: refused, in circles, or on the internet."""
    pods = network.wiring.pods
    if pods is None or not network.judged_pods:
        return
    met: dict[tuple[Fault, str], list[Range]] = defaultdict(list)
    for one in cuts.addresses(_unowned(network, pods.range)):
        for sender, source in _distinct_senders(network, symmetry, one.first):
            packet = first_packet(ICMP, source, one.first, 0)
            for way, end in memory.try_every(lambda: _send(network, memory, packet, sender)):  # noqa: B023
                if end.outcome is Outcome.LOOP:
                    met[Fault.POD_LOOP, end.machine.name] += one.ranges
                elif end.leaves and not exposure.spares(way, end.machine):
                    met[Fault.POD_LEAK, end.machine.name] += one.ranges
    for (kind, node), ranges in met.items():
        shown = ", ".join(format_range(first, last) for first, last in merge(ranges))
        cause = f"packets for pod addresses that no node owns ({shown}) {_FATES[kind]}"
        findings.add(kind, cause, node, severity=Severity.WARNING)


def _send(network: Network, memory: Memory, packet: Packet, sender: Machine) -> tuple[Way, End]:
    way = Way()
    return way, Walker(network, memory).send(packet, "machine", sender, way)


def _distinct_senders(network: Network, symmetry: Symmetry, target: int) -> Iterator[tuple[Machine, AddressNumber]]:
    """Machines that send packets for the target, which no node owns, to different next hops, each with an own address.

    Equivalent machines send to the same next hop, unless there is one at each machine.
    """
    met: set[tuple[str, tuple[int | None, ...], bool]] = set()
    settled: set[int] = set()
    for machine in network.machines.values():
        if symmetry.classes[machine.name] in settled:
            continue
        source = next((a.ip for addresses in machine.addresses.values() for a in addresses), None)
        hop = machine.fib.find(target, source, LOOPBACK) if source is not None else None
        if source is None or hop is None or hop.kind != "unicast" or hop.every[0].interface is None:
            continue
        segment = network.segments.get((machine.name, hop.every[0].interface))
        by_default = hop.prefix.length == 0
        gateways = tuple(way.gateway for way in hop.every)
        way_out = (segment.name if segment else f"{machine.name} {hop.every[0].interface}", gateways, by_default)
        if segment is not None:
            settled.add(symmetry.classes[machine.name])
        if way_out not in met:
            met.add(way_out)
            yield machine, source


_FATES = {
    Fault.POD_LOOP: "go round in circles",
    Fault.POD_LEAK: "leave for the internet; a blackhole route for pods there keeps them",
}


def _unowned(network: Network, whole: Range) -> Ranges:
    owned = merge(pod.network.range for pod in network.pod_networks)
    return complement(merge((*owned, *complement((whole,)))))
