"""Flows -> one conversation for each pair of address classes as verify splits them: is one like all it stands for?"""

from collections.abc import Sequence

from netwright.lab.probes import Trial, is_sendable, probe_case
from netwright.verify import Flow
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.network import Network
from netwright.verify.proof.cases import cases_of
from netwright.verify.proof.classes import Cuts, judged
from netwright.verify.proof.on_the_way import Asked, Nearness


def plan_trials(network: Network, flows: Sequence[Flow], limit: int) -> tuple[Trial, ...]:
    """A trial for each flow, with at most `limit` probes, spread evenly over its pairs of classes."""
    cuts, memory, nearness = Cuts(network), Memory(), Nearness(network)
    return tuple(_plan_trial(network, cuts, memory, flow, limit, asked=nearness.asked(flow)) for flow in flows)


def _plan_trial(network: Network, cuts: Cuts, memory: Memory, flow: Flow, limit: int, *, asked: Asked | None) -> Trial:
    origins = flow.sources + (network.outside() if flow.from_internet else ())
    targets = flow.destinations + (network.outside() if flow.to_internet else ())
    sources = tuple(one for one in cuts.addresses(origins) if one.place is not None)
    destinations = judged(cuts.addresses(targets), targets)
    cases = tuple(cases_of(sources, destinations, cuts.traffic(flow.traffic), asked))
    sendable = [case for case in cases if is_sendable(case.traffic)]
    chosen = sendable
    if len(sendable) > limit:
        chosen = [sendable[number * len(sendable) // limit] for number in range(limit)]
    return Trial(
        flow=flow,
        probes=tuple(probe_case(network, memory, case) for case in chosen),
        classes=len(cases),
        unsent=len(cases) - len(sendable),
    )
