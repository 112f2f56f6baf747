"""What becomes of packets between any two places, whatever the flows are: loops, black holes, leaks, halves."""

from gen.report import Severity
from gen.verify.addresses import merge
from gen.verify.cases import Case, CaseBook
from gen.verify.classes import Cuts, TrafficClass
from gen.verify.conversation import Result, converse, first_packet
from gen.verify.findings import Findings
from gen.verify.network import Network, describe_network
from gen.verify.trace import LEAVES, Outcome
from gen.verify.twins import Twins
from gen.verify.walk import Memory, Walker
from gen.verify.wiring import Traffic

_ENDS_HERE = (Outcome.NO_ROUTE, Outcome.ARP_UNANSWERED, Outcome.FORWARDING_OFF)
"""How packets end where somebody sent them who thought that it leads on. What a route rejects is meant to end."""


def check_crossings(network: Network, memory: Memory, cuts: Cuts, twins: Twins, findings: Findings) -> None:
    """Adds what is found between every two machines or pods, by ping and by TCP; of twins, one pair stands for all.

    Only what befalls a packet on its way counts: a sender without a route has no flow that needs one, or that flow says
    so. What a flow is refuted by is not said again.
    """
    ranges = merge([(ip, ip) for ip in network.owners] + [pods.network.range for pods in network.pod_networks])
    ends = tuple(one for one in cuts.addresses(ranges) if one.place is not None)
    for batch in CaseBook(twins, ends, ends, _traffic(cuts)).batches():
        case = batch.example
        packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
        result = converse(Walker(network, memory), packet, case.start, nat_allowed=True)
        if result.outcome is not Outcome.ACCEPTED and not findings.blames(result.outcome, result.end.machine.name):
            _judge(network, case, result, findings)


def _traffic(cuts: Cuts) -> tuple[TrafficClass, ...]:
    """Ping, and the class of the most TCP ports: those that rules do not speak of."""
    ports = cuts.traffic((Traffic(protocol="tcp"),))
    return *cuts.traffic((Traffic(protocol="icmp"),)), max(ports, key=_count)


def _count(traffic: TrafficClass) -> int:
    return sum(last - first + 1 for first, last in traffic.ports)


def _judge(network: Network, case: Case, result: Result, findings: Findings) -> None:
    end = result.end
    target = describe_network(network, end.packet.destination)
    sender = result.receiver if result.back else case.start.machine.name
    kind = None
    if end.outcome is Outcome.LOOP:
        kind, cause = "ROUTING_LOOP", f"packets for {target} go round in circles"
    elif end.cause == LEAVES and network.pod_network(end.packet.destination) is not None:
        kind, cause = "POD_LEAK", f"packets for the pod network {target} leave for the internet"
    elif end.outcome in _ENDS_HERE and end.machine.name != sender:
        kind, cause = "BLACK_HOLE", f"others send it packets for {target}, which end here: {end.cause}"
    elif end.outcome is Outcome.CT_INVALID:
        kind, cause = "HALF_SEEN", f"connections with {target} pass it one way only: {end.cause}"
    if kind is not None:
        findings.add(kind, cause, end.machine.name, severity=Severity.WARNING, origin=end.origin)
