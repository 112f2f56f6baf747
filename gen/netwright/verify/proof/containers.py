"""Containers on Docker's bridge: they send as their machine does, and answer at published ports whoever gets there."""

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import first_packet, send_first
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.network import Network, Place, describe_network
from netwright.verify.network_model.programs import CONTAINER_IP
from netwright.verify.network_model.trace import Cause, Way
from netwright.verify.proof.case_faults import beyond_the_files
from netwright.verify.proof.cases import Case, CaseBook
from netwright.verify.proof.classes import AddressClass, Cuts
from netwright.verify.proof.findings import Findings
from netwright.verify.proof.partition import ALL_PORTS
from netwright.verify.proof.symmetry import Symmetry
from netwright.verify.values.addresses import Ranges, complement, merge
from netwright.verify.values.outcome import Fault
from netwright.verify.values.wiring import Flow, PublishedPorts, Traffic

Judge = Callable[[Network, Memory, Flow, Case, Findings], bool]


def judging_containers(judge: Judge) -> Judge:
    """Return what judges a case for the machine that sends, and for its containers."""

    def fails(network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings) -> bool:
        failed = [judge(network, memory, flow, one, findings) for one in _senders(network, case)]
        return any(failed)

    return fails


def _senders(network: Network, case: Case) -> Iterator[Case]:
    """Yield the case, and the same for a container of the sender. What is left of its address where it arrives, a
    receiver sees."""
    yield case
    machine = case.start.machine
    if case.start.kind == "machine" and machine.name in network.wiring.containers:
        place = Place(kind="container", machine=machine)
        inner = AddressClass(ranges=((CONTAINER_IP, CONTAINER_IP),), place=place)
        yield replace(case, source=inner, start=place)


def check_published(
    network: Network, memory: Memory, cuts: Cuts, symmetry: Symmetry, flows: Sequence[Flow], *, findings: Findings
) -> None:
    """Add the ports that Docker publishes, that no flow mentions, and that packets from elsewhere reach."""
    if not network.wiring.containers:
        return
    senders = merge((ip, ip) for ip in network.owners)
    sources = tuple(one for one in cuts.addresses((*senders, *_outside(network))) if one.place is not None)
    for node, published in network.wiring.containers.items():
        own = merge((ip, ip) for ip, machine in network.owners.items() if machine.name == node)
        silent = tuple(traffic for one in published for traffic in _unmentioned(one, own, flows))
        book = CaseBook(symmetry, sources, cuts.addresses(own), cuts.traffic(silent))
        for case in (batch.example for batch in book.batches()) if silent else ():
            if case.start.machine.name != node and _arrives(network, memory, case):
                _add(network, node, case, findings)


def _outside(network: Network) -> Ranges:
    return network.outside() if network.wiring.exits else ()


def _unmentioned(published: PublishedPorts, own: Ranges, flows: Sequence[Flow]) -> Iterator[Traffic]:
    """Yield the published ports that no flow to one of the node's own addresses mentions."""
    mentioned = merge(
        one.ports or ALL_PORTS
        for flow in flows
        if any(first <= end and start <= last for first, last in flow.destinations for start, end in own)
        for one in flow.traffic
        if one.protocol in ("any", published.protocol)
    )
    for first, last in complement(mentioned, ALL_PORTS[1]):
        ports = max(first, published.ports[0]), min(last, published.ports[1])
        if ports[0] <= ports[1]:
            yield Traffic(protocol=published.protocol, ports=ports)


def _arrives(network: Network, memory: Memory, case: Case) -> bool:
    """Return whether a packet may arrive, by what files decide; Docker itself turns forwarding on."""
    if beyond_the_files(network, case) is not None:
        return False
    packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
    walker = Walker(network, Memory(memory.choices), assume_forwarding=True, unwanted=True)
    return not send_first(walker, packet, case.start, Way()).outcome.keeps_out


def _add(network: Network, node: str, case: Case, findings: Findings) -> None:
    where = Cause(
        f"Docker publishes {case.traffic}, which no flow mentions; it is reached from ",
        describe_network(network, case.source.first),
    )
    findings.add(Fault.PUBLISHED_PORT, where, node, severity=Severity.WARNING)
