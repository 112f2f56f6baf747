"""The nftables table of a node."""

from collections.abc import Iterable, Iterator

from netaddr import IPNetwork

from gen.fabric import ANYWHERE, Fabric
from gen.model import Chain, End, FirewallRule, Node
from gen.plan.types import FilterChain, FilterRule, PlannedExemption, PlannedMasquerade, Ruleset


def plan_ruleset(fabric: Fabric, node: Node) -> Ruleset | None:
    """The node's table, None if it needs none.

    A masquerade's exceptions are exemptions of their own: an accept, or a masquerade that does not match, would not
    keep another table's masquerade from rewriting the source.
    """
    chains = tuple(
        _chain(fabric, hook, chain)
        for hook, chain in (("input", node.input), ("forward", node.forward_chain))
        if chain is not None
    )
    exempt = [(rule.sources, rule.destinations, rule.cause) for rule in node.nat_exemptions]
    exempt += [(rule.sources, rule.exceptions, rule.cause) for rule in node.masquerades if rule.exceptions]
    ruleset = Ruleset(
        chains=chains,
        exemptions=tuple(
            PlannedExemption(sources=_merged(fabric, sources), destinations=_merged(fabric, to), cause=cause)
            for sources, to, cause in exempt
        ),
        masquerades=tuple(
            PlannedMasquerade(sources=_merged(fabric, rule.sources), egress=rule.egress, cause=rule.cause)
            for rule in node.masquerades
        ),
    )
    return ruleset if ruleset.chains or ruleset.exemptions or ruleset.masquerades else None


def _chain(fabric: Fabric, hook: str, chain: Chain) -> FilterChain:
    return FilterChain(
        hook=hook,
        policy=chain.policy.value if chain.policy else "accept",
        stateful=chain.stateful.value if chain.stateful else True,
        rules=tuple(planned for rule in chain.rules for planned in _filter_rules(fabric, rule)),
        cause=chain.cause,
    )


def _filter_rules(fabric: Fabric, rule: FirewallRule) -> Iterator[FilterRule]:
    """One rule for each protocol; a protocol without ports makes rules for its ports needless."""
    ports: dict[str | None, list[tuple[int, int]] | None] = {}
    for traffic in rule.traffic:
        if traffic.ports is None:
            ports[traffic.protocol] = None
        elif (known := ports.setdefault(traffic.protocol, [])) is not None:
            known.append(traffic.ports)
    for protocol, ranges in {None: None}.items() if None in ports else ports.items():
        yield FilterRule(
            ingress=rule.ingress,
            egress=rule.egress,
            sources=_merged(fabric, rule.sources),
            destinations=_merged(fabric, rule.destinations),
            protocol=protocol,
            ports=_merge_ranges(ranges or ()),
            accept=rule.accept,
            comment=rule.comment,
            cause=rule.cause,
        )


def _merged(fabric: Fabric, ends: tuple[End, ...]) -> tuple[IPNetwork, ...]:
    """The networks of all ends by address; none stands for any.

    nft refuses overlapping intervals in a set, so networks inside others are left out. Neighbours are not joined: a
    reader looks for what the topology says, and another node should add a line's end, not change its middle.
    """
    networks = {network for end in ends for network in fabric.resolve_end(end) or ()}
    if ANYWHERE in networks:
        return ()
    kept: list[IPNetwork] = []
    for network in sorted(networks, key=lambda network: (network.first, network.prefixlen)):
        if not kept or network.first > kept[-1].last:
            kept.append(network)
    return tuple(kept)


def _merge_ranges(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
