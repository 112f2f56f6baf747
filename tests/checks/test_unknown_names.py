"""A slip in one name is one finding, which says where else it stands; what would go with it is left out."""

from pathlib import Path

import pytest

from netwright.production.read import read_topology

TOPOLOGY = """\
version: 1
name: lab
networks:
  front: {cidr: 10.17.3.0/24, router: gateway}
  back: {cidr: 10.17.4.0/24, router: gateway}
kubernetes:
  pods: {cidr: 10.42.0.0/16}
  api: {vip: 10.17.4.10, holders: [worker1]}
groups:
  workers: {os: flatcar, kubernetes: agent}
  ingress: {os: rocky10, routes: [{to: back, via: gateway}]}
nodes:
  gateway:
    os: rocky10
    firewalld: masked
    interfaces:
      eth0: {network: front, address: 10.17.3.1, mac: 52:54:00:17:03:01}
      eth1: {networks: {back: 10.17.4.1}, mac: 52:54:00:17:04:01}
  lb1: {groups: [ingress], interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  worker1: {groups: [workers], pod_cidr: 10.42.1.0/24, interfaces: {eth0: {network: back, address: 10.17.4.21}}}
  worker2: {groups: [workers], pod_cidr: 10.42.2.0/24, interfaces: {eth0: {network: back, address: 10.17.4.22}}}
flows:
  lb-to-pods: {from: [ingress], to: [pods], allow: [tcp/8080], nat: never}
"""


def titles(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "topology.yaml"
    path.write_text(text)
    return [finding.title.removeprefix(f"{path}:") for finding in read_topology(path).report.findings()]


def test_topology_is_correct_without_a_slip(tmp_path: Path) -> None:
    assert titles(tmp_path, TOPOLOGY) == []


@pytest.mark.parametrize(
    ("right", "wrong", "finding"),
    [
        pytest.param(
            "  workers: {os",
            "  wokers: {os",
            '20:22: error: nodes.worker1.groups[0]: no group is called "workers"; did you mean "wokers"? '
            "(the same in nodes.worker2.groups[0])",
            id="group-where-it-is-made",
        ),
        pytest.param(
            "worker1: {groups: [workers]",
            "worker1: {groups: [wokers]",
            '20:22: error: nodes.worker1.groups[0]: no group is called "wokers"; did you mean "workers"?',
            id="group-where-it-is-named",
        ),
        pytest.param(
            "worker1: {groups: [workers]",
            "worker1: {groups: [agents]",
            '20:22: error: nodes.worker1.groups[0]: no group is called "agents"; the known ones are workers, ingress',
            id="group-unlike-any",
        ),
        pytest.param(
            "lb1: {groups: [ingress]",
            "lb1: {groups: [ingres]",
            '19:18: error: nodes.lb1.groups[0]: no group is called "ingres"; did you mean "ingress"?',
            id="group-that-is-left-without-nodes",
        ),
        pytest.param(
            "  back: {cidr",
            "  bakc: {cidr",
            '18:25: error: nodes.gateway.interfaces.eth1.networks.back: no network is called "back"; '
            'did you mean "bakc"? (the same in nodes.worker1.interfaces.eth0.network and 2 more places)',
            id="network-where-it-is-made",
        ),
        pytest.param(
            "networks: {back:",
            "networks: {bakc:",
            '18:25: error: nodes.gateway.interfaces.eth1.networks.bakc: no network is called "bakc"; '
            'did you mean "back"?',
            id="network-where-it-is-named",
        ),
        pytest.param(
            "  gateway:\n",
            "  getaway:\n",
            '4:39: error: networks.front.router: no node is called "gateway"; did you mean "getaway"? '
            "(the same in networks.back.router and groups.ingress.routes[0].via)",
            id="node-where-it-is-made",
        ),
        pytest.param(
            "holders: [worker1]",
            "holders: [woker1]",
            '8:36: error: kubernetes.api.holders[0]: no node is called "woker1"; did you mean "worker1"?',
            id="node-where-it-is-named",
        ),
        pytest.param(
            "{from: [ingress], to: [pods]",
            "{from: [ingres], to: [pod]",
            '23:23: error: flows.lb-to-pods.from[0]: no node, group or network is called "ingres"; '
            'did you mean "ingress"?',
            id="ends-of-a-flow",
        ),
    ],
)
def test_one_slip_is_one_finding(tmp_path: Path, right: str, wrong: str, finding: str) -> None:
    assert TOPOLOGY.count(right) == 1

    found = titles(tmp_path, TOPOLOGY.replace(right, wrong))

    assert found[0] == finding
    assert len(found) == (2 if "to: [pod]" in wrong else 1)


def test_what_is_wrong_besides_is_said_at_once(tmp_path: Path) -> None:
    text = TOPOLOGY.replace("worker1: {groups: [workers]", "worker1: {groups: [wokers]")

    found = titles(tmp_path, text.replace("10.17.4.21", "10.17.4.255").replace("10.42.2.0/24", "10.42.1.0/24"))

    assert [title.split(": ")[2] for title in found] == [
        "nodes.worker1.groups[0]",
        "nodes.worker1.interfaces.eth0.address",
        "nodes.worker2.pod_cidr",
    ]


def test_putting_a_name_right_adds_no_finding(tmp_path: Path) -> None:
    text = TOPOLOGY.replace("lb1: {groups: [ingress]", "lb1: {os: flatcar, groups: [workerz]")

    found = titles(tmp_path, text)

    assert [title.split(": ")[2] for title in found] == ["nodes.lb1.groups[0]", "flows.lb-to-pods.from[0]"]
