"""Faults in a topology beyond the schema: one rule a function, each (Survey) -> Iterator[Violation].

A rule's name states it, and its docstring is the user's documentation (docs/checks.md), with an example that fails and
one that passes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress

from netwright.checks import (
    addresses,
    balancers,
    bonds,
    bridge_vlans,
    cards,
    containers,
    detours,
    devices,
    ends,
    exits,
    filtering,
    firewalld,
    forwarding,
    forwards,
    internet_ends,
    isolation,
    leases,
    libvirt,
    libvirt_modes,
    link_kinds,
    links,
    name_servers,
    names,
    next_hops,
    plugins,
    pod_networks,
    pods,
    policy,
    pools,
    proxy_arp,
    routes,
    several_next_hops,
    sysctls,
    systems,
    time_servers,
    tunnel_packets,
    tunnels,
    virtual_address,
)
from netwright.checks.survey import Survey, survey
from netwright.checks.violation import UnknownName, Violation, diagnose, tell_once
from netwright.model import Topology
from netwright.parallel.ahead import Ahead
from netwright.parallel.fault import OutputError
from netwright.parallel.workers import worker_count
from netwright.text.report import Diagnostic

__all__ = ["CHECKS", "Check", "UnknownName", "check", "find_unknown_names"]

Check = Callable[[Survey], Iterator[Violation]]

CHECKS: tuple[Check, ...] = (
    *names.RULES,
    *ends.RULES,
    *systems.RULES,
    *addresses.RULES,
    *devices.RULES,
    *cards.RULES,
    *links.RULES,
    *link_kinds.RULES,
    *bonds.RULES,
    *bridge_vlans.RULES,
    *tunnels.RULES,
    *tunnel_packets.RULES,
    *next_hops.RULES,
    *routes.RULES,
    *several_next_hops.RULES,
    *detours.RULES,
    *policy.RULES,
    *forwarding.RULES,
    *isolation.RULES,
    *exits.RULES,
    *forwards.RULES,
    *internet_ends.RULES,
    *name_servers.RULES,
    *time_servers.RULES,
    *pod_networks.RULES,
    *pods.RULES,
    *plugins.RULES,
    *virtual_address.RULES,
    *balancers.RULES,
    *containers.RULES,
    *pools.RULES,
    *libvirt.RULES,
    *libvirt_modes.RULES,
    *leases.RULES,
    *sysctls.RULES,
    *proxy_arp.RULES,
    *filtering.RULES,
    *firewalld.RULES,
)


def check(topology: Topology, rules: Sequence[Check] = CHECKS) -> tuple[Diagnostic, ...]:
    """Everything that the rules find, each finding once."""
    violations = _judge_in_two(survey(topology), rules)
    found = [(rule.__name__, violations[rule]) for rule in rules]
    return tuple(diagnostic for rule, told in tell_once(found) for diagnostic in diagnose(rule, told))


def _judge_in_two(seen: Survey, rules: Sequence[Check]) -> dict[Check, tuple[Violation, ...]]:
    """What each rule finds. With many nodes another process takes every other rule: neighbours take equally long."""

    def judge(rules: Sequence[Check]) -> Iterator[tuple[int, tuple[Violation, ...]]]:
        return ((1, tuple(rule(seen))) for rule in rules)

    theirs, ours = rules[::2], rules[1::2]
    if worker_count(len(seen.nodes), None) > 1:
        with suppress(OutputError), closing(Ahead(theirs, judge)) as ahead:
            found = {rule: tuple(rule(seen)) for rule in ours}
            return found | dict(zip(theirs, ahead.collect(), strict=True))
    return {rule: tuple(rule(seen)) for rule in rules}


def find_unknown_names(topology: Topology) -> tuple[UnknownName, ...]:
    """Every place of every name that nothing has."""
    seen = survey(topology)
    found = (
        violation.unknown_name
        for rule in (*names.RULES, *ends.RULES, forwards.forwards_are_known, pools.pools_are_answered_for)
        for violation in rule(seen)
    )
    return tuple(dict.fromkeys(unknown_name for unknown_name in found if unknown_name is not None))
