"""What a node lets in of a flow to many: what comes for itself, by every address that it has or may hold."""

from pathlib import Path

from netwright.plan import plan_node
from netwright.production.production import prepare
from tests.flows.proofs import prove, unproved

TOPOLOGY = """\
version: 1
name: many
networks:
  lan: {cidr: 10.1.0.0/24, router: gw}
  back: {cidr: 10.2.0.0/24, router: gw}
defaults: {os: flatcar}
groups: {servers: {firewall: {input: {policy: drop}}}}
nodes:
  gw: {forward: true, interfaces: {
    eth0: {network: lan, address: 10.1.0.1}, eth1: {network: back, address: 10.2.0.1}}}
  client: {interfaces: {eth0: {network: lan, address: 10.1.0.50}}}
  s1:
    groups: [servers]
    default_route: {via: 10.1.0.1}
    interfaces:
      eth0: {network: lan, address: 10.1.0.11, mac: "52:54:00:00:00:11"}
      eth1: {network: back, address: 10.2.0.11, mac: "52:54:00:00:01:11"}
  s2: {groups: [servers], interfaces: {eth0: {network: lan, address: 10.1.0.12}}}
  s3: {groups: [servers], interfaces: {eth0: {network: back, address: 10.2.0.13}}}
  leased: {groups: [servers], interfaces: {eth0: {network: lan, address: 10.1.0.14}, eth1: {network: lan, dhcp: true}}}
virtual_addresses: {web: {address: 10.1.0.100, holders: [s1, s2]}}
pools: {ingress: {addresses: 10.1.0.200-10.1.0.203, announced_by: arp, by: [s2]}}
flows:
  ask: {from: client, to: ENDS, allow: [TRAFFIC]}
"""


def _let_in(tmp_path: Path, node: str, ends: str, traffic: str = "tcp/22") -> list[str]:
    """The addresses for which a node lets the flow in."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("ENDS", ends).replace("TRAFFIC", traffic))
    production, report = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None, report
    plan = plan_node(production.resolved, production.resolved.nodes[node], production.derivation.needs[node])
    production.close()
    assert plan.ruleset is not None
    rules = [
        rule for chain in plan.ruleset.chains if chain.hook == "input" for rule in chain.rules if "ask" in rule.flows
    ]
    return sorted({str(network).removesuffix("/32") for rule in rules for network in rule.destinations})


def test_a_node_of_a_group_lets_in_what_is_for_its_own_addresses(tmp_path: Path) -> None:
    assert _let_in(tmp_path, "s2", "servers") == ["10.1.0.12"]
    assert _let_in(tmp_path, "s3", "servers") == ["10.2.0.13"]


def test_virtual_addresses_and_pools_that_a_flow_names_are_let_in_where_they_may_be(tmp_path: Path) -> None:
    assert _let_in(tmp_path, "s1", "lan") == ["10.1.0.100", "10.1.0.11"]
    assert _let_in(tmp_path, "s2", "lan") == ["10.1.0.100", "10.1.0.12", "10.1.0.200/30"]
    assert _let_in(tmp_path, "s2", "[web, s3]") == ["10.1.0.100"]


def test_a_flow_to_a_network_may_be_a_broadcast_of_udp(tmp_path: Path) -> None:
    assert _let_in(tmp_path, "s3", "back", "udp/9") == ["10.2.0.13", "10.2.0.255"]
    assert _let_in(tmp_path, "s3", "back", "tcp/9") == ["10.2.0.13"]


def test_of_a_card_whose_address_a_lease_brings_the_whole_network_is_let_in(tmp_path: Path) -> None:
    assert _let_in(tmp_path, "leased", "lan") == ["10.1.0.0/24"]


def test_the_narrowed_rules_are_proved(tmp_path: Path) -> None:
    text = TOPOLOGY.replace("  leased:", "  # leased:").replace("TRAFFIC", "tcp/22, udp/9, icmp")

    assert unproved(prove(text.replace("ENDS", "[servers, web]"), tmp_path)) == []
