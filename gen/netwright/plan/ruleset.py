"""The nftables table of a node."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from netwright.flows import NodeNeeds
from netwright.flows.ownership import is_ours
from netwright.flows.types import HOOKS, Hook
from netwright.model import FirewallRule, Node, Policy
from netwright.plan.asked_servers import server_masquerades, server_rules
from netwright.plan.cluster_traffic import cluster_rules, passing_rules
from netwright.plan.containers import container_rules, hides_published
from netwright.plan.covering import is_accepted, is_refused, leave_out_covered
from netwright.plan.filter_types import FilterChain, FilterRule, PlannedExemption, PlannedMasquerade, Ruleset
from netwright.plan.forwards import planned_forwards, planned_replacements
from netwright.plan.from_flows import filters_forwarding, needed_exemptions, needed_filter_rules, needed_masquerades
from netwright.plan.heartbeat import heartbeat_rules
from netwright.plan.traffic import by_protocol
from netwright.plan.tunnels import tunnel_rules
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import libvirt_bridges, manages_firewalld

_DHCP_SERVER = 67


def plan_ruleset(resolved: ResolvedTopology, node: Node, needs: NodeNeeds) -> Ruleset | None:
    """The node's table, None if it needs none.

    A stated masquerade's exceptions are exemptions of their own: an accept, or a masquerade that does not match, would
    not keep another table's masquerade from rewriting the source. firewalld has no exemptions, and gets them as they
    are stated. A device that netwright does not configure is told what to refuse, and what to translate on the way to
    the internet.
    """
    if not is_ours(resolved, node.name):
        return _told(resolved, node, needs)
    forward_policy: Policy = "drop" if filters_forwarding(resolved, node, needs) else "accept"
    chains = tuple(
        _chain(hook, resolved, node, needs, policy=forward_policy if hook == "forward" else "accept") for hook in HOOKS
    )
    exempt = [(rule.sources, rule.destinations, rule.cause) for rule in node.nat_exemptions]
    by_firewalld = manages_firewalld(node)
    if not by_firewalld:
        exempt += [(rule.sources, rule.exceptions, rule.cause) for rule in node.masquerades if rule.exceptions]
    masquerades = (
        *(
            PlannedMasquerade(
                sources=resolved.union(rule.sources),
                egress=rule.egress,
                exceptions=resolved.union(rule.exceptions) if by_firewalld else (),
                cause=rule.cause,
            )
            for rule in node.masquerades
        ),
        *needed_masquerades(needs),
        *planned_replacements(resolved, node, needs),
    )
    if any(chain is not None and chain.hook == "forward" and chain.policy == "drop" for chain in chains):
        masquerades += tuple(server_masquerades(needs, masquerades))
    ruleset = Ruleset(
        chains=tuple(chain for chain in chains if chain is not None),
        exemptions=(
            *(
                PlannedExemption(sources=resolved.union(sources), destinations=resolved.union(to), cause=cause)
                for sources, to, cause in exempt
            ),
            *needed_exemptions(needs),
        ),
        masquerades=masquerades,
        forwards=tuple(planned_forwards(resolved, node, needs)),
    )
    return None if ruleset.is_empty else ruleset


def _told(resolved: ResolvedTopology, node: Node, needs: NodeNeeds) -> Ruleset | None:
    chains = tuple(
        FilterChain(
            hook=hook,
            policy="accept",
            stateful=True,
            spares_itself=any(rule.hits_itself for rule in rules),
            rules=rules,
            cause=rules[0].cause,
        )
        for hook in HOOKS
        if (rules := _needed(node, needs, hook))
    )
    ruleset = Ruleset(
        chains=chains,
        exemptions=(),
        masquerades=(*needed_masquerades(needs), *planned_replacements(resolved, node, needs)),
        forwards=tuple(planned_forwards(resolved, node, needs)),
    )
    return None if ruleset.is_empty else ruleset


def _needed(node: Node, needs: NodeNeeds, hook: Hook) -> tuple[FilterRule, ...]:
    """Return the needs of flows at a hook, marked where a refusal would also cut the machine off from itself."""
    own = [attachment.ip for interface in node.interfaces for attachment in interface.attachments]

    def is_meant(rule: FilterRule) -> bool:
        return all(
            any(any(ip in network for network in networks) != outside for ip in own)
            for networks, outside in (
                (rule.sources, rule.sources_outside),
                (rule.destinations, rule.destinations_outside),
            )
        )

    return tuple(
        replace(rule, hits_itself=True) if hook != "forward" and not rule.accept and is_meant(rule) else rule
        for rule in needed_filter_rules(needs, hook)
    )


def _chain(
    hook: Hook, resolved: ResolvedTopology, node: Node, needs: NodeNeeds, *, policy: Policy
) -> FilterChain | None:
    """The chain at a hook: what flows refuse, what is stated, what flows need, what other programs tell each other;
    `policy` holds unless one is stated. What rules before accept already is not accepted again, nor what stated ones
    drop."""
    stated = {"input": node.input, "forward": node.forward_chain}.get(hook)
    needed = _needed(node, needs, hook)
    closed = hook == "forward" and hides_published(node)
    if stated is None and not needed and policy == "accept" and not closed:
        return None
    own = tuple(planned for rule in (stated.rules if stated else ()) for planned in _filter_rules(resolved, rule))
    policy = stated.policy.value if stated and stated.policy else policy
    refused = tuple(rule for rule in needed if not rule.accept)
    accepted = leave_out_covered(rule for rule in needed if rule.accept and not is_accepted(rule, own))
    heard = tuple(_heard(resolved, node, (*own, *accepted))) if hook == "input" and policy == "drop" else ()
    passed = tuple(passing_rules(resolved, node, (*own, *accepted))) if hook == "forward" and policy == "drop" else ()
    asked = server_rules(needs, hook, (*own, *needed)) if policy == "drop" else ()
    contained = tuple(container_rules(node, policy)) if hook == "forward" and (closed or policy == "drop") else ()
    derived = (
        rule for rule in (*accepted, *heard, *passed, *asked, *contained) if not is_refused(rule, (*refused, *own))
    )
    return FilterChain(
        hook=hook,
        policy=policy,
        stateful=stated.stateful.value if stated and stated.stateful else True,
        spares_itself=(hook == "input" and policy == "drop") or any(rule.hits_itself for rule in needed),
        rules=(*refused, *own, *derived),
        cause=stated.cause if stated else needed[0].cause if needed else node.cause,
    )


def _heard(resolved: ResolvedTopology, node: Node, others: Sequence[FilterRule]) -> Iterator[FilterRule]:
    """The accepts of an input that drops for what no flow has to state: of holders of a virtual address, peers of
    tunnels, guests without an address, and Kubernetes' programs."""
    yield from heartbeat_rules(resolved, node, others)
    yield from tunnel_rules(resolved, node, others)
    yield from _lease_rules(resolved, node)
    yield from cluster_rules(resolved, node, others)


def _lease_rules(resolved: ResolvedTopology, node: Node) -> Iterator[FilterRule]:
    """The accepts by which guests ask the node's dnsmasq for a lease, which they do without an address."""
    for bridge, network in libvirt_bridges(resolved, node).items():
        if network.libvirt is not None and network.libvirt.dhcp is not None:
            yield FilterRule(
                ingress=bridge,
                egress=None,
                sources=(),
                destinations=(),
                protocol="udp",
                ports=((_DHCP_SERVER, _DHCP_SERVER),),
                accept=True,
                comment="leases",
                cause=network.libvirt.dhcp.cause,
            )


def _filter_rules(resolved: ResolvedTopology, rule: FirewallRule) -> Iterator[FilterRule]:
    for protocol, ports in by_protocol(rule.traffic):
        yield FilterRule(
            ingress=rule.ingress,
            egress=rule.egress,
            sources=resolved.union(rule.sources),
            destinations=resolved.union(rule.destinations),
            protocol=protocol,
            ports=ports,
            accept=rule.accept,
            comment=rule.comment,
            cause=rule.cause,
        )
