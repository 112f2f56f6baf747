"""Denied traffic is refused at every router on its way, for the router's own addresses as well."""

from contextlib import closing
from pathlib import Path

import pytest

from netwright.verify import verify
from netwright.verify_input import assume, state_flows, wire
from tests.flows.denied import HOST, STATED, open_production, proved, rules, said, topology
from tests.flows.proofs import prove, unproved


@pytest.mark.parametrize(
    ("flow", "node", "refused"),
    [
        pytest.param(
            "{from: front, to: lan, deny: any}",
            "host",
            ["ip saddr 10.1.0.0/24 ip daddr { 192.168.0.40, 192.168.0.41 } drop"],
            id="every-address-on-the-network",
        ),
        pytest.param(
            "{from: lan, to: front, deny: [tcp/23]}",
            "host",
            ["ip saddr 192.168.0.0/24 ip daddr 10.1.0.1 tcp dport 23 drop"],
            id="a-bridge-of-libvirt",
        ),
        pytest.param(
            "{from: front, to: 192.168.0.41/32, deny: [icmp]}",
            "host",
            ["ip saddr 10.1.0.0/24 ip daddr 192.168.0.41 meta l4proto icmp drop"],
            id="no-address-that-is-not-meant",
        ),
        pytest.param("{from: front, to: nas, deny: any}", "host", [], id="another-machine-alone"),
        pytest.param(
            "{from: front, to: kubernetes.api, deny: any}",
            "host",
            ["ip saddr 10.1.0.0/24 ip daddr 10.2.0.100 drop"],
            id="a-virtual-address-that-it-may-hold",
        ),
        pytest.param(
            "{from: [host, lb], to: lan, deny: any}",
            "host",
            ["ip saddr 10.1.0.12 ip daddr { 192.168.0.40, 192.168.0.41 } drop"],
            id="not-from-itself",
        ),
        pytest.param("{from: host, to: back, deny: [udp/53]}", "host", [], id="itself-alone"),
        pytest.param(
            "{from: pods, to: back, deny: [tcp/10250]}",
            "w1",
            ["ip saddr 10.42.1.0/24 ip daddr 10.2.0.21 tcp dport 10250 drop"],
            id="its-own-pods",
        ),
        pytest.param("{from: pods, to: lan, deny: any}", "w1", [], id="its-own-pods-elsewhere"),
        pytest.param("{from: pods, to: host, deny: any}", "host", [], id="pods-that-are-hidden-behind-their-node"),
        pytest.param(
            "{from: lan, to: lan, deny: [tcp/23]}",
            "nas",
            ["ip saddr 192.168.0.0/24 ip daddr 192.168.0.0/24 tcp dport 23 drop"],
            id="members-of-one-network",
        ),
        pytest.param(
            "{from: host, to: pods, deny: any}",
            "w1",
            ["ip saddr 10.2.0.1 ip daddr 10.42.1.0/24 drop"],
            id="the-bridge-of-its-pods",
        ),
        pytest.param(
            "{from: host, to: 10.42.1.128/25, deny: any}",
            "w1",
            ["ip saddr 10.2.0.1 ip daddr 10.42.1.128/25 drop"],
            id="no-more-of-its-pods-than-is-said",
        ),
    ],
)
def test_what_comes_for_a_machine_itself_is_refused_before_it_takes_it(
    tmp_path: Path, flow: str, node: str, refused: list[str]
) -> None:
    hook = "prerouting" if node == "w1" else "input"  # kube-proxy is on w1

    assert rules(tmp_path, node, hook, f"closed: {flow}") == refused
    assert not rules(tmp_path, node, "input" if node == "w1" else "prerouting", f"closed: {flow}")


@pytest.mark.parametrize(
    ("flow", "node", "hook", "spared"),
    [
        pytest.param("{from: lan, to: lan, deny: any}", "nas", "input", 'iifname "lo" accept', id="received"),
        pytest.param("{from: host, to: lan, deny: any}", "host", "output", 'oifname "lo" accept', id="sent"),
        pytest.param("{from: lb, to: nas, deny: any}", "nas", "input", None, id="others-alone"),
        pytest.param("{from: front, to: lan, deny: any}", "host", "forward", None, id="passed-on"),
    ],
)
def test_what_a_machine_sends_to_itself_is_spared(
    tmp_path: Path, flow: str, node: str, hook: str, spared: str | None
) -> None:
    with closing(open_production(topology(tmp_path, f"closed: {flow}"))) as production:
        files = {file.path: file.content.decode() for file in production.build(node).files}

    chain = files.get("/etc/nftables/netwright.nft", "").partition(f"chain {hook} ")[2].partition("}\n")[0]
    assert [line.strip() for line in chain.splitlines() if '"lo"' in line] == ([spared] if spared else [])


def test_what_a_machine_may_not_send_its_containers_may_not_either(tmp_path: Path) -> None:
    flow, host = "closed: {from: host, to: lan, deny: [tcp/80]}", f"{HOST}    docker: {{network: bridge}}\n"

    chain = rules(tmp_path, "host", "forward", flow, host=host)

    refused = [line for line in chain if line.endswith("drop")]
    assert refused == ["ip saddr { 10.1.0.1, 10.2.0.1, 172.17.0.0/16 } ip daddr 192.168.0.0/24 tcp dport 80 drop"]
    assert chain.index(refused[-1]) < chain.index('iifname "docker0" accept comment "containers"')
    assert proved(tmp_path, flow, host=host)["closed"]


@pytest.mark.parametrize("hook", ["forward", "output"])
def test_a_denial_of_the_routers_own_addresses_alone_takes_nothing_from_what_it_passes_on(
    tmp_path: Path, hook: str
) -> None:
    chain = rules(tmp_path, "host", hook, "closed: {from: lb, to: host, deny: any}")

    assert not [line for line in chain if line.endswith("drop")]


def test_refusals_stand_before_what_is_stated_and_what_flows_need_in_input_as_in_forward(tmp_path: Path) -> None:
    flows = (
        "web: {from: front, to: 192.168.0.40/32, allow: [tcp/80]}",
        "closed: {from: front, to: lan, deny: [udp/53]}",
    )

    chain = rules(tmp_path, "host", "input", *flows, host=STATED)

    assert [line for line in chain if line.startswith("ip saddr 10.1.0.0/24")] == [
        "ip saddr 10.1.0.0/24 ip daddr { 192.168.0.40, 192.168.0.41 } udp dport 53 drop",
        "ip saddr 10.1.0.0/24 tcp dport 22 accept",
        "ip saddr 10.1.0.0/24 ip daddr 192.168.0.40 tcp dport 80 accept",
    ]


@pytest.mark.parametrize(
    "closed",
    [
        "{from: front, to: lan, deny: any}",
        "{from: lb, to: host, deny: any}",
        "{from: [host, lb], to: nas, deny: any}",
        "{from: pods, to: [back, lan], deny: any}",
        "{from: pods, to: host, deny: any}",
        "{from: lan, to: [front, back], deny: [udp/53]}",
        "{from: lan, to: lan, deny: any}",
    ],
)
def test_what_generate_writes_keeps_a_denied_flow_out_and_lets_those_beside_it_work(
    tmp_path: Path, closed: str
) -> None:
    beside = (
        "web: {from: host, to: front, allow: [tcp/80]}",  # answered by whoever may start nothing
        "names: {from: back, to: 10.2.0.1, allow: [udp/53]}",
    )

    assert proved(tmp_path, f"closed: {closed}", *beside) == dict.fromkeys(("ssh", "closed", "web", "names"), True)


BESIDE = """\
version: 1
name: beside
networks:
  front: {cidr: 10.1.0.0/24, router: gw}
  lan: {cidr: 192.168.0.0/24, router: gw}
nodes:
  gw: {os: flatcar, forward: true, interfaces: {
    eth0: {network: front, address: 10.1.0.1}, eth1: {network: lan, address: 192.168.0.1}}}
  both: {os: flatcar, default_route: {via: gw}, interfaces: {
    eth0: {network: front, address: 10.1.0.13}, eth1: {network: lan, address: 192.168.0.13}}}
  nas: {os: flatcar, interfaces: {eth0: {network: lan, address: 192.168.0.50}}}
flows:
  closed: {from: front, to: nas, deny: [udp/53]}
"""


def test_who_has_a_card_beside_the_receivers_is_refused_by_them_too(tmp_path: Path) -> None:
    assert unproved(prove(BESIDE, tmp_path)) == []


def test_who_may_not_reach_pods_reaches_the_address_of_their_bridge_neither(tmp_path: Path) -> None:
    generated = ("web: {from: lb, to: pods, allow: [tcp/80]}", "closed: {from: host, to: pods, deny: any}")
    proved(tmp_path, *generated)
    asked = topology(tmp_path, *generated, "bridge: {from: host, to: 10.42.1.1, deny: any}")

    with closing(open_production(asked)) as production:
        resolved = production.resolved
        found = verify(tmp_path / "out", wire(resolved), state_flows(resolved), assume(resolved))

    assert {result.flow.name: result.proved for result in found.flows}["bridge"]


@pytest.mark.parametrize(
    ("flow", "alone"),
    [
        pytest.param("{from: host, to: host, deny: any}", "host", id="denied"),
        pytest.param("{from: nas, to: 192.168.0.50, allow: any}", "nas", id="allowed-by-address"),
        pytest.param("{from: nas, to: [nas, lb], deny: any}", None, id="and-another"),
        pytest.param("{from: lan, to: lan, deny: any}", None, id="a-network"),
        pytest.param("{from: host, to: [192.168.0.40/31, 10.1.0.0/29], deny: any}", "host", id="and-part-of-a-network"),
        pytest.param("{from: w1, to: 10.42.1.0/24, allow: any}", None, id="its-pods"),
    ],
)
def test_a_flow_that_never_leaves_a_machine_is_told(tmp_path: Path, flow: str, alone: str | None) -> None:
    text = said(tmp_path, f"odd: {flow}")

    assert (f"warning: flows.odd: {alone} alone is at both ends" in text) == (alone is not None)
    assert ("alone is at both ends" in text) == (alone is not None)
