"""The network whose machines are collected, standing once for all tests of a module."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netwright import netwright
from tests.rigs.live_network import LiveNetwork, standing, write_records

TOPOLOGY = """\
version: 1
name: live
networks:
  front: {cidr: 10.17.3.0/24, router: gw}
  back: {cidr: 10.17.4.0/24, router: gw}
kubernetes:
  pods: {cidr: 10.42.0.0/16}
nodes:
  gw:
    os: rocky10
    forward: true
    firewalld: masked
    sysctl: {net.ipv4.tcp_keepalive_time: 600}
    interfaces: {eth0: {network: front, address: 10.17.3.1}, eth1: {network: back, address: 10.17.4.1}}
    policy_rules: [{priority: 100, from: 10.17.4.0/24, table: 100}]
    routes: [{to: 10.99.0.0/16, via: 10.17.3.12, table: 100, metric: 50}]
  lb1: {os: rocky9, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  worker1:
    os: flatcar
    kubernetes: server
    pod_cidr: 10.42.1.0/24
    default_route: none
    interfaces: {eth0: {network: back, address: 10.17.4.21}}
  worker2:
    os: flatcar
    kubernetes: agent
    pod_cidr: 10.42.2.0/24
    default_route: none
    interfaces: {eth0: {network: back, address: 10.17.4.22}}
flows:
  balancer-to-pods: {from: [lb1], to: [pods], allow: [icmp, tcp/8080], nat: never}
  workers-to-balancer: {from: [worker1, worker2], to: [lb1], allow: [tcp/443]}
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNetwork]:
    """The network that stands."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "topology.yaml").write_text(TOPOLOGY)
    done = netwright("generate", "--quiet", cwd=folder)
    assert done.status == 0, done.stderr
    with standing(folder / "topology.yaml", folder / "out") as network:
        yield network


@pytest.fixture
def project(live: LiveNetwork, tmp_path: Path) -> Path:
    """The topology, OUT, and facts/ with the records of all nodes as they were at first."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    shutil.copytree(live.out, tmp_path / "out")
    write_records(tmp_path / "facts", live.whole)
    return tmp_path
