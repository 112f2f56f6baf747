"""Traffic that is blocked only because a machine does not forward."""

import json
from pathlib import Path

import pytest

from tests.lab.running import replace_delivered
from tests.netwright import netwright
from tests.proving.small import TOPOLOGY, change

OFF = ("net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0")
UNFILTERED = ("policy drop;", "policy accept;")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The small network, generated."""
    (tmp_path / "topology.yaml").write_text(change(TOPOLOGY, ("closed: {from: [back]", "closed: {from: [w1]")))
    assert netwright("generate", "-q", cwd=tmp_path).status == 0
    return tmp_path


def refuted(project: Path, *flows: str) -> list[tuple[str, list[str], str]]:
    """Kind, nodes and cause of what is found of some flows."""
    named = [word for flow in flows for word in ("--flow", flow)]
    found = json.loads(netwright("verify", *named, "--no-repair", "--format", "json", cwd=project).stdout)
    return [(one["kind"], one["nodes"], one["cause"]) for one in found["findings"] if one["flows"]]


def test_a_rule_refuses_whoever_turns_forwarding_on(project: Path) -> None:
    replace_delivered(project / "out", "host", *OFF)

    assert refuted(project, "closed") == []


def test_forwarding_that_libvirt_turns_on_keeps_nothing_out(project: Path) -> None:
    out = project / "out"
    replace_delivered(out, "host", *OFF)
    replace_delivered(out, "host", *UNFILTERED)
    replace_delivered(out, "host", "tcp dport 22 drop", "tcp dport 22 counter")

    assert refuted(project, "closed") == [
        (
            "UNKNOWN",
            ["host"],
            "the denied flow closed may arrive: libvirt turns forwarding on as it starts; refuse it by a rule",
        )
    ]


def test_a_flow_that_must_arrive_is_not_left_to_libvirt(project: Path) -> None:
    replace_delivered(project / "out", "host", *OFF)

    assert [kind for kind, *_ in refuted(project, "ssh")] == ["FORWARDING_OFF"]


INTO_INPUT = ("hook prerouting priority mangle", "hook input priority filter")
CONFIG = """\
variant: flatcar
version: 1.0.0
storage: {files: [{path: /etc/rancher/k3s/config.yaml, contents: {inline: "%s"}}]}
"""


def cluster(folder: Path, told: str = "") -> Path:
    """The small network with a flow that a Kubernetes node refuses, generated; K3s's servers are told something."""
    ports = {"ssh-of-w1": "tcp/22", "web": "tcp/80", "service": "udp/31000", "all": "tcp, udp, icmp"}
    refused = "\n  ".join(f"{name}: {{from: [w2], to: [w1], deny: [{port}]}}" for name, port in ports.items())
    server = (
        "workers: {os: flatcar, kubernetes: agent}",
        "workers: {os: flatcar, kubernetes: server, butane: [k3s.bu]}",
    )
    changes = (("closed: {from: [back], to: [lb], deny: [tcp/22]}", refused), server)
    (folder / "topology.yaml").write_text(change(TOPOLOGY, *changes))
    (folder / "k3s.bu").write_text(CONFIG % told)
    assert netwright("generate", "-q", cwd=folder).status == 0
    return folder


def test_a_kubernetes_node_refuses_before_a_service_takes_what_comes(tmp_path: Path) -> None:
    assert refuted(cluster(tmp_path), "ssh-of-w1", "web", "service", "all") == []


def test_what_a_service_may_take_is_not_refused_by_an_input_chain(tmp_path: Path) -> None:
    replace_delivered(cluster(tmp_path, "disable: [traefik]") / "out", "w1", *INTO_INPUT)

    cause = (
        "the denied flow service may arrive: only an input chain refuses it, and kube-proxy leads what is for a Service"
        " on to a pod before; refuse it in prerouting"
    )
    assert refuted(tmp_path, "web") == []
    assert refuted(tmp_path, "service") == [("UNKNOWN", ["w1"], cause)]
