"""The reference network, proved from its files; and nothing that flows derived is superfluous."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from netwright.explain.fact import Fact
from netwright.explain.facts import facts_of
from netwright.plan.types import NodePlan
from netwright.production.production import Production, prepare
from netwright.text.report import render_text
from netwright.verify import Verification, verify
from netwright.verify_input import assume, state_flows, wire
from netwright.write import generate
from tests.netwright import PROJECT, netwright

REFERENCE = PROJECT / "topology.yaml"
GOLDEN = sorted(path.parent for path in (PROJECT / "tests" / "golden").glob("flows-*/topology.yaml"))


FRAME = ("chain forward with policy", "masquerade")
"""Facts that make no flow work. The masquerade hides the networks from a router that might know their return routes."""


def open_production(topology: Path) -> Production:
    production, report = prepare(str(topology))
    assert production is not None, render_text(report)
    return production


def prove(production: Production, out: Path) -> Verification:
    resolved = production.resolved
    return verify(out, wire(resolved), state_flows(resolved), assume(resolved))


def test_the_committed_output_is_proved_without_a_warning() -> None:
    run = netwright("verify", str(REFERENCE), "-o", str(PROJECT / "out"), cwd=PROJECT)

    assert run.status == 0
    assert run.stdout.endswith("8 of 8 flows proved; 0 causes of failure, 0 warnings\n")


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_what_flows_derive_is_proved(case: Path) -> None:
    with closing(open_production(case / "topology.yaml")) as production:
        verification = prove(production, case / "out")

    failures = [finding for finding in verification.findings if finding.severity == "error"]
    assert failures == []
    assert [result.flow.name for result in verification.flows if not result.proved] == []


def test_a_refuted_flow_is_exit_status_1_and_shows_its_way(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "out", tmp_path / "out")
    network = tmp_path / "out/kvm/libvirt/kube02.xml"
    network.write_text(network.read_text().replace('gateway="10.17.4.25"', 'gateway="10.17.4.24"'))

    run = netwright("verify", str(REFERENCE), "-o", str(tmp_path / "out"), "--format", "json", cwd=PROJECT)

    document = json.loads(run.stdout)
    assert run.status == 1
    assert [flow["name"] for flow in document["flows"] if not flow["proved"]] == ["ingress-to-pods"]
    assert "WRONG_NODE" in {finding["kind"] for finding in document["findings"]}


def test_an_absent_output_is_said(tmp_path: Path) -> None:
    run = netwright("verify", str(REFERENCE), "-o", str(tmp_path / "none"), cwd=PROJECT)

    assert run.status == 2
    assert "does not exist; run netwright generate first" in run.stderr


def derived_facts(production: Production) -> Iterator[tuple[NodePlan, Fact]]:
    """Return what flows derived for nodes of ours, but for the frame of chains; one of several nodes alike. What the
    topology states is there for itself, although flows use it."""
    for node in ("kvm", "lb1", "haproxy1", "master2", "worker4"):
        plan = production.plan(node)
        for fact in facts_of(plan):
            if fact.flows and "routes" not in fact.cause and not fact.title.startswith(FRAME):
                yield plan, fact


def test_without_any_one_thing_that_flows_derived_some_flow_breaks(tmp_path: Path) -> None:
    with closing(open_production(REFERENCE)) as production:
        superfluous = []
        for plan, fact in derived_facts(production):
            if plan.name != "kvm" and "known connections" in fact.title:
                continue  # for replies to what the LAN may start one day; no flow of this network does
            changed = production.build_plan(fact.without(plan))
            generate(
                tmp_path / "out",
                production.nodes,
                lambda name, node=plan.name, changed=changed: changed if name == node else production.build(name),  # type: ignore[misc]
                fingerprint=f"{plan.name} {fact.title}",
            )
            if prove(production, tmp_path / "out").proved:
                superfluous.append(f"{plan.name}: {fact.title}")

    assert superfluous == []
