"""What becomes of packets between any two places, whatever the flows are: loops, black holes, leaks, halves."""

from collections import defaultdict
from dataclasses import dataclass, field

from gen.report import Severity
from gen.verify.addresses import merge
from gen.verify.cases import Case, CaseBook
from gen.verify.classes import Cuts, TrafficClass
from gen.verify.conversation import Result, converse, first_packet, name_cause
from gen.verify.facts import Origin
from gen.verify.findings import Findings
from gen.verify.network import Network, describe_network
from gen.verify.trace import LEAVES, Outcome
from gen.verify.twins import Twins
from gen.verify.walk import Memory, Walker
from gen.verify.wiring import Traffic

_ENDS_HERE = (Outcome.NO_ROUTE, Outcome.ARP_UNANSWERED, Outcome.FORWARDING_OFF)
"""How packets end where somebody sent them who thought that it leads on. What a route rejects is meant to end."""


_SHOWN = 3


@dataclass(slots=True)
class _Fault:
    """What one machine does to packets for some networks, and whether more networks than these are meant."""

    targets: dict[str, None] = field(default_factory=dict)
    more: bool = False
    origin: Origin | None = None

    def __str__(self) -> str:
        shown = [*self.targets][:_SHOWN]
        return ", ".join(shown) + (" and others like them" if self.more or len(self.targets) > _SHOWN else "")


def check_crossings(network: Network, memory: Memory, cuts: Cuts, twins: Twins, findings: Findings) -> None:
    """Adds what is found between every two machines or pods, by ping and by TCP; of twins, one pair stands for all.

    Only what befalls a packet on its way counts: a sender without a route has no flow that needs one, or that flow says
    so. What a flow is refuted by is not said again.
    """
    ranges = merge([(ip, ip) for ip in network.owners] + [pods.network.range for pods in network.pod_networks])
    missing = network.assignment.missing
    ends = tuple(one for one in cuts.addresses(ranges) if one.place is not None and one.first not in missing)
    faults: dict[tuple[str, str, str], _Fault] = defaultdict(_Fault)
    for batch in CaseBook(twins, ends, ends, _traffic(cuts)).batches():
        case = batch.example
        packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
        result = converse(Walker(network, memory), packet, case.start, nat_allowed=True)
        kind = _judge(network, case, result)
        if kind is None or findings.blames(result.outcome, name_cause(network, result), result.end.machine.name):
            continue
        fault = faults[kind, result.end.machine.name, result.end.cause]
        target = result.end.packet.destination
        fault.targets[describe_network(network, target)] = None
        # Of twins' addresses one stands for all: they are mostly on one network, but each has pods of its own.
        fault.more = fault.more or (batch.count > 1 and network.pod_network(target) is not None)
        fault.origin = fault.origin or result.end.origin
    for (kind, node, cause), fault in faults.items():
        said = _SAID[kind].format(targets=fault, cause=cause)
        findings.add(kind, said, node, severity=Severity.WARNING, origin=fault.origin)


_SAID = {
    "ROUTING_LOOP": "packets for {targets} go round in circles",
    "POD_LEAK": "packets for pods ({targets}) leave for the internet; route them to their nodes, or blackhole pods",
    "BLACK_HOLE": "others send it packets for {targets}, which end here: {cause}",
    "HALF_SEEN": "connections with {targets} pass it one way only: {cause}",
}


def _traffic(cuts: Cuts) -> tuple[TrafficClass, ...]:
    """Ping, and the class of the most TCP ports: those that rules do not speak of."""
    ports = cuts.traffic((Traffic(protocol="tcp"),))
    return *cuts.traffic((Traffic(protocol="icmp"),)), max(ports, key=_count)


def _count(traffic: TrafficClass) -> int:
    return sum(last - first + 1 for first, last in traffic.ports)


def _judge(network: Network, case: Case, result: Result) -> str | None:
    """The name of the fault, None if there is none."""
    end = result.end
    if result.outcome is Outcome.ACCEPTED:
        return None
    sender = result.receiver if result.back else case.start.machine.name
    if end.outcome is Outcome.LOOP:
        return "ROUTING_LOOP"
    if end.cause == LEAVES and network.pod_network(end.packet.destination) is not None:
        return "POD_LEAK"
    if end.outcome in _ENDS_HERE and end.machine.name != sender:
        return "BLACK_HOLE"
    return "HALF_SEEN" if end.outcome is Outcome.CT_INVALID else None
