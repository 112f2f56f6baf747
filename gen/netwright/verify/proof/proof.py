"""Every flow, each direction, every class of addresses: proved, or failed with an example."""

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import Result, first_packet, name_cause, recall, send_again, send_first
from netwright.verify.forwarding.endings import unread_cause
from netwright.verify.forwarding.large_packets import find_loss, sizes_are_alike
from netwright.verify.forwarding.walk import Memory, Walker
from netwright.verify.network_model.network import Network, build_network, describe_place, read_configurations
from netwright.verify.network_model.trace import Cause, Decision, End, Offer, Way
from netwright.verify.proof.answers import Answers, send_as_answer
from netwright.verify.proof.audit import audit
from netwright.verify.proof.cases import Case, CaseBook, TrafficOf
from netwright.verify.proof.classes import Cuts, judged
from netwright.verify.proof.crossings import Crossings, add_crossings, note_crossings
from netwright.verify.proof.exposure import Exposure
from netwright.verify.proof.findings import Example, Finding, Findings, combine
from netwright.verify.proof.heartbeat import announcement, check_heartbeats
from netwright.verify.proof.isolation import check_isolation
from netwright.verify.proof.on_the_way import Nearness
from netwright.verify.proof.statement import state_assumptions
from netwright.verify.proof.symmetry import Symmetry, find_symmetry
from netwright.verify.proof.vrrp import check_instances
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import is_public
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Unknown
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.packets import ICMP, PROTOCOLS, TCP, Packet
from netwright.verify.values.wiring import Assumptions, Flow, HeldAddress, Wiring

_REDIRECT = "sends redirects: the packet leaves by the interface by which it came; a host that obeys changes its path"


VRRP = PROTOCOLS["vrrp"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowResult:
    """One flow: how many pairs of classes were judged, for how many pairs of addresses they stand, and how many fail.

    `unjudged` counts the addresses of its ends that are unassigned.
    """

    flow: Flow
    classes: int
    pairs: int
    failed: int
    unjudged: int

    @property
    def proved(self) -> bool:
        """Return whether all of it holds. A flow with nothing to judge proves nothing."""
        return self.classes > 0 and self.failed == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The result of `verify`."""

    flows: tuple[FlowResult, ...]
    findings: tuple[Finding, ...]
    unknown: tuple[Unknown, ...]
    assumptions: tuple[str, ...]

    @property
    def proved(self) -> bool:
        """Return whether every flow holds, and nothing else is wrong."""
        return self.all_flows_hold and all(finding.severity is Severity.WARNING for finding in self.findings)

    @property
    def all_flows_hold(self) -> bool:
        """Return whether every flow holds, whatever else is wrong."""
        return all(result.proved for result in self.flows)


def verify(out: Path, wiring: Wiring, flows: Sequence[Flow], assumptions: Assumptions | None = None) -> Verification:
    """Prove the flows from the files below `out`."""
    taken = assumptions if assumptions is not None else Assumptions()
    with uncollected():
        return verify_networks(build_networks(read_configurations(out, wiring), wiring, taken), flows)


@contextmanager
def uncollected() -> Iterator[None]:
    """A while without a search for reference cycles: nothing here makes any, and the search takes half of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def build_networks(
    configurations: Sequence[Configuration], wiring: Wiring, assumptions: Assumptions
) -> tuple[Network, ...]:
    """The network of machines that are already read, in every form that it may take: on which boot the machines are,
    and who holds a virtual address."""
    networks: list[Network] = []
    for boot, configured in _boots(configurations):
        pairs = zip(configured, configurations, strict=True)
        changed = {one.node for one, usual in pairs if one is not usual}
        for held in _holdings(wiring.held):
            like, turn = networks[0] if networks else None, replace(wiring, held=held)
            networks.append(build_network(configured, turn, assumptions, like, changed=changed, boot=boot))
    return tuple(networks)


def _boots(configurations: Sequence[Configuration]) -> Iterator[tuple[Boot, Sequence[Configuration]]]:
    """The configurations on each boot that differs from others; last, where commands run on every boot, before them."""
    has_first = any(one.first is not None for one in configurations)
    yield Boot.LATER if has_first else Boot.EVERY, configurations
    if has_first:
        yield Boot.FIRST, [one.on(Boot.FIRST) for one in configurations]
    if any(one.idle is not None for one in configurations):
        yield Boot.BEFORE, [one.on(Boot.BEFORE) for one in configurations]


def verify_network(network: Network, flows: Sequence[Flow]) -> Verification:
    """Prove the flows in a network that is already read."""
    return verify_networks((network,), flows)


def verify_networks(
    networks: Sequence[Network],
    flows: Sequence[Flow],
    progress: Callable[[int], None] = lambda _flows: None,
    *,
    classify: Callable[[Network], Symmetry] = find_symmetry,
) -> Verification:
    """Return what holds in every one of some networks, the forms that one may take.

    `progress` is told of every flow that was judged in one of them; `classify` finds the equivalent machines.
    """
    answers = Answers(flows)
    found: dict[Boot, tuple[Findings, Crossings]] = {}
    hidden: dict[str, None] = {}
    sampled = False
    rounds: list[list[FlowResult]] = []
    for network in networks:
        findings, crossings = found.setdefault(network.boot, (Findings(), Crossings()))
        memory, cuts, symmetry = Memory(), Cuts(network), classify(network)
        rounds.append([])
        for result in _judge_flows(network, memory, cuts, symmetry, answers=answers, flows=flows, findings=findings):
            rounds[-1].append(result)
            progress(1)
        findings.turn()
        if network.boot == Boot.BEFORE:
            continue
        exposure = Exposure(network, memory, cuts, symmetry)
        audit(network, memory, cuts, symmetry, exposure, findings=findings)
        check_isolation(network, memory, cuts, symmetry, findings)
        sampled |= note_crossings(network, memory, cuts, symmetry, exposure, faults=crossings)
        findings.turn()
        hidden |= exposure.spared
    for findings, crossings in found.values():
        add_crossings(crossings, findings)
    held = [address for network in networks for address in network.wiring.held]
    for boot, (findings, _) in found.items():
        if boot != Boot.BEFORE:
            network = next(one for one in networks if one.boot == boot)
            check_heartbeats(network, Memory(), held, findings)
            check_instances(network, held, findings)
    grouped = combine({boot: findings for boot, (findings, _) in found.items()}).grouped()
    leaking = {node for one in grouped if one.kind == Fault.POD_LEAK for node in one.nodes}
    return Verification(
        flows=tuple(max(results, key=lambda result: result.failed) for results in zip(*rounds, strict=True)),
        findings=grouped,
        unknown=tuple(
            dict.fromkeys(line for one in networks for machine in one.machines.values() for line in machine.unknown)
        ),
        assumptions=state_assumptions(networks[0], [name for name in hidden if name not in leaking], sampled=sampled),
    )


def _judge_flows(
    network: Network,
    memory: Memory,
    cuts: Cuts,
    symmetry: Symmetry,
    *,
    answers: Answers,
    flows: Sequence[Flow],
    findings: Findings,
) -> Iterator[FlowResult]:
    """The result of each flow. Before commands have run, nothing needs to arrive yet."""
    nearness = Nearness(network)
    for flow in flows:
        if network.boot == Boot.BEFORE and flow.must_arrive:
            yield FlowResult(flow=flow, classes=0, pairs=0, failed=0, unjudged=0)
        else:
            yield _judge_flow(network, memory, cuts, symmetry, nearness, answers=answers, flow=flow, findings=findings)


def _holdings(held: Sequence[HeldAddress]) -> Iterator[tuple[HeldAddress, ...]]:
    """The holders of virtual addresses: one holder each at a time, and everyone's turn comes."""
    holders: dict[int, list[HeldAddress]] = defaultdict(list)
    for address in held:
        holders[address.ip].append(address)
    for turn in range(max(map(len, holders.values()), default=1)):
        yield tuple(several[turn % len(several)] for several in holders.values())


def _judge_flow(
    network: Network,
    memory: Memory,
    cuts: Cuts,
    symmetry: Symmetry,
    nearness: Nearness,
    *,
    answers: Answers,
    flow: Flow,
    findings: Findings,
) -> FlowResult:
    origins = flow.sources + (network.outside() if flow.from_internet else ())
    targets = flow.destinations + (network.outside() if flow.to_internet else ())
    all_sources, all_destinations = cuts.addresses(origins), cuts.addresses(targets)
    sources = tuple(one for one in all_sources if one.place is not None)
    destinations = judged(all_destinations, targets)
    counted = sum(one.size for one in (*sources, *destinations))
    unjudged = sum(one.size for one in (*all_sources, *all_destinations)) - counted
    judge = _must_arrive if flow.must_arrive else partial(_must_not_arrive, answers=answers)
    alike = flow.must_arrive or not answers.concern(flow)  # machines that are alike may not be in another flow's ends
    traffic = cuts.traffic(flow.traffic)
    matters = _traffic_of(flow, cuts, len(traffic))
    book = CaseBook(symmetry, sources, destinations, traffic, nearness.asked(flow), traffic_of=matters)
    classes = pairs = failed = 0
    doubtful = []
    for batch in book.batches():
        classes += batch.count
        pairs += batch.pairs
        found = Findings()
        judge(network, memory, flow, batch.example, found)
        if found or not alike:
            doubtful.append(batch)
    for case in book.cases(doubtful):
        failed += case.pairs if judge(network, memory, flow, case, findings) else 0
    return FlowResult(flow=flow, classes=classes, pairs=pairs, failed=failed, unjudged=unjudged)


def _traffic_of(flow: Flow, cuts: Cuts, count: int) -> TrafficOf | None:
    """Return the classes of traffic that matter for a pair of addresses, None if too few to ask."""
    if count <= _FEW_CLASSES:
        return None
    return lambda source, destination: cuts.traffic_between(source.first, destination.first, flow.traffic)


_FEW_CLASSES = 100
"""Most classes of traffic that are tried with every pair: that takes no longer than to ask which of them matter."""


def _must_arrive(network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether the case fails."""
    if _misses_address(network, flow, case, findings):
        return True
    beyond = beyond_the_files(network, case)
    if beyond is not None:
        findings.add(Outcome.UNKNOWN, beyond, case.start.machine.name, flow=flow.name, pairs=case.pairs)
        return True
    packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
    result = recall(network, memory, packet, case.start, nat_allowed=flow.nat_allowed)
    for way in (result.there, result.reply):
        for node in way.redirects if way is not None else ():
            findings.add(Fault.REDIRECT, _REDIRECT, node, severity=Severity.WARNING, flow=flow.name)
    if result.outcome is Outcome.ACCEPTED:
        if _fails_to_announce(network, flow, case, findings):
            return True
        return _fails_when_large(
            result, packet, network=network, memory=memory, flow=flow, case=case, findings=findings
        )
    cause, unread = name_cause(network, result), unread_cause(result.end)
    findings.add(
        result.outcome,
        unread or _on_the_way(cause, result.end.cure, back=result.back),
        result.end.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=result.end.origin,
        example=_example(flow, case, lambda: result.decisions),
        ends=str(cause) if unread is None else "",
    )
    return True


def _on_the_way(cause: str | Cause, cure: str, *, back: bool) -> str | Cause:
    """Return the cause with the way on which it was met, and what to write."""
    way = f" ({'on the way back' if back else 'on the way there'}){cure and f'; {cure}'}"
    return f"{cause}{way}" if isinstance(cause, str) else replace(cause, after=f"{cause.after}{way}")


def _fails_to_announce(network: Network, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether VRRP that a flow names fails to reach a machine on the same segment by the group it is sent to."""
    end = _announced(network, flow, case)
    if end is None or end.outcome is Outcome.ACCEPTED:
        return False
    cause = f"{end.cause} (VRRP to its group, 224.0.0.18)"
    findings.add(
        end.outcome, cause, end.machine.name, flow=flow.name, pairs=case.pairs, origin=end.origin, ends=end.cause
    )
    return True


def _announced(network: Network, flow: Flow, case: Case) -> End | None:
    """Return where a case's VRRP to its group ends, None if it is about something else."""
    if case.traffic.protocol != VRRP or all(traffic.protocol != "vrrp" for traffic in flow.traffic):
        return None
    return announcement(network, case.source.first, case.destination.first)


def _fails_when_large(
    result: Result, packet: Packet, *, network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings
) -> bool:
    """Return whether a working conversation fails once its packets are large: TCP stalls. Others may send small ones,
    so that theirs is a warning; a ping is small."""
    stalls = packet.protocol == TCP
    if packet.protocol == ICMP or (stalls and _sizes_are_alike(network, memory)):
        return False
    loss = find_loss(network, memory, result, packet)
    if loss is None:
        return False
    findings.add(
        Fault.LARGE_PACKETS,
        f"{loss.cause}; TCP connections stall" if stalls else loss.cause,
        loss.machine.name,
        severity=Severity.ERROR if stalls else Severity.WARNING,
        flow=flow.name,
        pairs=case.pairs if stalls else 0,
        origin=loss.origin,
        example=_example(flow, case, lambda: result.decisions),
    )
    return stalls


def _sizes_are_alike(network: Network, memory: Memory) -> bool:
    if memory.sizes_alike is None:
        memory.sizes_alike = sizes_are_alike(network)
    return memory.sizes_alike


def _must_not_arrive(
    network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings, *, answers: Answers
) -> bool:
    """Return whether the case fails: what arrives, and what is unknown."""
    if _misses_address(network, flow, case, findings):
        return True
    beyond = beyond_the_files(network, case) if case.start.kind != "outside" else None
    if beyond is not None:
        findings.add(Outcome.UNKNOWN, beyond, case.start.machine.name, flow=flow.name, pairs=case.pairs)
        return True
    packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
    way, stopped = Way(), None
    end = send_first(Walker(network, memory, unwanted=True), packet, case.start, way)
    if end.outcome is Outcome.FORWARDING_OFF and end.machine.forwarder is not None:
        way, stopped = Way(), end
        end = send_first(Walker(network, Memory(), assume_forwarding=True, unwanted=True), packet, case.start, way)
    if end.outcome.keeps_out:
        again = send_again(network, memory, way)
        if again is not None:
            _add_second_packet(flow, case, way, again, findings)
            return True
        announced = _announced(network, flow, case)
        if announced is not None and not announced.outcome.keeps_out:
            cause = f"the denied flow {flow.name} arrives by VRRP's group, 224.0.0.18"
            findings.add(announced.outcome, cause, announced.machine.name, flow=flow.name, pairs=case.pairs)
            return True
        opening = answers.opened(case)
        if opening is not None:
            way = Way()
            arrived = send_as_answer(network, memory, case, packet, way)
            if arrived is not None:
                _add_answer(flow, opening, case, (way, arrived), findings)
                return True
        return _comes_too_early(flow, case, end, findings)
    outcome, place = end.outcome, end
    cause = f"the denied flow {flow.name} arrives"
    if end.outcome is not Outcome.ACCEPTED:
        cause = unread_cause(end) or f"the denied flow {flow.name} may arrive: {end.cause}"
    elif stopped is not None:
        outcome, place = Outcome.UNKNOWN, stopped
        why = f"{stopped.machine.forwarder} turns forwarding on as it starts; refuse it by a rule"
        cause = f"the denied flow {flow.name} may arrive: {why}"
    findings.add(
        outcome,
        cause,
        place.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=place.origin,
        example=_example(flow, case, lambda: (way.decisions(), ())),
    )
    return True


def _comes_too_early(flow: Flow, case: Case, end: End, findings: Findings) -> bool:
    """Return whether a packet that rules drop is let through while the machine comes up, before they are loaded."""
    window, origin = end.machine.window, end.origin
    if window is None or origin is None or not origin.file.startswith(f"{end.machine.name}/"):
        return False
    findings.add(
        Fault.LATE_RULES,
        f"packets of denied flows pass {window.cause}",
        end.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=window.origin,
    )
    return True


def _add_second_packet(flow: Flow, case: Case, first: Way, again: tuple[Offer, End, Way], findings: Findings) -> None:
    """Adds that a denied flow arrives by a redirect, which a router sends although it drops the first packet."""
    offer, end, way = again
    findings.add(
        end.outcome,
        f"the denied flow {flow.name} {'arrives' if end.outcome is Outcome.ACCEPTED else 'may arrive'} {_SECOND}",
        offer.router.name,
        flow=flow.name,
        pairs=case.pairs,
        example=_example(flow, case, lambda: ((*first.decisions(), *way.decisions()), ())),
    )


def _add_answer(flow: Flow, opening: Flow, case: Case, arrived: tuple[Way, End], findings: Findings) -> None:
    """Adds that a denied flow arrives once another flow's packet has gone the other way."""
    way, end = arrived
    findings.add(
        end.outcome,
        f"the denied flow {flow.name} {'arrives' if end.outcome is Outcome.ACCEPTED else 'may arrive'} as an answer to "
        f"{opening.name}: {case.traffic} has no ports by which a filter tells answers",
        end.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=end.origin,
        example=_example(flow, case, lambda: (way.decisions(), ())),
    )


_SECOND = (
    "by its second packet: the router tells the sender of the next hop by an ICMP redirect before it drops the first; "
    "set send_redirects to 0 there, for all and for the interface"
)


def _misses_address(network: Network, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether an end has another address than the topology gives it: the case is unknown then."""
    mismatch = network.mismatch(case.source.first, case.destination.first)
    if mismatch is None:
        return False
    findings.add(
        mismatch.kind,
        mismatch.cause,
        mismatch.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=mismatch.origin,
    )
    return True


def beyond_the_files(network: Network, case: Case) -> str | None:
    """Return why no file decides the case, None if files do."""
    services = network.wiring.services
    if services is not None and case.destination.first in services:
        return f"what answers at service addresses ({services}) is kube-proxy's matter"
    if case.start.kind == "outside" and not is_public(case.destination.first):
        return "how the internet reaches private addresses is not in the files"
    return None


_Ways = tuple[tuple[Decision, ...], tuple[Decision, ...]]


def _example(flow: Flow, case: Case, decisions: Callable[[], _Ways]) -> Callable[[], Example]:
    def make() -> Example:
        there, back = decisions()
        return Example(
            flow=flow.name,
            source=str(case.source),
            sender=describe_place(case.source.place),
            destination=str(case.destination),
            receiver=describe_place(case.destination.place),
            traffic=str(case.traffic),
            there=there,
            back=back,
        )

    return make
