"""Needs of flows that go through port forwards."""

from contextlib import closing
from pathlib import Path

from tests.flows.denied import open_production
from tests.flows.proofs import prove_production, unproved

TWO_EXITS = """\
version: 1
name: forwarded
networks:
  lan: {cidr: 192.168.0.0/24, router: first}
  wan: {cidr: 203.0.113.0/29}
defaults: {os: rocky9, network_config: keyfile, firewalld: masked}
nodes:
  first: {os: unmanaged, internet: true, interfaces: {lan0: {network: lan, address: 192.168.0.1}}}
  second:
    internet: true
    forward: true
    default_route: {via: 203.0.113.1}
    interfaces: {lan0: {network: lan, address: 192.168.0.2}, wan0: {network: wan, address: 203.0.113.2}}
  web: {firewall: {input: {policy: drop}}, interfaces: {eth0: {network: lan, address: 192.168.0.31}}}
forwards:
  web: {at: second, from: internet, port: tcp/443, to: web, source: replaced}
  mail: {at: first, from: internet, port: tcp/25, to: web}
flows:
  web: {from: internet, to: web, allow: [tcp/443, tcp/25]}
  no-shell: {from: internet, to: web, deny: [tcp/22]}
"""
INSIDE = """\
version: 1
name: forwarded
networks:
  lan: {cidr: 192.168.0.0/24, router: inner}
  back: {cidr: 10.2.0.0/24, router: inner}
defaults: {os: rocky9, network_config: keyfile, firewalld: masked}
nodes:
  inner:
    forward: true
    interfaces: {eth0: {network: lan, address: 192.168.0.1}, eth1: {network: back, address: 10.2.0.1}}
  web: {interfaces: {eth0: {network: back, address: 10.2.0.12}}}
  one: {interfaces: {eth0: {network: lan, address: 192.168.0.50}}}
  two: {interfaces: {eth0: {network: lan, address: 192.168.0.51}}}
forwards:
  web: {at: inner, from: one, port: tcp/443, to: web}
flows:
  web: {from: [one, two], to: web, allow: [tcp/443, tcp/80]}
"""


def _accepts(topology: str, node: str, folder: Path) -> list[str]:
    """The accepts that a node's table has for flows, once everything is proved."""
    (folder / "topology.yaml").write_text(topology)
    with closing(open_production(folder / "topology.yaml")) as production:
        assert unproved(prove_production(production, folder / "out")) == []
        files = {file.path: file.content.decode() for file in production.build(node).files}
    lines = files["/etc/nftables/netwright.nft"].splitlines()
    return [line.strip() for line in lines if "ip daddr" in line and line.endswith("accept")]


def test_each_exit_leads_on_its_own_ports(tmp_path: Path) -> None:
    outside = "ip saddr != { 192.168.0.0/24, 203.0.113.0/29 } ip daddr 192.168.0.31"

    assert _accepts(TWO_EXITS, "second", tmp_path) == [f"{outside} tcp dport 443 ct status dnat accept"]
    assert _accepts(TWO_EXITS, "web", tmp_path) == [
        f"{outside} tcp dport 25 accept",
        "ip saddr 192.168.0.2 ip daddr 192.168.0.31 tcp dport 443 accept",
    ]


def test_only_senders_of_a_forward_and_its_ports_go_through_it(tmp_path: Path) -> None:
    assert _accepts(INSIDE, "inner", tmp_path) == [
        "ip saddr 192.168.0.50 ip daddr 10.2.0.12 tcp dport 443 ct status dnat accept",
        "ip saddr { 192.168.0.50, 192.168.0.51 } ip daddr 10.2.0.12 tcp dport { 80, 443 } accept",
    ]
