"""The ends of what the lab sends: the topology's, whatever verify makes of them."""

from contextlib import closing
from pathlib import Path

import pytest

from netwright.lab import plan_conversations
from netwright.production.production import prepare
from netwright.verify.network_model.building import read_network
from netwright.verify.proof.classes import Cuts
from netwright.verify.values.addresses import format_ip
from netwright.verify_input.wiring import assume, state_flows, wire

PROJECT = Path(__file__).resolve().parents[2]


def _ends() -> dict[str, tuple[set[str], set[str]]]:
    """Return the sources and destinations of each flow of the reference network."""
    production, report = prepare(str(PROJECT / "topology.yaml"))
    assert production is not None, report
    with closing(production):
        resolved = production.resolved
        network = read_network(PROJECT / "out", wire(resolved), assume(resolved))
        trials = plan_conversations(network, state_flows(resolved))
    return {
        trial.flow.name: (
            {format_ip(probe.source) for probe in trial.probes},
            {format_ip(probe.destination) for probe in trial.probes},
        )
        for trial in trials
    }


def test_a_proof_that_overlooks_addresses_leaves_the_lab_its_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _ends()
    monkeypatch.setattr(Cuts, "addresses", lambda *_: ())
    monkeypatch.setattr(Cuts, "traffic", lambda *_: ())

    assert _ends() == asked


def test_nodes_and_the_first_and_last_pods_of_each_are_asked() -> None:
    sources, destinations = _ends()["ingress-to-pods"]

    assert len(sources) == 2
    assert len(destinations) == 14
    assert {ip.rpartition(".")[2] for ip in destinations} == {"2", "254"}
