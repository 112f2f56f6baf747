"""The reference network and what was measured on it with real packets: each set-up gives the result it gave then."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify import Assumptions, Flow, Traffic, Verification, parse_prefix, render_json, render_text, verify
from tests.verify.reference import HERE, INGRESS_TO_PODS, generate, ranges, reference_wiring, shared_wiring

TOPOLOGY = (HERE / "reference.yaml").read_text(encoding="utf-8")
GUIDE = (HERE / "guide.yaml").read_text(encoding="utf-8")
POD_ROUTES = "".join(line for line in TOPOLOGY.splitlines(keepends=True) if "- {to: 10.42." in line)
ONLINK = "routes: [{to: 10.42.6.0/24, via: 10.17.4.25, dev: eth0, onlink: true}], "

AS_WRITTEN = TOPOLOGY.replace("[rocky, ingress], interfaces", f"[rocky, ingress], {ONLINK}interfaces")


def _verify(folder: Path, topology: str, *flows: Flow) -> Verification:
    return verify(generate(folder, topology), reference_wiring(), flows or (INGRESS_TO_PODS,))


def _kinds(verification: Verification) -> set[tuple[str, tuple[str, ...]]]:
    return {
        (finding.kind, finding.nodes)
        for finding in verification.findings
        if finding.flows and finding.severity is Severity.ERROR
    }


def test_every_flow_of_the_reference_network_is_proved(tmp_path: Path) -> None:
    everything = Flow(
        name="pods-to-internet",
        sources=ranges("10.42.0.0/16"),
        destinations=(),
        to_internet=True,
        traffic=(Traffic(protocol="tcp", ports=(443, 443)),),
    )
    api = Flow(
        name="api",
        sources=ranges("192.168.0.30/32", "10.17.4.0/24"),
        destinations=ranges("10.17.5.10/32"),
        traffic=(Traffic(protocol="tcp", ports=(6443, 6443)),),
        nat_allowed=False,
    )

    verification = _verify(tmp_path, TOPOLOGY, INGRESS_TO_PODS, everything, api)

    assert verification.proved, render_text(verification)
    assert verification.unknown == ()
    assert (verification.flows[0].classes, verification.flows[0].pairs) == (28, 2 * 7 * 253 * 2)


def test_a_denied_flow_that_arrives_is_refuted(tmp_path: Path) -> None:
    denied = Flow(
        name="pods-not-to-lan",
        sources=ranges("10.42.0.0/16"),
        destinations=ranges("192.168.0.0/24"),
        traffic=(Traffic(protocol="any"),),
        must_arrive=False,
    )

    verification = _verify(tmp_path, TOPOLOGY, denied)

    assert not verification.proved
    assert ("ACCEPTED", ("api-lb", "kvm", "router")) in _kinds(verification)


def test_a_denied_flow_that_is_filtered_is_proved(tmp_path: Path) -> None:
    denied = Flow(
        name="pods-not-to-haproxy",
        sources=ranges("10.17.3.12/32"),
        destinations=ranges("10.17.5.20/32"),
        traffic=(Traffic(protocol="any"),),
        must_arrive=False,
    )

    assert _verify(tmp_path, TOPOLOGY, denied).proved


def test_the_guide_as_written_asks_the_wrong_segment(tmp_path: Path) -> None:
    topology = AS_WRITTEN
    flow = replace(INGRESS_TO_PODS, destinations=ranges("10.42.6.0/24"))

    verification = _verify(tmp_path, topology, flow)

    assert _kinds(verification) == {("ARP_UNANSWERED", ("lb1", "lb2"))}


def test_proxy_arp_without_pod_routes_leaks_to_the_internet(tmp_path: Path) -> None:
    topology = AS_WRITTEN
    topology = topology.replace(POD_ROUTES, "").replace(
        "    routes:                                   # every", "    # every"
    )
    topology = topology.replace(
        "virbr_kube01: {network: kube01, address: 10.17.3.1}",
        "virbr_kube01: {network: kube01, address: 10.17.3.1, proxy_arp: true}",
    )
    flow = replace(INGRESS_TO_PODS, destinations=ranges("10.42.6.0/24"))

    verification = _verify(tmp_path, topology, flow)

    assert _kinds(verification) == {("NO_ROUTE", ("router",))}
    assert "leaves for the internet" in verification.findings[0].cause


@pytest.mark.parametrize(
    ("before", "after", "kind", "node"),
    [
        ("      - {to: 10.42.6.0/24, via: worker2}\n", "", "NO_ROUTE", "router"),
        ("via: worker2}", "via: worker3}", "WRONG_NODE", "kvm"),
        (
            "- {from: ingress, to: pods, allow: any, comment: load balancers to pods}",
            "- {from: lb1, to: pods, allow: any}",
            "FILTERED",
            "kvm",
        ),
        (
            "forward:\n        policy: drop",
            "forward:\n        stateful: false\n        policy: drop",
            "FILTERED",
            "kvm",
        ),
    ],
    ids=["route missing", "wrong owner", "rule missing", "stateless"],
)
def test_taking_one_thing_away_breaks_the_flow(tmp_path: Path, before: str, after: str, kind: str, node: str) -> None:
    assert TOPOLOGY.count(before) == 1

    verification = _verify(tmp_path, TOPOLOGY.replace(before, after))

    assert _kinds(verification) == {(kind, (node,))}


def test_a_host_that_does_not_forward_breaks_the_flow(tmp_path: Path) -> None:
    out = generate(tmp_path, TOPOLOGY)
    for name in ("cloud-init/user-data", "rootfs/etc/sysctl.d/99-zz-netwright.conf"):
        path = out / "kvm" / name
        path.write_text(path.read_text().replace("ip_forward = 1", "ip_forward = 0"))

    verification = verify(out, reference_wiring(), [INGRESS_TO_PODS])

    assert _kinds(verification) == {("FORWARDING_OFF", ("kvm",))}
    assert str(verification.findings[0].origins[0]) == "kvm/rootfs/etc/sysctl.d/99-zz-netwright.conf:2"


@pytest.mark.parametrize("mode", ["nat", "route"])
def test_libvirts_own_rules_reject_pods_unless_open(tmp_path: Path, mode: str) -> None:
    verification = _verify(tmp_path, TOPOLOGY.replace("forward: open", f"forward: {mode}"))

    assert {kind for kind, _ in _kinds(verification)} == {"FILTERED"}
    assert "libvirt" in verification.findings[0].cause


def test_the_guide_works_on_a_shared_segment_but_for_a_stale_owner(tmp_path: Path) -> None:
    out = generate(tmp_path, GUIDE)
    wiring = shared_wiring()
    moved = tuple(
        replace(pod, node="worker4") if pod.network == parse_prefix("10.42.9.0/24") else pod
        for pod in wiring.pod_networks
    )

    as_written = verify(out, wiring, [INGRESS_TO_PODS], Assumptions(system_sysctls=False))
    stale = verify(out, replace(wiring, pod_networks=moved), [INGRESS_TO_PODS], Assumptions(system_sysctls=False))

    assert as_written.proved, render_text(as_written)
    assert _kinds(stale) == {("WRONG_NODE", ("lb1", "lb2"))}


def test_a_stateful_host_sees_half_of_a_shared_segments_flows(tmp_path: Path) -> None:
    stateful = "    firewall: {forward: {policy: drop, rules: [{from: lb1, to: pods, allow: any}]}}\n"
    topology = GUIDE.replace("    forward: true\n", "    forward: true\n" + stateful)
    out = generate(tmp_path, topology)

    half = verify(out, shared_wiring(), [INGRESS_TO_PODS], Assumptions(system_sysctls=False))
    both = verify(
        out,
        shared_wiring(),
        [replace(INGRESS_TO_PODS, sources=ranges("10.17.3.12/32"))],
        Assumptions(system_sysctls=False, bridge_nf_call_iptables=True),
    )

    assert {kind for kind, nodes in _kinds(half) if nodes == ("kvm",)} == {"CT_INVALID"}
    assert both.proved, render_text(both)


def test_the_second_guides_first_configuration_is_found_to_redirect(tmp_path: Path) -> None:
    topology = TOPOLOGY.replace("  api-lb:\n", "  api-lb:\n    default_route: {via: kvm}\n")
    flow = Flow(
        name="out",
        sources=ranges("192.168.0.30/32"),
        destinations=ranges("192.168.0.1/32"),
        to_internet=True,
        traffic=(Traffic(protocol="tcp", ports=(443, 443)),),
    )

    verification = _verify(tmp_path, topology, flow)

    assert [finding.nodes for finding in verification.findings if finding.kind == "REDIRECT"] == [("kvm",)]
    assert not verification.proved


def test_changed_delivered_bytes_are_unknown_and_unproved(tmp_path: Path) -> None:
    out = generate(tmp_path, TOPOLOGY)
    path = out / "worker2/worker2.ign"
    path.write_text(path.read_text().replace("Gateway%3D10.17.4.1%0A", "Gateway%3D10.17.4.1%0ANonsense%3D1%0A"))

    verification = verify(out, reference_wiring(), [INGRESS_TO_PODS])

    assert {kind for kind, _ in _kinds(verification)} == {"UNKNOWN"}
    assert {line.origin.line for line in verification.unknown} == {16}
    assert {line.text for line in verification.unknown} == {"", "Nonsense=1"}


def test_both_renderings_tell_the_cause_the_way_and_the_assumptions(tmp_path: Path) -> None:
    verification = _verify(tmp_path, TOPOLOGY.replace("      - {to: 10.42.6.0/24, via: worker2}\n", ""))

    text, document = render_text(verification), json.loads(render_json(verification))

    assert "error: NO_ROUTE: router: leaves for the internet for 10.42.6.0/24 (on the way there)" in text
    assert "-> kvm: takes it in by virbr_kube01 and sends it on by 0.0.0.0/0 via 192.168.0.1 dev eth0" in text
    assert "flannel runs with backend vxlan" in text
    assert document["flows"][0]["failed"] == 2 * 253 * 2
    assert document["findings"][0]["example"]["there"][0]["file"].endswith(
        "lb1/rootfs/etc/NetworkManager/system-connections/eth0.nmconnection"
    )


def test_a_flow_must_hold_whichever_node_holds_the_virtual_address(tmp_path: Path) -> None:
    wiring = reference_wiring()
    # The other holder stands in a network whose router the rules do not let through.
    elsewhere = replace(wiring.held[0], node="lb1")
    flow = Flow(
        name="api",
        sources=ranges("192.168.0.30/32"),
        destinations=ranges("10.17.5.10/32"),
        traffic=(Traffic(protocol="tcp", ports=(6443, 6443)),),
    )
    out = generate(tmp_path, TOPOLOGY)

    one = verify(out, wiring, [flow])
    either = verify(out, replace(wiring, held=(*wiring.held, elsewhere)), [flow])

    assert (one.proved, either.proved) == (True, False)
    assert _kinds(either) == {("ARP_UNANSWERED", ("kvm",))}


def test_the_internet_is_one_class_but_for_what_a_rule_or_route_tells_apart(tmp_path: Path) -> None:
    out = generate(tmp_path, TOPOLOGY)
    flow = Flow(
        name="out",
        sources=ranges("10.17.3.12/32"),
        destinations=(),
        to_internet=True,
        traffic=(Traffic(protocol="tcp", ports=(443, 443)),),
    )
    whole = verify(out, reference_wiring(), [flow])
    stateful = "ct state established,related accept"
    for name in ("rootfs/etc/nftables/netwright.nft", "cloud-init/user-data"):
        path = out / "kvm" / name
        path.write_text(path.read_text().replace(stateful, f"{stateful}; ip daddr 8.8.8.0/24 drop"))

    split = verify(out, reference_wiring(), [flow])

    assert [(result.classes, result.failed) for result in (*whole.flows, *split.flows)] == [(1, 0), (2, 256)]
    assert split.unknown == ()
