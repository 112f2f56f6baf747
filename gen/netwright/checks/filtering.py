"""Packet filter: every rule can match, and changes something."""

from collections.abc import Iterator

from netaddr import IPNetwork

from netwright.checks.foreign import is_made_by_others
from netwright.checks.spelling import Names
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.model import Chain, End, FirewallRule, Node, Traffic
from netwright.text.source import TopologyPath


def filtered_interface_is_known(survey: Survey) -> Iterator[Violation]:
    """The interface that a filter, masquerade or policy rule names is one of the node's.

    A rule with another one never matches. Interfaces that other software makes (`cni0`, `flannel.1`, `docker0`,
    `wg0` and so on) are not judged.

    Fails:

        nodes:
          gw: {masquerade: [{from: back, out: eth2}]}

    Passes:

        nodes:
          gw: {masquerade: [{from: back, out: eth0}]}
    """
    for node in survey.nodes:
        names = [interface.name for interface in node.interfaces]
        for name, path in _named_interfaces(node):
            if name not in names and not is_made_by_others(name, names):
                message = f'{node.name} has no interface "{name}"{Names(names).meant(name)}'
                yield warning(path, message, node=node.name)


def _named_interfaces(node: Node) -> Iterator[tuple[str, TopologyPath]]:
    for _, chain in _chains(node):
        for rule in chain.rules:
            if rule.ingress is not None:
                yield rule.ingress, (*rule.cause, "in")
            if rule.egress is not None:
                yield rule.egress, (*rule.cause, "out")
    for masquerade in node.masquerades:
        yield masquerade.egress, (*masquerade.cause, "out")
    for policy in node.policy_rules:
        if policy.ingress not in (None, "lo"):
            yield policy.ingress, (*policy.cause, "in")


def input_rule_has_no_out(survey: Survey) -> Iterator[Violation]:
    """A rule of the input chain does not set `out`.

    What arrives for the node itself leaves by no interface.

    Fails:

        nodes:
          gw: {firewall: {input: {policy: drop, rules: [{from: back, out: eth0, allow: [tcp/22]}]}}}

    Passes:

        nodes:
          gw: {firewall: {input: {policy: drop, rules: [{from: back, in: eth1, allow: [tcp/22]}]}}}
    """
    for node in survey.nodes:
        for rule in node.input.rules if node.input else ():
            if rule.egress is not None:
                message = (
                    f"packets for {node.name} itself leave by no interface; "
                    f"remove out, or move the rule to the forward chain"
                )
                yield error((*rule.cause, "out"), message, node=node.name)


def filter_rule_can_be_reached(survey: Survey) -> Iterator[Violation]:
    """No filter rule stands behind one that matches everything, or the same.

    The first rule that matches decides.

    Fails:

        nodes:
          gw:
            firewall:
              input:
                policy: drop
                rules:
                  - {from: back, deny: [tcp/22]}
                  - {from: back, allow: [tcp/22]}

    Passes:

        nodes:
          gw:
            firewall:
              input:
                policy: drop
                rules:
                  - {from: 10.17.4.24, deny: [tcp/22]}
                  - {from: back, allow: [tcp/22]}
    """
    known: _Networks = {}
    for node in survey.nodes:
        for _, chain in _chains(node):
            seen: dict[_Match, FirewallRule] = {}
            everything: FirewallRule | None = None
            for rule in chain.rules:
                match = _match(survey, rule, known)
                earlier = everything or seen.setdefault(match, rule)
                if earlier is not rule:
                    what = "everything" if earlier is everything else "the same"
                    message = f"an earlier rule matches {what}, so that this one is never reached; leave one out"
                    yield warning(rule.cause, message, node=node.name, related=(earlier.cause,))
                elif match == _EVERYTHING:
                    everything = rule


_Match = tuple[frozenset[IPNetwork], frozenset[IPNetwork], str | None, str | None, frozenset[Traffic]]
_EVERYTHING: _Match = (frozenset(), frozenset(), None, None, frozenset({Traffic(protocol=None, ports=None)}))


_Networks = dict[tuple[End, ...], frozenset[IPNetwork]]
"""Addresses of ends, worked out once: rules of groups stand at each of their nodes, and may name large groups."""


def _match(survey: Survey, rule: FirewallRule, known: _Networks) -> _Match:
    """Return the match of a rule; no networks stand for any."""
    for ends in (rule.sources, rule.destinations):
        if ends not in known:
            known[ends] = frozenset(survey.resolved.union(ends))
    return known[rule.sources], known[rule.destinations], rule.ingress, rule.egress, frozenset(rule.traffic)


def filter_rule_changes_something(survey: Survey) -> Iterator[Violation]:
    """The last rules of a chain do not repeat its policy.

    Under policy `accept` an accept changes something only if a deny follows that it is an exception of; the other way
    round under `drop`. It does not override another table's drop either, libvirt's or firewalld's.

    Fails:

        nodes:
          gw: {firewall: {forward: {rules: [{from: front, to: back, allow: any}]}}}

    Passes:

        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: front, to: back, allow: any}]}}}
    """
    has_flows = bool(survey.resolved.topology.flows)
    for node in survey.nodes:
        for hook, chain in _chains(node):
            accepts = chain.policy is None or chain.policy.value == "accept"
            if has_flows and (not accepts or (hook == "forward" and chain.policy is None)):
                continue  # what flows need is accepted behind these rules, and makes the policy of a router drop
            needless: list[FirewallRule] = []
            for rule in reversed(chain.rules):
                if rule.accept is not accepts:
                    break
                needless.append(rule)
            if needless:
                first = needless[-1]
                subject, them = (
                    (f"{len(needless)} rules change", "them") if len(needless) > 1 else ("rule changes", "it")
                )
                policy, other = ("accept", "drop") if accepts else ("drop", "accept")
                message = (
                    f"the last {subject} nothing, as the {hook} chain's policy is {policy}; "
                    f"leave {them} out, or set policy: {other}"
                )
                yield warning(first.cause, message, node=node.name)


def _chains(node: Node) -> Iterator[tuple[str, Chain]]:
    if node.input is not None:
        yield "input", node.input
    if node.forward_chain is not None:
        yield "forward", node.forward_chain


RULES = (
    filtered_interface_is_known,
    input_rule_has_no_out,
    filter_rule_can_be_reached,
    filter_rule_changes_something,
)
