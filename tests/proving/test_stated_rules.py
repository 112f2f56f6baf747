"""Packets that a rule accepts are not accepted again after it: no rule of ours is shadowed."""

from pathlib import Path

import pytest

from tests.proving.small import TOPOLOGY, change, judge

RULESET = "out/host/rootfs/etc/nftables/netwright.nft"
NEEDED = "ip saddr 10.1.0.12 ip daddr 10.42.0.0/16 tcp dport 8080 accept"


@pytest.mark.parametrize(
    ("stated", "times"),
    [
        ("{from: lb, to: pods, allow: [icmp, tcp/8080]}", 1),
        ("{from: front, to: pods, allow: [icmp, tcp/8000-9000]}", 0),
        ("{from: front, to: pods, allow: any}", 0),
        ("{from: front, allow: [icmp, tcp/8080]}", 0),
        ("{from: front, to: pods, allow: [icmp, tcp/8000-8079]}, {from: lb, allow: [tcp/8080]}", 0),
        ("{from: lb, to: pods, allow: [icmp, tcp/8000-8040]}, {from: lb, allow: [tcp/8041-8079]}", 1),
        ("{from: front, to: pods, allow: [tcp/8081]}", 1),
        ("{from: lb, to: 10.42.1.0/24, allow: [icmp, tcp/8080]}", 1),
        ("{in: eth0, from: lb, to: pods, allow: any}", 1),
    ],
    ids=[
        "the same",
        "more ports",
        "anything",
        "any destination",
        "two together",
        "two but for one port",
        "another port",
        "fewer pods",
        "another interface",
    ],
)
def test_what_a_stated_rule_accepts_is_not_accepted_again(tmp_path: Path, stated: str, times: int) -> None:
    rules = f"firewall: {{forward: {{policy: drop, rules: [{stated}]}}}}"
    judgement = judge(tmp_path, change(TOPOLOGY, ("firewall: {forward: {policy: drop}}", rules)))

    assert (tmp_path / RULESET).read_text().count(NEEDED) == times
    assert judgement.verification.all_flows_hold
    assert "SHADOWED_RULE" not in {finding.kind for finding in judgement.verification.findings}


@pytest.mark.parametrize(("flow", "times"), [("all", 0), ("wider", 1)])
def test_what_another_flow_is_accepted_by_before_is_not_accepted_again(tmp_path: Path, flow: str, times: int) -> None:
    wide = f"flows:\n  {flow}: {{from: [front], to: [pods], allow: any}}\n"

    judgement = judge(tmp_path, change(TOPOLOGY, ("flows:\n", wide)))

    assert (tmp_path / RULESET).read_text().count(NEEDED) == times
    assert judgement.verification.proved
    assert "SHADOWED_RULE" not in {finding.kind for finding in judgement.verification.findings}


@pytest.mark.parametrize(
    ("stated", "times"),
    [
        ("{from: lb, to: pods, deny: any}", 0),
        ("{from: front, to: pods, deny: [tcp/8000-8050, tcp/8051-9000, icmp]}", 0),
        ("{from: lb, to: 10.42.1.0/24, deny: any}", 1),
    ],
    ids=["all of it", "its ports", "a part"],
)
def test_what_a_stated_rule_drops_is_not_accepted_behind_it(tmp_path: Path, stated: str, times: int) -> None:
    rules = f"firewall: {{forward: {{policy: drop, rules: [{stated}]}}}}"
    verification = judge(tmp_path, change(TOPOLOGY, ("firewall: {forward: {policy: drop}}", rules))).verification

    assert (tmp_path / RULESET).read_text().count(NEEDED) == times
    assert not verification.all_flows_hold
    assert {finding.kind for finding in verification.findings} == {"FILTERED", "POD_LEAK"}


def test_rules_too_many_to_be_shown_to_nft_are_assumed_to_load(tmp_path: Path) -> None:
    stated = ", ".join(["{from: lb, to: pods, allow: [tcp/9000]}"] * 1000)
    rules = f"firewall: {{forward: {{policy: drop, rules: [{stated}]}}}}"

    verification = judge(tmp_path, change(TOPOLOGY, ("firewall: {forward: {policy: drop}}", rules))).verification

    assert verification.all_flows_hold
    assert (
        "nft loads the rules of host, each word of which it knows; so many it takes from root alone"
        in verification.assumptions
    )
