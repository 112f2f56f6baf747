"""Findings on flows that can't work, and on those that work but will bite."""

from pathlib import Path

import pytest

from netwright.production.production import prepare
from netwright.text.report import render_text

TOPOLOGY = """\
version: 1
name: flows
networks:
  a: {{cidr: 10.1.0.0/24, router: gw}}
  b: {{cidr: 10.2.0.0/24{b}}}
  c: {{cidr: 10.3.0.0/24}}
  d: {{cidr: 10.4.0.0/24, isolated: true}}
kubernetes: {{pods: {{cidr: 10.42.0.0/16}}, services: {{cidr: 10.43.0.0/16}}}}
nodes:
  gw:
    os: rocky10
    forward: true
    {gw}
    interfaces:
      eth0: {{network: a, address: 10.1.0.1}}
      eth1: {{network: b, address: 10.2.0.1}}
      eth2: {{network: d, address: 10.4.0.1}}
  host1: {{os: rocky10, firewalld: masked, interfaces: {{eth0: {{network: a, address: 10.1.0.11}}}}}}
  host2: {{os: rocky10, firewalld: masked, interfaces: {{eth0: {{network: b, address: 10.2.0.11}}}}}}
  host3: {{os: rocky10, firewalld: masked, interfaces: {{eth0: {{network: c, address: 10.3.0.11}}}}}}
  host4: {{os: rocky10, firewalld: masked, interfaces: {{eth0: {{network: d, address: 10.4.0.11}}}}}}
  kube1: {{os: flatcar, kubernetes: agent, pod_cidr: 10.42.1.0/24, default_route: {{via: gw}},
          interfaces: {{eth0: {{network: b, address: 10.2.0.12}}}}}}
  {more}
flows:
  one: {flow}
"""
SECOND_ROUTER = (
    "gw2: {os: rocky10, forward: true, firewalld: masked, interfaces: "
    "{eth0: {network: a, address: 10.1.0.2}, eth1: {network: b, address: 10.2.0.2}}}"
)


def said(root: Path, flow: str, *, gw: str = "firewalld: masked", b: str = "", more: str = "") -> str:
    topology = root / "topology.yaml"
    topology.write_text(TOPOLOGY.format(flow=flow, gw=gw, b=b, more=more))
    production, report = prepare(str(topology))
    if production is not None:
        production.close()
    return render_text(report)


def test_a_flow_that_works_is_not_spoken_of(tmp_path: Path) -> None:
    assert said(tmp_path, "{from: host1, to: pods, allow: [icmp]}") == ""


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        pytest.param(
            "{from: kube1, to: pods, deny: any}",
            "error: flows.one: flannel carries what Kubernetes nodes and pods send to pods inside its tunnel, where no "
            "rule sees it; refuse it by a NetworkPolicy",
            id="denied-in-the-tunnel",
        ),
        pytest.param(
            "{from: host1, to: host3, allow: any}",
            "error: flows.one: no router leads from a to c; add a node that is on both sides and forwards",
            id="no-way",
        ),
        pytest.param(
            "{from: host1, to: host4, allow: any}",
            "error: flows.one: no router leads from a to d, since d is isolated; leave out the flow, or isolated: true",
            id="isolated",
        ),
        pytest.param(
            "{from: host1, to: internet, allow: any}",
            "error: flows.one.to: internet is outside, and no node has internet: true",
            id="no-internet",
        ),
        pytest.param(
            "{from: host1, to: 203.0.113.0/24, allow: any}",
            "error: flows.one.to: 203.0.113.0/24 is outside, and no node has internet: true",
            id="address-outside",
        ),
        pytest.param(
            "{from: host1, to: services, allow: any}",
            "error: flows.one.to: service addresses exist on Kubernetes nodes only",
            id="services",
        ),
        pytest.param("{from: host1, to: hots2, allow: any}", 'did you mean "host2"?', id="unknown-name"),
        pytest.param(
            "{from: host1, to: host2, allow: any, via: [gv]}",
            "error: flows.one.via[0]: no node is",
            id="unknown-router",
        ),
        pytest.param(
            "{from: host1, to: host2, nat: never}", "flows.one: needs allow or deny", id="neither-allow-nor-deny"
        ),
        pytest.param(
            "{from: host1, to: host2, allow: any, deny: any}",
            "only one of these: allow or deny",
            id="both-allow-and-deny",
        ),
        pytest.param(
            "{from: pods, to: host1, allow: any, nat: never}",
            "error: flows.one.nat: flannel gives what a pod starts its node's address on the way out",
            id="pods-are-hidden",
        ),
        pytest.param(
            "{from: kube1, to: pods, allow: any, nat: never}\n  two: {from: host1, to: host2, allow: any}",
            "",
            id="a-node-and-its-own-pods",
        ),
        pytest.param(
            "{from: [host1, kube1], to: host2, allow: [icmp, tcp/80-90]}\n  two: {from: a, to: b, deny: [tcp/85]}",
            "error: flows.one: two denies some of it (from host1 to host2), and what is denied is refused first;",
            id="allowed-and-denied",
        ),
    ],
)
def test_what_is_wrong_with_a_flow_is_said(tmp_path: Path, flow: str, message: str) -> None:
    assert message in said(tmp_path, flow)


@pytest.mark.parametrize(
    ("denied", "is_said"),
    [
        pytest.param("{from: host1, to: host2, deny: any}", True, id="the-same"),
        pytest.param("{from: 10.1.0.0/28, to: b, deny: [icmp]}", True, id="part-of-it"),
        pytest.param("{from: host1, to: host2, deny: [tcp/91, udp/85]}", False, id="other-traffic"),
        pytest.param("{from: gw@a, to: host2, deny: any}", False, id="another-sender"),
        pytest.param("{from: host2, to: host1, deny: any}", False, id="the-other-way"),
        pytest.param("{from: pods, to: host2, deny: any}", False, id="pods"),
    ],
)
def test_a_flow_that_another_denies_in_part_is_refused(tmp_path: Path, denied: str, *, is_said: bool) -> None:
    text = said(tmp_path, f"{{from: host1, to: host2, allow: [icmp, tcp/80-90]}}\n  two: {denied}")

    assert ("flows.one: two denies some of it" in text) is is_said


@pytest.mark.parametrize(
    ("allowed", "denied", "is_said"),
    [
        pytest.param("[esp, tcp/80]", "{from: host2, to: host1, deny: any}", True, id="any"),
        pytest.param("[gre]", "{from: b, to: host1, deny: [gre]}", True, id="by-name"),
        pytest.param("[ah]", "{from: host2, to: host1, deny: [esp, udp]}", False, id="another-protocol"),
        pytest.param("[tcp/80]", "{from: host2, to: host1, deny: any}", False, id="ports"),
        pytest.param("any", "{from: host2, to: host1, deny: any}", False, id="not-by-name"),
        pytest.param("[vrrp]", "{from: gw@b, to: host1, deny: any}", False, id="another-end"),
    ],
)
def test_answers_without_ports_cannot_be_denied(tmp_path: Path, allowed: str, denied: str, *, is_said: bool) -> None:
    text = said(tmp_path, f"{{from: host1, to: host2, allow: {allowed}}}\n  two: {denied}")

    assert ("has no ports: what comes back is an answer to every filter" in text) is is_said


STATELESS = "firewalld: masked\n    firewall: {forward: {policy: drop, stateful: false"


@pytest.mark.parametrize(
    ("gw", "flow", "is_said"),
    [
        pytest.param(f"{STATELESS}}}}}", "", True, id="no-state"),
        pytest.param(f"{STATELESS.replace('false', 'true')}}}}}", "", False, id="state"),
        pytest.param(f"{STATELESS}, rules: [{{from: b, allow: [tcp]}}]}}}}", "", False, id="accepted-by-a-rule"),
        pytest.param(f"{STATELESS}}}}}", "\n  two: {from: b, to: a, allow: any}", False, id="accepted-by-a-flow"),
        pytest.param(f"{STATELESS}}}}}", "\n  two: {from: b, to: a, allow: [tcp/80]}", True, id="another-flows-port"),
        pytest.param(f"{STATELESS}}}}}", "\n  two: {from: b, to: a, allow: [udp, icmp]}", True, id="another-protocol"),
        pytest.param(f"{STATELESS}}}}}", "\n  two: {from: b, to: a, allow: [udp/53, tcp]}", False, id="among-others"),
        pytest.param(
            f"{STATELESS}}}}}", "\n  two: {from: b, to: a, allow: [tcp/1024-65535]}", False, id="ports-of-those-who-ask"
        ),
    ],
)
def test_answers_that_a_chain_without_state_drops_are_refused(
    tmp_path: Path, gw: str, flow: str, *, is_said: bool
) -> None:
    text = said(tmp_path, f"{{from: host1, to: host2, allow: [tcp/80]}}{flow}", gw=gw)

    assert ("flows.one: the forward chain of gw keeps no state" in text) is is_said


ANOTHER_NODE = (
    "kube2: {os: flatcar, kubernetes: agent, pod_cidr: 10.42.2.0/24, default_route: {via: gw}, "
    "interfaces: {eth0: {network: b, address: 10.2.0.13}}}"
)


def test_pods_of_other_nodes_see_pods_as_they_are(tmp_path: Path) -> None:
    assert said(tmp_path, "{from: pods, to: pods, allow: any, nat: never}", more=ANOTHER_NODE) == ""


def test_a_node_is_not_seen_by_pods_of_others(tmp_path: Path) -> None:
    text = said(tmp_path, "{from: kube1, to: pods, allow: any, nat: never}", more=ANOTHER_NODE)

    assert "error: flows.one.nat: flannel gives what a node sends to pods of other nodes the address of its own" in text


def test_containers_on_a_bridge_are_not_seen_as_they_are(tmp_path: Path) -> None:
    flow = "{from: gw, to: host1, allow: any, nat: never}"

    text = said(tmp_path, flow, gw="firewalld: masked\n    docker: {network: bridge}")
    kept = said(tmp_path, flow, gw="firewalld: masked\n    docker: {network: host}")

    assert "error: flows.one.nat: Docker gives what containers of gw send the node's own address" in text
    assert kept == ""


def test_two_equal_routers_have_to_be_told_apart(tmp_path: Path) -> None:
    flow = "{from: host2, to: host1, allow: any}"

    assert "gw and gw2 lead from b to a equally well; name the one to take in via" in said(
        tmp_path, flow, more=SECOND_ROUTER
    )


def test_via_tells_two_equal_routers_apart(tmp_path: Path) -> None:
    flow = "{from: host2, to: host1, allow: any, via: [gw]}"

    assert said(tmp_path, flow, more=SECOND_ROUTER) == ""


def test_flows_that_want_different_routes_are_refused(tmp_path: Path) -> None:
    flow = "{from: host1, to: host2, allow: any, via: [gw]}\n  two: {from: host1, to: host2, allow: any, via: [gw2]}"

    text = said(tmp_path, flow, more=SECOND_ROUTER)

    ways = "via 10.1.0.1 on eth0 for one and via 10.1.0.2 on eth0 for two"
    assert f"host1 would reach 10.2.0.0/24 {ways}; let them take one way, by the same router in via" in text


def test_a_flow_within_one_segment_cannot_be_denied(tmp_path: Path) -> None:
    unmanaged = "nas: {os: unmanaged, interfaces: {eth0: {network: a, address: 10.1.0.50}}}"

    text = said(tmp_path, "{from: host1, to: nas, deny: any}", more=unmanaged)

    assert "no rule could refuse this flow" in text


@pytest.mark.parametrize(
    ("gw", "b", "message"),
    [
        pytest.param("firewalld: running", "", "firewalld runs on gw, on the way of one:", id="firewalld"),
        pytest.param(
            "{firewalld: masked, docker: true}", "", "Docker sets the policy of its forward chain to drop", id="docker"
        ),
        pytest.param(
            "firewalld: masked",
            ", router: gw, libvirt: {bridge: eth1, forward: nat}",
            "traffic through b is wanted, but libvirt's mode nat rewrites the source",
            id="libvirt-nat",
        ),
    ],
)
def test_rules_that_are_not_in_our_files_are_warned_of(tmp_path: Path, gw: str, b: str, message: str) -> None:
    gw = gw.strip("{}").replace(", ", "\n    ")

    assert message in said(tmp_path, "{from: host1, to: host2, allow: any}", gw=gw, b=b)


def test_a_stated_route_that_leads_another_way_is_warned_of(tmp_path: Path) -> None:
    other = (
        "odd: {os: rocky10, routes: [{to: b, via: gw2}], interfaces: {eth0: {network: a, address: 10.1.0.12}}}\n  "
        + SECOND_ROUTER
    )

    text = said(tmp_path, "{from: odd, to: host2, allow: any, via: [gw]}", more=other)

    assert "odd goes to 10.2.0.0/24 via 10.1.0.2, while one would go via 10.1.0.1" in text


def test_routes_on_an_unmanaged_device_are_handed_over(tmp_path: Path) -> None:
    edge = (
        "edge: {os: unmanaged, forward: true, interfaces: "
        "{lan0: {network: b, address: 10.2.0.9}, lan1: {network: c, address: 10.3.0.9}}}"
    )

    text = said(tmp_path, "{from: host1, to: host3, allow: any}", more=edge)

    assert (
        "warning: nodes.edge: one needs 1 route on edge, which netwright does not configure; hand over edge/handoff.md"
        in text
    )


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        pytest.param("", True, id="none"),
        pytest.param(", routes: [{to: a, via: 10.2.0.1}]", False, id="all"),
        pytest.param(", routes: [{to: c, via: 10.2.0.1}]", True, id="another"),
    ],
)
def test_routes_of_a_device_that_nobody_configures_are_told_unless_it_states_them(
    tmp_path: Path, routes: str, told: bool
) -> None:
    device = f"printer: {{os: unmanaged, interfaces: {{eth0: {{network: b, address: 10.2.0.9}}}}{routes}}}"

    text = said(tmp_path, "{from: host1, to: printer, allow: [icmp]}", more=device)

    assert ("need 1 route on printer" in text or "needs 1 route on printer" in text) is told, text
