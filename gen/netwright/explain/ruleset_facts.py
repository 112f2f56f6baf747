"""Facts of a plan about the node's own nftables table."""

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from netwright.explain.fact import Fact, FactKind, Removal
from netwright.model import Policy
from netwright.plan.filter_types import FilterChain, FilterRule, PlannedExemption, PlannedForward, PlannedMasquerade
from netwright.plan.types import NodePlan
from netwright.text.counting import list_some
from netwright.text.source import Step


def ruleset_facts(plan: NodePlan) -> Iterator[Fact]:
    """Yield each rule and property of the table, then each chain, its NAT, and last the table as a whole."""
    if plan.ruleset is None:
        return
    for chain in plan.ruleset.chains:
        yield from _chain_facts(chain)
    yield from map(_forward_fact, plan.ruleset.forwards)
    yield from map(_nat_fact, plan.ruleset.exemptions)
    yield from map(_nat_fact, plan.ruleset.masquerades)
    yield Fact(
        title="table of netwright",
        cause=plan.cause,
        flows=(),
        without=lambda one: replace(one, ruleset=None),
        whole=True,
    )


def _chain_facts(chain: FilterChain) -> Iterator[Fact]:
    for rule in chain.rules:
        verdict = "accept" if rule.accept else "drop"
        yield Fact(
            title=f"rule in chain {chain.hook}: {verdict} {rule_title(rule)}",
            cause=rule.cause,
            flows=rule.flows,
            kind=_kind_of(chain.hook, rule),
            without=_without_rule(chain.hook, rule),
        )
    policy: Policy = "accept" if chain.policy == "drop" else "drop"
    yield Fact(
        title=f"chain {chain.hook} with policy {chain.policy}",
        cause=chain.cause,
        flows=chain.rules[0].flows if chain.rules else (),
        kind=FactKind.CHAIN,
        without=_with_chain(chain.hook, lambda one: replace(one, policy=policy)),
    )
    if chain.stateful:
        yield _stateful_fact(chain)
    if chain.spares_itself:
        yield _sparing_fact(chain)
    yield Fact(title=f"chain {chain.hook}", cause=chain.cause, flows=(), without=_without_chain(chain.hook), whole=True)


def _stateful_fact(chain: FilterChain) -> Fact:
    return Fact(
        title=f"chain {chain.hook} accepts packets of known connections",
        cause=chain.cause,
        flows=tuple(dict.fromkeys(flow for rule in chain.rules for flow in rule.flows)),
        kind=FactKind.CHAIN,
        without=_with_chain(chain.hook, lambda one: replace(one, stateful=False)),
    )


def _sparing_fact(chain: FilterChain) -> Fact:
    hitting = [rule for rule in chain.rules if rule.hits_itself]
    return Fact(
        title=f"chain {chain.hook} accepts what the machine sends to itself",
        cause=hitting[0].cause if hitting else chain.cause,
        flows=(),
        without=_with_chain(chain.hook, lambda one: replace(one, spares_itself=False)),
    )


def _nat_fact(entry: PlannedExemption | PlannedMasquerade) -> Fact:
    if isinstance(entry, PlannedMasquerade):
        kind = FactKind.REPLACEMENT if entry.translated else FactKind.MASQUERADE
        title = _describe_masquerade(entry)
    else:
        title, kind = "exemption from NAT", FactKind.EXEMPTION
    return Fact(title=title, cause=entry.cause, flows=entry.flows, kind=kind, without=_without_nat(entry))


def _forward_fact(entry: PlannedForward) -> Fact:
    return Fact(
        title=f"port forward {entry.name} to {entry.target}",
        cause=entry.cause,
        flows=entry.flows,
        kind=FactKind.FORWARDED,
        without=_without_forward(entry),
    )


def _kind_of(hook: str, rule: FilterRule) -> FactKind:
    if not rule.accept:
        return FactKind.REFUSAL
    return {"forward": FactKind.FORWARD_ACCEPT, "input": FactKind.INPUT_ACCEPT}.get(hook, FactKind.OTHER)


def _describe_masquerade(entry: PlannedMasquerade) -> str:
    if entry.translated:
        return f"own address towards the target of the port forward {entry.cause[-1]}"
    if entry.egress is not None:
        return f"masquerade by {entry.egress}"
    return f"masquerade by any interface but {' and '.join(entry.besides)}" if entry.besides else "source NAT"


_PURPOSES: Mapping[Step, str] = {"dns": ", a name server of nodes", "ntp": ", a time server of nodes"}
"""What answers behind a rule, by the key that caused it."""


def rule_title(rule: FilterRule) -> str:
    """A packet filter rule in words."""
    protocol = rule.protocol or "any traffic"
    sources = _side(rule.sources, rule.sources_outside)
    purpose = next((_PURPOSES[step] for step in rule.cause[-2:] if step in _PURPOSES), "") if not rule.flows else ""
    return f"{protocol} from {sources} to {_side(rule.destinations, rule.destinations_outside)}{purpose}"


def _side(networks: tuple[object, ...], outside: bool) -> str:
    if not networks:
        return "anywhere"
    if outside:
        return "outside"
    return list_some([str(network).removesuffix("/32") for network in networks], 3)


def _without_rule(hook: str, rule: FilterRule) -> Removal:
    return _with_chain(hook, lambda chain: replace(chain, rules=tuple(one for one in chain.rules if one is not rule)))


def _with_chain(hook: str, alter: Callable[[FilterChain], FilterChain]) -> Removal:
    def change(plan: NodePlan) -> NodePlan:
        if plan.ruleset is None:
            return plan
        chains = tuple(alter(chain) if chain.hook == hook else chain for chain in plan.ruleset.chains)
        return replace(plan, ruleset=replace(plan.ruleset, chains=chains))

    return change


def _without_chain(hook: str) -> Removal:
    def change(plan: NodePlan) -> NodePlan:
        if plan.ruleset is None:
            return plan
        chains = tuple(chain for chain in plan.ruleset.chains if chain.hook != hook)
        return replace(plan, ruleset=replace(plan.ruleset, chains=chains))

    return change


def _without_nat(entry: PlannedExemption | PlannedMasquerade) -> Removal:
    def change(plan: NodePlan) -> NodePlan:
        if plan.ruleset is None:
            return plan
        return replace(
            plan,
            ruleset=replace(
                plan.ruleset,
                exemptions=tuple(one for one in plan.ruleset.exemptions if one is not entry),
                masquerades=tuple(one for one in plan.ruleset.masquerades if one is not entry),
            ),
        )

    return change


def _without_forward(entry: PlannedForward) -> Removal:
    def change(plan: NodePlan) -> NodePlan:
        if plan.ruleset is None:
            return plan
        forwards = tuple(one for one in plan.ruleset.forwards if one is not entry)
        return replace(plan, ruleset=replace(plan.ruleset, forwards=forwards))

    return change
