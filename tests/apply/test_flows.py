"""The flows while machines change one by one: what breaks on the way is found, unless the plan has named it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from netwright.apply.flows import FlowProof
from netwright.production.production import Production, prepare
from netwright.rollout.mixing import Transition
from netwright.rollout.ordering import open_explorer
from netwright.rollout.values import Break, BrokenFlow, Step
from netwright.verify.network_model.live_machine import Record
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.wiring import HeldAddress
from netwright.verify_input.wiring import state_flows
from tests.netwright import netwright

TOPOLOGY = """\
version: 1
name: two-routers
networks: {a: {cidr: 10.1.0.0/24}, b: {cidr: 10.2.0.0/24}}
nodes:
  app: {os: rocky10, interfaces: {eth0: {network: a, address: 10.1.0.11}}}
  db: {os: flatcar, interfaces: {eth0: {network: b, address: 10.2.0.11}}}
  r1:
    os: rocky10
    forward: true
    interfaces: {eth0: {network: a, address: 10.1.0.1}, eth1: {network: b, address: 10.2.0.1}}
  r2:
    os: rocky10
    forward: true
    firewall: {forward: {policy: drop}}
    interfaces: {eth0: {network: a, address: 10.1.0.2}, eth1: {network: b, address: 10.2.0.2}}
flows:
  questions: {from: [app], to: [db], allow: [tcp/5432], via: [r1]}
"""
CHANGED = ("app", "db", "r1", "r2")


class _Change:
    """The change of the flow's way from r1 to r2."""

    def __init__(self, transition: Transition, production: Production) -> None:
        self._transition, self._flows = transition, state_flows(production.resolved)

    def proof(self, *steps: Step) -> FlowProof:
        """What is known before any machine has changed."""
        return FlowProof(self._transition.again(), self._flows, steps)


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Change]:
    folder = tmp_path_factory.mktemp("flows")
    for out, text in (("was", TOPOLOGY), ("now", TOPOLOGY.replace("via: [r1]", "via: [r2]"))):
        (folder / "topology.yaml").write_text(text)
        assert netwright("generate", "-q", "-o", out, cwd=folder).status == 0
    production, _ = prepare(str(folder / "topology.yaml"))
    assert production is not None
    with contextlib.closing(production):
        explorer = open_explorer(Path(folder, "was"), Path(folder, "now"), CHANGED, production.resolved, None)
        yield _Change(explorer.transition, production)


def test_in_the_order_of_the_plan_no_flow_breaks(change: _Change) -> None:
    proof = change.proof()

    assert [proof.broken(node, {}) for node in ("r1", "r2", "app", "db")] == [None] * 4


def test_a_machine_before_its_turn_breaks_the_flow_and_is_taken_back(change: _Change) -> None:
    proof = change.proof()

    found = proof.broken("app", {})

    assert found is not None
    begin = "the flow questions held before and does not now: tcp/5432 from 10.1.0.11 to 10.2.0.11: "
    assert found.startswith(begin)
    assert "(app -> r2)" in found
    proof.take_back("app", None)
    assert [proof.broken(node, {}) for node in ("r1", "r2", "app")] == [None] * 3


def test_what_the_plan_says_to_break_does_not_end_the_run(change: _Change) -> None:
    example = Break(flow="questions", source="", destination="", traffic="", verdict="")
    breaking = Step(nodes=("app",), broken=(BrokenFlow(example=example, until=2),))

    until = change.proof(breaking, Step(nodes=("r2",)), Step(nodes=("r1", "db")))
    over = change.proof(Step(nodes=("r2",)), breaking, Step(nodes=("db",)))

    assert [until.broken(node, {}) for node in ("app", "r2")] == [None] * 2
    assert over.broken("db", {}) is not None


def test_holders_of_one_address_are_looked_at_again_with_each_other() -> None:
    held = tuple(
        HeldAddress(ip=cast(AddressNumber, ip), node=node, interface="eth0")
        for ip, node in ((1, "lb1"), (1, "lb2"), (2, "lb2"), (2, "lb3"))
    )
    proof = FlowProof(cast(Transition, SimpleNamespace(held=held)), (), ())
    assert proof.companions("lb2") == ()

    proof.note({node: cast(Record, None) for node in ("lb1", "lb2", "lb3", "app")})

    assert proof.companions("lb1") == ("lb2",)
    assert proof.companions("lb2") == ("lb1", "lb3")
    assert proof.companions("app") == ()
