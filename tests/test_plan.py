"""Which of a node's links gets what the node says as a whole."""

from typing import Any

import pytest

from netwright.flows import NO_NEEDS
from netwright.parse import parse
from netwright.plan import plan_node
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
