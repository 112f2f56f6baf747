"""Which of a node's links gets what the node says as a whole."""

import random
from typing import Any

import pytest
from netaddr import IPNetwork

from netwright.flows import NO_NEEDS
from netwright.parse import parse
from netwright.plan import plan_node
from netwright.plan.covering import is_accepted, leave_out_covered
from netwright.plan.filter_types import FilterRule
from netwright.plan.types import Link
from netwright.topology.resolved import resolve_topology

LINKS = ("eth0", "eth1", "eth2")


def links(**settings: Any) -> dict[str, Link]:
    """The links of a node with three interfaces, each on a network of its own, by name."""
    document = {
        "version": 1,
        "name": "lab",
        "networks": {name: {"cidr": f"10.{number}.0.0/24"} for number, name in enumerate(("a", "b", "c"))},
        "nodes": {
            "node": {
                "os": "rocky10",
                "interfaces": {
                    name: {"network": network, "address": f"10.{number}.0.9"}
                    for number, (name, network) in enumerate(zip(LINKS, ("a", "b", "c"), strict=True))
                },
                **settings,
            }
        },
    }
    topology, diagnostics = parse(document)
    assert not diagnostics
    resolved = resolve_topology(topology)
    return {link.name: link for link in plan_node(resolved, resolved.nodes["node"], NO_NEEDS).links}


@pytest.mark.parametrize("number", range(3))
def test_a_policy_rule_stands_on_the_link_that_has_a_route_in_its_table(number: int) -> None:
    planned = links(
        routes=[{"to": "default", "via": f"10.{number}.0.1", "table": 100}],
        policy_rules=[{"priority": 10, "from": "10.9.0.0/16", "table": 100}],
    )

    assert {name: len(link.policy_rules) for name, link in planned.items()} == {
        name: int(name == LINKS[number]) for name in LINKS
    }


def test_a_policy_rule_without_a_route_in_its_table_stands_on_the_first_link() -> None:
    planned = links(policy_rules=[{"priority": 10, "from": "10.9.0.0/16", "table": 100}])

    assert [len(planned[name].policy_rules) for name in LINKS] == [1, 0, 0]


def test_policy_rules_are_in_the_order_of_their_priorities() -> None:
    planned = links(policy_rules=[{"priority": 20, "table": 100}, {"priority": 3, "table": 100}])

    assert [rule.priority for rule in planned["eth0"].policy_rules] == [3, 20]


@pytest.mark.parametrize("number", range(3))
def test_the_nodes_name_servers_and_domain_stand_on_the_link_of_its_default_route(number: int) -> None:
    planned = links(default_route={"via": f"10.{number}.0.1"}, dns=["10.8.0.1"], domain="lab.example")

    assert {name: ([str(ip) for ip in link.dns], link.domain) for name, link in planned.items()} == {
        name: (["10.8.0.1"], "lab.example") if name == LINKS[number] else ([], None) for name in LINKS
    }


_NETWORKS = [IPNetwork(text) for text in ("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/23", "10.1.3.7/32")]
_PORTS = ((), ((80, 80),), ((60, 90),), ((80, 80), (443, 445)), ((444, 444),), ((1, 65535),))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_of_several_default_routes_the_first_has_the_name_servers(order: tuple[int, ...]) -> None:
    planned = links(default_route={"prefer": [{"via": f"10.{number}.0.1"} for number in order]}, dns=["10.8.0.1"])

    assert [name for name, link in planned.items() if link.dns] == [LINKS[order[0]]]


def _accepting_rule(chance: random.Random, number: int) -> FilterRule:
    sources, destinations = (tuple(sorted(chance.sample(_NETWORKS, chance.randrange(3)))) for _ in range(2))
    return FilterRule(
        ingress=None,
        egress=chance.choice((None, "eth0")),
        sources=sources,
        sources_outside=bool(sources) and chance.random() < 0.1,
        destinations=destinations,
        destinations_outside=bool(destinations) and chance.random() < 0.1,
        protocol="tcp",
        ports=chance.choice(_PORTS),
        accept=True,
        comment=None,
        cause=("flows",),
        flows=(f"flow{number}",),
    )


@pytest.mark.parametrize("seed", range(20))
def test_of_many_rules_just_those_are_left_out_that_an_earlier_one_takes_all_of(seed: int) -> None:
    chance = random.Random(seed)
    rules = [_accepting_rule(chance, number) for number in range(60)]
    first: dict[str, list[str]] = {}
    for number, rule in enumerate(rules):
        taking = next((one for one in rules[:number] if one.flows[0] in first and is_accepted(rule, [one])), rule)
        first.setdefault(taking.flows[0], []).extend(rule.flows)

    kept = leave_out_covered(rules)

    assert [list(rule.flows) for rule in kept] == [*first.values()]
    assert len(kept) < len(rules)
