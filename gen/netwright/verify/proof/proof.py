"""Every flow, each direction, every class of addresses: proved, or failed with an example."""

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from math import prod
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.building import build_network, read_configurations
from netwright.verify.network_model.collected import NONE_COLLECTED, settle
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.network import Network
from netwright.verify.proof.answers import Answers
from netwright.verify.proof.arrival import wanted_case_fails
from netwright.verify.proof.asked_servers import check_asked_servers
from netwright.verify.proof.audit import audit
from netwright.verify.proof.balancers import check_balancers
from netwright.verify.proof.cases import CaseBook
from netwright.verify.proof.classes import Cuts, judged
from netwright.verify.proof.cluster_ports import check_cluster_ports
from netwright.verify.proof.containers import Judge, check_published, judging_containers
from netwright.verify.proof.crossings import Crossings, add_crossings, note_crossings
from netwright.verify.proof.denial import denied_case_fails
from netwright.verify.proof.exposure import Exposure
from netwright.verify.proof.findings import Finding, Findings, combine
from netwright.verify.proof.heartbeat import check_heartbeats
from netwright.verify.proof.isolation import check_isolation
from netwright.verify.proof.k3s_nodes import check_k3s_nodes
from netwright.verify.proof.live_causes import check_pod_networks, name_differences
from netwright.verify.proof.names_and_time import check_name_servers, check_names, check_time_servers
from netwright.verify.proof.on_the_way import Nearness
from netwright.verify.proof.statement import state_assumptions
from netwright.verify.proof.symmetry import Symmetry, find_symmetry
from netwright.verify.proof.vrrp import check_instances
from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Unknown
from netwright.verify.values.outcome import Fault
from netwright.verify.values.wiring import Assumptions, Flow, HeldAddress, Wiring


class FlowResult(Struct, frozen=True, kw_only=True):
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


class Verification(Struct, frozen=True, kw_only=True):
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
    configurations: Sequence[Configuration],
    wiring: Wiring,
    assumptions: Assumptions,
    records: Mapping[str, Record] | None = None,
) -> tuple[Network, ...]:
    """The network of machines that are already read, in every form that it may take: on which boot the machines are,
    and who holds a virtual address. With `records` of some it is the network of now, on no boot."""
    networks: list[Network] = []
    collected = NONE_COLLECTED
    if records:
        configurations = [replace(one, first=None, idle=None) for one in configurations]
        wiring, collected = settle(wiring, records)
    for boot, configured in _boots(configurations):
        pairs = zip(configured, configurations, strict=True)
        changed = {one.node for one, usual in pairs if one is not usual}
        for held in _holdings(wiring.held):
            like, turn = networks[0] if networks else None, replace(wiring, held=held)
            network = build_network(
                configured, turn, assumptions, like, changed=changed, boot=boot, collected=collected
            )
            networks.append(network)
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
    denied = not all(flow.must_arrive for flow in flows) or any(one.wiring.isolated for one in networks)
    found: dict[Boot, tuple[Findings, Crossings]] = {}
    hidden: dict[str, None] = {}
    sampled = False
    rounds: list[list[FlowResult]] = []
    for network in networks:
        findings, crossings = found.setdefault(network.boot, (Findings(), Crossings()))
        memory, cuts, symmetry = Memory(), Cuts(network, denied=denied), classify(network)
        rounds.append([])
        for result in _judge_flows(network, memory, cuts, symmetry, answers=answers, flows=flows, findings=findings):
            rounds[-1].append(result)
            progress(1)
        findings.turn()
        if network.boot != Boot.BEFORE:
            exposure = Exposure(network, memory, cuts, symmetry)
            audit(network, memory, cuts, symmetry, exposure, findings=findings)
            check_isolation(network, memory, cuts, symmetry, findings)
            check_published(network, memory, cuts, symmetry, flows, findings=findings)
            check_pod_networks(network, findings)
            check_asked_servers(network, memory, symmetry, findings)
            check_cluster_ports(network, memory, symmetry, findings)
            sampled |= note_crossings(network, memory, cuts, symmetry, exposure, faults=crossings)
            findings.turn()
            hidden |= exposure.spared
    held = tuple(dict.fromkeys(address for network in networks for address in network.holders or network.wiring.held))
    for boot, (findings, crossings) in found.items():
        add_crossings(crossings, findings)
        if boot != Boot.BEFORE:
            network = next(one for one in networks if one.boot == boot)
            _check_held(network, held, findings)
            check_k3s_nodes(network, findings)
            check_names(network, findings)
            check_name_servers(network, findings)
            check_time_servers(network, findings)
    grouped = combine({boot: findings for boot, (findings, _) in found.items()}).grouped()
    leaking = {node for one in grouped if one.kind == Fault.POD_LEAK for node in one.nodes}
    return Verification(
        flows=tuple(max(results, key=lambda result: result.failed) for results in zip(*rounds, strict=True)),
        findings=name_differences(grouped, networks[0]),
        unknown=_unknown(networks),
        assumptions=state_assumptions(
            networks[0], [name for name in hidden if name not in leaking], held=held, sampled=sampled
        ),
    )


def _check_held(network: Network, held: Sequence[HeldAddress], findings: Findings) -> None:
    """Add faults of the virtual addresses: how their holders hear of each other, what each has, and where it leads."""
    held = [one for one in held if one.pool is None]
    check_heartbeats(network, Memory(), held, findings)
    check_instances(network, held, findings)
    check_balancers(network, held, findings)


def _unknown(networks: Sequence[Network]) -> tuple[Unknown, ...]:
    machines = (machine for network in networks for machine in network.machines.values())
    return tuple(dict.fromkeys(line for machine in machines for line in machine.unknown))


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
    """The holders of virtual addresses: one holder each at a time, and everyone's turn comes, with every other's where
    these are few."""
    holders: dict[int | str, dict[str, list[HeldAddress]]] = defaultdict(lambda: defaultdict(list))
    for address in held:
        holders[address.pool or address.ip][address.node].append(address)
    turns = [[*by_node.values()] for by_node in holders.values()]
    if prod(map(len, turns)) <= _FEW_TURNS:
        choices: Iterable[Sequence[list[HeldAddress]]] = product(*turns)
    else:
        most = max(map(len, turns))
        choices = ([several[turn % len(several)] for several in turns] for turn in range(most))
    for choice in choices:
        yield tuple(address for several in choice for address in several)


_FEW_TURNS = 16
"""So many ways in which several addresses may lie on their holders are all tried."""


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
    judge: Judge = wanted_case_fails if flow.must_arrive else partial(denied_case_fails, answers=answers)
    if network.wiring.containers:
        judge = judging_containers(judge)
    alike = flow.must_arrive or not answers.concern(flow)  # machines that are alike may not be in another flow's ends
    traffic, matters = cuts.traffic(flow.traffic), cuts.choice(flow.traffic)
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
