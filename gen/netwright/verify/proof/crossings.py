"""Packets between any two places, whatever the flows are: loops, black holes, leaks, halves."""

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct, field

from netwright.text.counting import list_first
from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import Result, converse_every, first_packet, name_cause
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.network import Network, describe_network
from netwright.verify.proof.cases import Case, CaseBook
from netwright.verify.proof.classes import Cuts, TrafficClass
from netwright.verify.proof.exposure import Exposure
from netwright.verify.proof.findings import Findings
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify.values.addresses import merge
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.wiring import Traffic

MOST_PAIRS = 10_000
"""Most pairs of dissimilar places that are tried: all pairs of 100 places, each of 10,000 with one other."""
_ENDS_HERE = (Outcome.NO_ROUTE, Outcome.ARP_UNANSWERED, Outcome.FORWARDING_OFF)
"""Ends of packets at a machine that their sender takes for a router. What a route rejects is meant to end."""


_SHOWN = 3


class _Targets(Struct):
    """Networks with packets for which a machine is at fault, and `more` networks that are meant, but were not tried."""

    targets: dict[str, None] = field(default_factory=dict)
    more: set[str] = field(default_factory=set)
    origin: Origin | None = None

    def __str__(self) -> str:
        return list_first([*self.targets, *sorted(self.more - {*self.targets})], min(len(self.targets), _SHOWN))


_Met = tuple[Fault, str, str, Outcome, str]
"""A kind of fault, the machine, its cause, and the verdict with its cause of which a flow's finding would speak."""

Crossings = dict[_Met, _Targets]
"""Faults found in one form of the network, or in several: who holds a virtual address."""


def note_crossings(
    network: Network, memory: Memory, cuts: Cuts, symmetry: Symmetry, exposure: Exposure, *, faults: Crossings
) -> bool:
    """Note what is found between every two machines or pods, by ping and by TCP; one pair stands for all like it.

    Returns whether there are so many pairs that not all were tried.

    Only faults on a packet's way count: a sender without a route has no flow that needs one, or that flow fails
    already.
    """
    ranges = merge([(ip, ip) for ip in network.owners] + [pods.network.range for pods in network.judged_pods])
    missing = network.assignment.missing
    ends = tuple(one for one in cuts.addresses(ranges) if one.place is not None and one.first not in missing)
    book = CaseBook(symmetry, ends, ends, _traffic(cuts))
    for batch in book.batches(MOST_PAIRS):
        case = batch.example
        packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
        for result in converse_every(network, memory, packet, case.start, nat_allowed=True):
            kind = _judge(network, case, result)
            if kind is None or (kind == Fault.POD_LEAK and _is_unasked(network, exposure, case, result)):
                continue
            end = result.end
            met = kind, end.machine.name, end.cause, result.outcome, str(name_cause(network, result))
            fault = faults.setdefault(met, _Targets())
            fault.targets[describe_network(network, end.packet.destination)] = None
            if batch.count > 1:
                fault.more.update(_pods_alike(network, symmetry, end.packet.destination))
            fault.origin = fault.origin or end.origin
    return book.is_sampled(MOST_PAIRS)


def _is_unasked(network: Network, exposure: Exposure, case: Case, result: Result) -> bool:
    """Return whether no machine sends such a packet: its sender is outside of a cluster that hides pods' addresses."""
    sender = result.receiver if result.back else case.start.machine.name
    way = result.reply if result.back else result.there
    in_cluster = any(pods.node == sender for pods in network.pod_networks)
    return way is not None and not in_cluster and exposure.spares(way, result.end.machine)


def _pods_alike(network: Network, symmetry: Symmetry, ip: int) -> Iterator[str]:
    """Yield the pod networks of machines equivalent to the pod's; of their own addresses one stands for all,
    since they are mostly on one network."""
    pods = network.pod_network(ip)
    if pods is not None:
        number = symmetry.classes[pods.node]
        yield from (str(one.network) for one in network.pod_networks if symmetry.classes[one.node] == number)


def add_crossings(faults: Crossings, findings: Findings) -> None:
    """Add what was noted. What makes a flow fail is not repeated."""
    together: dict[tuple[Fault, str, str], _Targets] = defaultdict(_Targets)
    for (kind, node, cause, verdict, blamed), fault in faults.items():
        if findings.blames(verdict, blamed, node):
            continue
        whole = together[kind, node, cause]
        whole.targets |= fault.targets
        whole.more |= fault.more
        whole.origin = whole.origin or fault.origin
    for (kind, node, cause), fault in together.items():
        said = _SAID[kind].format(targets=fault, cause=cause)
        findings.add(kind, said, node, severity=Severity.WARNING, origin=fault.origin)


_SAID = {
    Fault.ROUTING_LOOP: "packets for {targets} go round in circles",
    Fault.POD_LEAK: "packets for pods ({targets}) leave for the internet; route them to their nodes, or blackhole pods",
    Fault.BLACK_HOLE: "others send it packets for {targets}, which end here: {cause}",
    Fault.HALF_SEEN: "connections with {targets} pass it one way only: {cause}",
}


def _traffic(cuts: Cuts) -> tuple[TrafficClass, ...]:
    """Ping, and the class of the most TCP ports: those that rules do not speak of."""
    ports = cuts.traffic((Traffic(protocol="tcp"),))
    return *cuts.traffic((Traffic(protocol="icmp"),)), max(ports, key=_count)


def _count(traffic: TrafficClass) -> int:
    return sum(last - first + 1 for first, last in traffic.ports)


def _judge(network: Network, case: Case, result: Result) -> Fault | None:
    """The name of the fault, None if there is none."""
    end = result.end
    if result.outcome is Outcome.ACCEPTED:
        return None
    sender = result.receiver if result.back else case.start.machine.name
    if end.outcome is Outcome.LOOP:
        return Fault.ROUTING_LOOP
    if end.leaves and network.pod_network(end.packet.destination) is not None:
        return Fault.POD_LEAK
    if end.outcome in _ENDS_HERE and end.machine.name != sender:
        return Fault.BLACK_HOLE
    return Fault.HALF_SEEN if end.outcome is Outcome.CT_INVALID else None
