"""Policy routing: rules and tables that belong together."""

from collections.abc import Iterator

from netwright.checks.survey import MAIN_TABLE, Survey
from netwright.checks.violation import Violation, error, warning
from netwright.model import PolicyRule

_KERNEL_TABLES = frozenset({253, MAIN_TABLE, 255})
"""default, main and local (/etc/iproute2/rt_tables): the kernel has rules for them."""


def policy_rule_priorities_are_unique(survey: Survey) -> Iterator[Violation]:
    """No two policy rules of a node have the same priority.

    The kernel asks rules of one priority in the order in which they were added, and that depends on the network
    service.

    Fails:

        nodes:
          lb1:
            routes: [{to: default, via: gw, table: 100}]
            policy_rules:
              - {priority: 100, from: 10.17.3.12/32, table: 100}
              - {priority: 100, to: 10.42.0.0/16, table: 100}

    Passes:

        nodes:
          lb1:
            routes: [{to: default, via: gw, table: 100}]
            policy_rules:
              - {priority: 100, from: 10.17.3.12/32, table: 100}
              - {priority: 110, to: 10.42.0.0/16, table: 100}
    """
    for node in survey.nodes:
        first: dict[int, PolicyRule] = {}
        for rule in node.policy_rules:
            earlier = first.setdefault(rule.priority, rule)
            if earlier is not rule:
                message = f"priority {rule.priority} is taken by another rule of {node.name}; give each its own"
                related = ((*earlier.cause, "priority"),)
                yield error((*rule.cause, "priority"), message, node=node.name, related=related)


def policy_rule_finds_routes(survey: Survey) -> Iterator[Violation]:
    """The table that a policy rule names has a route on the node.

    An empty table decides nothing: the kernel goes on to the next rule, as if this one were not there.

    Fails:

        nodes:
          lb1: {policy_rules: [{priority: 100, from: 10.17.3.12/32, table: 100}]}

    Passes:

        nodes:
          lb1:
            routes: [{to: default, via: gw, table: 100}]
            policy_rules: [{priority: 100, from: 10.17.3.12/32, table: 100}]
    """
    for node in survey.nodes:
        if not node.policy_rules:
            continue
        filled = {stated.table for stated in survey.routes[node.name]} | _KERNEL_TABLES
        for rule in node.policy_rules:
            if rule.table not in filled:
                message = (
                    f"{node.name} has no route in table {rule.table}; "
                    f"add one with table: {rule.table}, or leave the rule out"
                )
                yield warning((*rule.cause, "table"), message, node=node.name)


def mark_is_within_its_mask(survey: Survey) -> Iterator[Violation]:
    """The mark that a policy rule asks for has no bits outside of its mask.

    The kernel compares the bits of the mask only: such a rule is for other packets than it seems, those without a mark
    among them where no bit is left.

    Fails:

        nodes:
          lb1:
            routes: [{to: default, via: gw, table: 100}]
            policy_rules: [{priority: 100, mark: 256, mask: 255, table: 100}]

    Passes:

        nodes:
          lb1:
            routes: [{to: default, via: gw, table: 100}]
            policy_rules: [{priority: 100, mark: 16, mask: 255, table: 100}]
    """
    for node in survey.nodes:
        for rule in node.policy_rules:
            if rule.mark is not None and rule.mask is not None and rule.mark & ~rule.mask:
                message = (
                    f"{rule.mark:#x} has bits outside of the mask {rule.mask:#x}; leave them out, or widen the mask"
                )
                yield error((*rule.cause, "mark"), message, node=node.name)


def route_table_is_looked_up(survey: Survey) -> Iterator[Violation]:
    """The table of a route is named by a policy rule of the node.

    The kernel asks no table but `main` unless a rule tells it to, so that the route is never used.

    Fails:

        nodes:
          lb1: {routes: [{to: default, via: gw, table: 100}]}

    Passes:

        nodes:
          lb1:
            routes: [{to: default, via: gw, table: 100}]
            policy_rules: [{priority: 100, from: 10.17.3.12/32, table: 100}]
    """
    for node in survey.nodes:
        asked = {rule.table for rule in node.policy_rules} | _KERNEL_TABLES
        for stated in survey.routes[node.name]:
            if stated.table not in asked:
                asked.add(stated.table)
                message = f"no policy rule of {node.name} looks table {stated.table} up; add one, or leave table out"
                yield warning((*stated.route.whole, "table"), message, node=node.name)


RULES = (
    policy_rule_priorities_are_unique,
    policy_rule_finds_routes,
    mark_is_within_its_mask,
    route_table_is_looked_up,
)
