"""The two guides and their corrections, wired from their topologies: each gives what was measured with real packets."""

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from netwright.production.production import prepare
from netwright.text.report import Severity, render_text
from netwright.verify import Flow, Traffic, Verification, verify
from netwright.verify import render_text as render_verification
from netwright.verify_input import assume, wire
from netwright.write import generate
from tests.verify.reference import HERE, INGRESS_TO_PODS, ranges

ROUTED = (HERE / "reference.yaml").read_text(encoding="utf-8")
"""Separate bridges, every pod network routed to its owner, load balancers and nodes by their default route."""
STRICT = (HERE / "guide.yaml").read_text(encoding="utf-8")
SHARED = STRICT.replace("    forward: true\n", "    forward: true\n    rp_filter: off\n")
"""The first guide as written on one segment, every pod network routed to its owner."""
PERMISSIVE = "    forward: true\n    rp_filter: off\n"
"""The host of the shared segment as it was measured: Rocky's own sysctl.d would filter strictly."""

ONLINK = "routes: [{to: 10.42.6.0/24, via: 10.17.4.25, dev: eth0, onlink: true}], "
AS_WRITTEN = ROUTED.replace("[rocky, ingress], interfaces", f"[rocky, ingress], {ONLINK}interfaces")
POD_ROUTES = "".join(line for line in ROUTED.splitlines(keepends=True) if "- {to: 10.42." in line)
HEADING = "    routes:                                   # every pod network by the node that owns it\n"
TO_WORKER2 = replace(INGRESS_TO_PODS, destinations=ranges("10.42.6.0/24"))


def prove(folder: Path, topology: str, *flows: Flow, edit: Callable[[Path], None] = lambda _: None) -> Verification:
    """Prove flows that the topology does not know of in files that are generated from it, and edited."""
    (folder / "topology.yaml").write_text(topology, encoding="utf-8")
    production, report = prepare(str(folder / "topology.yaml"))
    assert production is not None, render_text(report)
    with closing(production):
        generate(folder / "out", production.nodes, production.build, fingerprint="guide")
    edit(folder / "out")
    return verify(folder / "out", wire(production.resolved), flows, assume(production.resolved))


def change(topology: str, *changes: tuple[str, str]) -> str:
    """The topology with each text, which it must hold, replaced by another."""
    for before, after in changes:
        assert before in topology
        topology = topology.replace(before, after)
    return topology


def failures(verification: Verification) -> set[tuple[str, tuple[str, ...]]]:
    """Return why flows fail, and where."""
    return {
        (finding.kind, finding.nodes)
        for finding in verification.findings
        if finding.flows and finding.severity is Severity.ERROR
    }


PROXY_ARP = [
    (HEADING + POD_ROUTES, ""),
    (
        "virbr_kube01: {network: kube01, address: 10.17.3.1}",
        "virbr_kube01: {network: kube01, address: 10.17.3.1, proxy_arp: true}",
    ),
]


@pytest.mark.parametrize(
    ("changes", "kind", "nodes"),
    [([], "ARP_UNANSWERED", ("lb1", "lb2")), (PROXY_ARP, "NO_ROUTE", ("router",))],
    ids=["as written", "with proxy ARP"],
)
def test_first_guide_fails_on_separate_bridges(
    tmp_path: Path, changes: Sequence[tuple[str, str]], kind: str, nodes: tuple[str, ...]
) -> None:
    verification = prove(tmp_path, change(AS_WRITTEN, *changes), TO_WORKER2)

    assert failures(verification) == {(kind, nodes)}


def test_pod_routes_on_the_host_and_plain_routes_work_on_separate_bridges(tmp_path: Path) -> None:
    verification = prove(tmp_path, ROUTED, INGRESS_TO_PODS)

    assert verification.proved, render_verification(verification)


@pytest.mark.parametrize("mode", ["nat", "route"])
def test_libvirt_rejects_what_it_routes_itself(tmp_path: Path, mode: str) -> None:
    verification = prove(tmp_path, change(ROUTED, ("forward: open", f"forward: {mode}")), INGRESS_TO_PODS)

    assert {kind for kind, _ in failures(verification)} == {"FILTERED"}
    assert "libvirt" in verification.findings[0].cause


def test_first_guide_works_on_a_shared_segment(tmp_path: Path) -> None:
    verification = prove(tmp_path, SHARED, INGRESS_TO_PODS)

    assert verification.proved, render_verification(verification)


def test_a_pod_network_routed_to_a_node_that_does_not_own_it_hides_the_source(tmp_path: Path) -> None:
    moved = change(
        SHARED,
        ("pod_cidr: [10.42.6.0/24, 10.42.9.0/24]", "pod_cidr: 10.42.6.0/24"),
        ("worker4: {groups: [cluster, workers],", "worker4: {groups: [cluster, workers], pod_cidr: 10.42.9.0/24,"),
    )

    verification = prove(tmp_path, moved, INGRESS_TO_PODS)

    assert failures(verification) == {("WRONG_NODE", ("lb1", "lb2"))}


STATEFUL = "    firewall: {forward: {policy: drop, rules: [{from: ingress, to: pods, allow: any}]}}\n"
FILTERING = PERMISSIVE.replace("off", "strict")


def forbid_forwarding(out: Path) -> None:
    """Turns forwarding off on the KVM host, which no topology may."""
    for name in ("cloud-init/user-data", "rootfs/etc/sysctl.d/99-zz-netwright.conf"):
        path = out / "kvm" / name
        path.write_text(change(path.read_text(), ("ip_forward = 1", "ip_forward = 0")))


def leave_alone(_: Path) -> None:
    """The files as they were generated."""


HOSTS = pytest.mark.parametrize(
    ("host", "edit", "kind"),
    [
        (PERMISSIVE + STATEFUL, leave_alone, "CT_INVALID"),
        (FILTERING, leave_alone, "RPF_DROP"),
        (PERMISSIVE, forbid_forwarding, "FORWARDING_OFF"),
    ],
    ids=["stateful", "strict rp_filter", "no forwarding"],
)


@HOSTS
def test_replies_through_the_host_of_a_shared_segment_die_there(
    tmp_path: Path, host: str, edit: Callable[[Path], None], kind: str
) -> None:
    verification = prove(tmp_path, change(SHARED, (PERMISSIVE, host)), INGRESS_TO_PODS, edit=edit)

    assert failures(verification) == {(kind, ("kvm",))}


ON_LINK = [
    ("{to: 10.17.3.0/24, via: 10.17.4.1, dev: eth0}", "{to: 10.17.3.0/24, dev: eth0}"),
    ("    os: rocky9\n    routes:\n", "    os: rocky9\n    routes:\n      - {to: 10.17.4.0/24, dev: eth0}\n"),
]


@HOSTS
def test_on_link_routes_keep_replies_from_the_host_of_a_shared_segment(
    tmp_path: Path, host: str, edit: Callable[[Path], None], kind: str
) -> None:
    topology = change(SHARED, (PERMISSIVE, host), *ON_LINK)

    verification = prove(tmp_path, topology, INGRESS_TO_PODS, edit=edit)

    assert verification.proved, render_verification(verification)


API_LB_OUT = Flow(
    name="api-lb-to-internet",
    sources=ranges("192.168.0.30/32"),
    destinations=(),
    to_internet=True,
    traffic=(Traffic(protocol="tcp", ports=(443, 443)),),
)


def drop_invalid(out: Path) -> None:
    """Lets the KVM host drop what belongs to no connection, as most stateful rulesets do."""
    for name in ("cloud-init/user-data", "rootfs/etc/nftables/netwright.nft"):
        path = out / "kvm" / name
        known = re.compile(r"^([ \t]+)(ct state .*established.* accept)$", re.MULTILINE)
        edited, count = known.subn(r"\1\2\n\1ct state invalid drop", path.read_text())
        assert count
        path.write_text(edited)


def test_second_guides_first_configuration_is_refuted_behind_a_stateful_host(tmp_path: Path) -> None:
    topology = change(
        ROUTED,
        ("  api-lb:\n", "  api-lb:\n    default_route: {via: kvm}\n"),
        ("        rules:\n", "        rules:\n          - {from: api-lb, out: eth0, allow: any}\n"),
    )

    verification = prove(tmp_path, topology, API_LB_OUT, edit=drop_invalid)

    assert failures(verification) == {("CT_INVALID", ("kvm",))}
    assert ("REDIRECT", ("kvm",)) in {(finding.kind, finding.nodes) for finding in verification.findings}


def test_second_guides_second_configuration_works(tmp_path: Path) -> None:
    verification = prove(tmp_path, ROUTED, API_LB_OUT)

    assert verification.proved, render_verification(verification)
