"""Routes with several next hops: a flow is proved if it holds by each, and the one by which it does not is named."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from netwright.commands.main import netwright
from netwright.verify.values.outcome import Outcome
from tests.proving.small import change, judge

TWO_ROUTERS = """\
version: 1
name: two-routers
networks: {front: {cidr: 10.1.0.0/24}, back: {cidr: 10.2.0.0/24}}
groups:
  hosts: {os: OS, firewalld: masked, default_route: none}
  routers:
    os: flatcar
    forward: true
    default_route: none
    firewall: {forward: {policy: accept, stateful: false}}
nodes:
  client:
    groups: [hosts]
    interfaces: {eth0: {network: front, address: 10.1.0.10}}
    routes: [{to: back, next_hops: [{via: gw1, weight: 3}, {via: gw2}]}]
  server:
    groups: [hosts]
    interfaces: {eth0: {network: back, address: 10.2.0.20}}
    routes: [{to: front, next_hops: [{via: gw1}, {via: gw2, weight: 256}]}]
  gw1:
    groups: [routers]
    interfaces:
      eth0: {network: front, address: 10.1.0.1, mac: "52:54:00:00:01:01"}
      eth1: {network: back, address: 10.2.0.1, mac: "52:54:00:00:02:01"}
  gw2:
    groups: [routers]
    interfaces:
      eth0: {network: front, address: 10.1.0.2, mac: "52:54:00:00:01:02"}
      eth1: {network: back, address: 10.2.0.2, mac: "52:54:00:00:02:02"}
flows:
  ask: FLOW
"""
ASK = "{from: [client], to: [server], allow: [icmp, tcp/80], via: [gw1]}"


def _topology(system: str, flow: str = ASK) -> str:
    return TWO_ROUTERS.replace("OS", system).replace("FLOW", flow)


@pytest.mark.parametrize("system", ["flatcar", "rocky10", "unmanaged"])
def test_a_flow_by_each_of_several_next_hops_is_proved(system: str, tmp_path: Path) -> None:
    verification = judge(tmp_path, _topology(system)).verification

    assert verification.proved
    assert verification.findings == ()
    assert any(
        assumption.startswith("what goes from one address to another") for assumption in verification.assumptions
    )


@pytest.mark.parametrize("system", ["flatcar", "rocky10", "unmanaged"])
def test_the_next_hop_by_which_a_flow_fails_is_named(system: str, tmp_path: Path) -> None:
    dead = change(_topology(system), ("{via: gw1, weight: 3}, {via: gw2}", "{via: gw1, weight: 3}, {via: 10.1.0.9}"))

    verification = judge(tmp_path, dead).verification

    found = next(one for one in verification.findings if one.kind is Outcome.ARP_UNANSWERED)
    assert found.example is not None
    assert "by 10.2.0.0/24 via 10.1.0.9 dev eth0, one of 2 next hops" in found.example.there[0].text


def test_a_denied_flow_must_not_arrive_by_any_next_hop(tmp_path: Path) -> None:
    closed = "  gw1:\n    firewall: {forward: {rules: [{from: client, to: server, deny: any}]}}\n"
    written = change(_topology("flatcar"), ("  gw1:\n", closed), ("flows:\n", ""), (f"  ask: {ASK}\n", ""))
    denied = _topology("flatcar", "{from: [client], to: [server], deny: any, via: [gw1]}")

    verification = judge(tmp_path, denied, written).verification

    found = next(one for one in verification.findings if one.kind is Outcome.ACCEPTED)
    assert found.example is not None
    assert "by 10.2.0.0/24 via 10.1.0.2 dev eth0, one of 2 next hops" in found.example.there[0].text


def test_of_next_hops_on_several_cards_networkmanager_may_know_the_first_only(tmp_path: Path) -> None:
    """Version 1.42 does, so that a strict filter may refuse what comes by the others."""
    strict = change(
        _topology("rocky10"),
        ("back: {cidr: 10.2.0.0/24}}", "back: {cidr: 10.2.0.0/24}, aside: {cidr: 10.3.0.0/24}}"),
        (
            "interfaces: {eth0: {network: front, address: 10.1.0.10}}",
            """rp_filter: strict
    interfaces:
      eth0: {network: front, address: 10.1.0.10}
      eth1: {network: aside, address: 10.3.0.10}""",
        ),
        ("{via: gw1, weight: 3}, {via: gw2}", "{via: gw1, weight: 3}, {via: 10.3.0.9}"),
    )

    verification = judge(tmp_path, strict).verification

    causes = [one.cause for one in verification.findings if one.kind is Outcome.UNKNOWN]
    assert any("NetworkManager 1.42 uses the first alone" in cause for cause in causes)


STATEFUL = TWO_ROUTERS.replace("    firewall: {forward: {policy: accept, stateful: false}}\n", "").replace(
    "OS", "flatcar"
)
UNMANAGED_ROUTER = "  gw2:\n    os: unmanaged\n    forward: true\n    default_route: none\n"
THREE_IN_A_ROW = """\
version: 1
name: three-in-a-row
networks: {front: {cidr: 10.1.0.0/24}, core: {cidr: 10.2.0.0/24}, back: {cidr: 10.3.0.0/24}}
groups:
  hosts: {os: flatcar, default_route: none}
  routers: {os: flatcar, forward: true, default_route: none}
nodes:
  client: {groups: [hosts], interfaces: {eth0: {network: front, address: 10.1.0.10}}}
  other: {groups: [hosts], interfaces: {eth0: {network: front, address: 10.1.0.11}}}
  server: {groups: [hosts], interfaces: {eth0: {network: back, address: 10.3.0.20}}}
  entry:
    groups: [routers]
    interfaces:
      eth0: {network: front, address: 10.1.0.1, mac: "52:54:00:00:01:01"}
      eth1: {network: core, address: 10.2.0.1, mac: "52:54:00:00:01:02"}
    routes: [{to: back, next_hops: [{via: spine1}, {via: spine2}]}]
  spine1:
    groups: [routers]
    interfaces:
      eth0: {network: core, address: 10.2.0.11, mac: "52:54:00:00:02:01"}
      eth1: {network: back, address: 10.3.0.11, mac: "52:54:00:00:02:02"}
  spine2:
    groups: [routers]
    interfaces:
      eth0: {network: core, address: 10.2.0.12, mac: "52:54:00:00:03:01"}
      eth1: {network: back, address: 10.3.0.12, mac: "52:54:00:00:03:02"}
flows:
  ask: {from: [client, other], to: [server], allow: [TRAFFIC], via: [spine1]}
"""
TWO_EXITS = """\
version: 1
name: two-exits
networks: {front: {cidr: 10.1.0.0/24}, up: {cidr: 192.0.2.0/24}}
groups: {routers: {os: flatcar, forward: true, default_route: {via: 192.0.2.254}}}
nodes:
  client:
    os: flatcar
    interfaces: {eth0: {network: front, address: 10.1.0.10}}
    default_route: {next_hops: [{via: gw1, weight: 3}, {via: gw2}]}
  gw1:
    groups: [routers]
    internet: true
    interfaces:
      eth0: {network: front, address: 10.1.0.1, mac: "52:54:00:00:01:01"}
      eth1: {network: up, address: 192.0.2.1, mac: "52:54:00:00:02:01"}
  gw2:
    groups: [routers]
    internet: true
    interfaces:
      eth0: {network: front, address: 10.1.0.2, mac: "52:54:00:00:01:02"}
      eth1: {network: up, address: 192.0.2.2, mac: "52:54:00:00:02:02"}
flows:
  out: {from: [client], to: [internet], allow: [tcp/443], via: [gw1]}
"""


@pytest.mark.parametrize("traffic", ["[icmp, tcp/80, udp/53]", "[tcp, udp]", "any"])
def test_filters_of_every_next_hop_let_questions_and_answers_through(traffic: str, tmp_path: Path) -> None:
    asked = STATEFUL.replace("FLOW", f"{{from: [client], to: [server], allow: {traffic}, via: [gw1]}}")

    assert judge(tmp_path, asked).verification.proved


@pytest.mark.parametrize("traffic", ["icmp", "tcp/80"])
def test_a_router_on_the_way_may_have_the_next_hops(traffic: str, tmp_path: Path) -> None:
    verification = judge(tmp_path, THREE_IN_A_ROW.replace("TRAFFIC", traffic)).verification

    assert verification.proved


def test_each_of_several_exits_hides_senders(tmp_path: Path) -> None:
    assert judge(tmp_path, TWO_EXITS).verification.proved


def test_a_denied_flow_is_refused_at_every_next_hop(tmp_path: Path) -> None:
    denied = STATEFUL.replace("FLOW", "{from: [client], to: [server], deny: any, via: [gw1]}")

    assert judge(tmp_path, denied).verification.proved


def test_of_a_router_whose_filters_are_not_ours_it_is_said_that_it_may_see_half(tmp_path: Path) -> None:
    kept = change(STATEFUL.replace("FLOW", ASK), ("  gw2:\n    groups: [routers]\n", UNMANAGED_ROUTER))
    (tmp_path / "topology.yaml").write_text(kept)

    done = CliRunner().invoke(netwright, ["validate", str(tmp_path / "topology.yaml")])

    assert "client goes to 10.2.0.0/24 via 10.1.0.2" in done.output
    assert "let that router forward without state" in done.output
