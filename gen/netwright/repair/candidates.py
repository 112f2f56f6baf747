"""Changes of a topology's document that may repair a flow: one suspicion each, the likeliest first, none proved."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from netwright.repair import candidates_of_filters as cures_of_filters
from netwright.repair import candidates_of_kernels as cures_of_kernels
from netwright.repair import candidates_of_ways as cures_of_ways
from netwright.repair.edits import Candidate
from netwright.repair.involved import ROUTING, Suspect, Symptoms, observe, suspects
from netwright.text.load import Document
from netwright.verify import Finding, Outcome

Cure = Callable[[Symptoms, Suspect], Iterator[Candidate]]

_FILTERED = frozenset({Outcome.FILTERED, Outcome.CT_INVALID})

CURES: tuple[tuple[Cure, frozenset[Outcome]], ...] = (
    (cures_of_kernels.forward, frozenset({Outcome.FORWARDING_OFF, Outcome.ARP_UNANSWERED})),
    (cures_of_filters.know_connections, _FILTERED),
    (cures_of_filters.accept_before, _FILTERED),
    (cures_of_filters.deny_before, frozenset({Outcome.ACCEPTED})),
    (cures_of_filters.deny_at_the_receiver, frozenset({Outcome.ACCEPTED})),
    (cures_of_filters.keep_addresses, frozenset({Outcome.NAT_APPLIED, Outcome.CT_INVALID, Outcome.FILTERED})),
    (cures_of_ways.route_by_the_owner, ROUTING),
    (cures_of_ways.route_by_the_router, ROUTING),
    (cures_of_ways.no_stated_route, ROUTING),
    (cures_of_ways.no_policy_rule, ROUTING),
    (cures_of_kernels.no_own_sysctl, ROUTING),
    (cures_of_kernels.filter_loosely, frozenset({Outcome.RPF_DROP, Outcome.ARP_UNANSWERED})),
    (cures_of_kernels.answer_for_others, frozenset({Outcome.ARP_UNANSWERED})),
    (cures_of_ways.no_preferred_router, ROUTING),
    (cures_of_ways.one_more_route, ROUTING),
    (cures_of_kernels.own_the_files, ROUTING),
)
"""Every repair, and the verdicts for which it is tried; docs/verify.md lists what they come to."""


def propose(document: Document, findings: Sequence[Finding]) -> Iterator[Candidate]:
    """The candidates that the failures suggest, places where packets failed before those that they passed."""
    if not isinstance(document, dict):
        return
    symptoms = observe(document, findings)
    found = [*suspects(document, findings)]
    if symptoms.kinds & {*_FILTERED, Outcome.UNKNOWN, Outcome.NAT_APPLIED}:
        yield from cures_of_filters.open_libvirt(symptoms)
    struck = [suspect for suspect in found if suspect.struck]
    for number, suspect in enumerate(found):
        for cure, kinds in CURES:
            if not symptoms.kinds & kinds:
                continue
            if suspect.struck and number == 0 and len(struck) > 1:
                yield from _together(cure, symptoms, struck)
            yield from cure(symptoms, suspect)


def _together(cure: Cure, symptoms: Symptoms, struck: Sequence[Suspect]) -> Iterator[Candidate]:
    """The same repair at every affected node: fifty nodes that lack one route are one finding, and one repair."""
    for several in zip_longest(*(cure(symptoms, suspect) for suspect in struck)):
        edits = dict.fromkeys(edit for candidate in several if candidate is not None for edit in candidate)
        if len(edits) > 1 and sum(candidate is not None for candidate in several) > 1:
            yield tuple(edits)
