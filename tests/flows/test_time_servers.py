"""Time servers behind filters of ours, as name servers: asked though no flow says so, and nothing else is opened."""

from pathlib import Path

import pytest

from netwright import verify
from netwright.production.production import prepare
from netwright.verify import Flow, Traffic, parse_ip
from netwright.verify_input.wiring import wire
from tests.flows.proofs import prove_production

TOPOLOGY = """\
version: 1
name: ntp
ntp: [SERVERS]
networks: {front: {cidr: 10.17.3.0/24, router: gw}, back: {cidr: 10.17.4.0/24, router: gw}}
nodes:
  gw: {os: rocky10, firewalld: masked, forward: true, ntp: [0.pool.ntp.org],
    GATEWAY firewall: {input: {policy: drop}, forward: {policy: drop}},
    interfaces: {eth0: {network: front, address: 10.17.3.1}, eth1: {network: back, address: 10.17.4.1}}}
  ntp1: {os: rocky10, firewalld: masked, ntp: [gw], firewall: {input: {policy: drop}},
    interfaces: {eth0: {network: front, address: 10.17.3.11}}}
  ntp2: {os: rocky10, firewalld: masked, ntp: [gw], firewall: {input: {policy: drop}},
    interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  worker1: {os: flatcar, interfaces: {eth0: {network: back, address: 10.17.4.24}}}
  guest: {os: unmanaged, interfaces: {eth0: {network: back, address: 10.17.4.99}}}
virtual_addresses:
  time: {address: 10.17.3.30, holders: [ntp1, ntp2], vrrp: {id: 51}}
"""
INSIDE, OUTSIDE = "default_route: none,", "internet: true, default_route: none,"
CHRONY = "etc/chrony.d/10-netwright.conf"
QUESTION = (Traffic(protocol="udp", ports=(123, 123)),)


def _generate(folder: Path, servers: str, gateway: str = INSIDE) -> verify.Wiring:
    path = folder / "topology.yaml"
    path.write_text(TOPOLOGY.replace("SERVERS", servers).replace("GATEWAY", gateway), encoding="utf-8")
    production, _ = prepare(str(path))
    assert production is not None
    prove_production(production, folder / "out")
    production.close()
    return wire(production.resolved)


def _is_answered(
    folder: Path, wiring: verify.Wiring, source: str, server: str, traffic: tuple[Traffic, ...] = QUESTION
) -> bool:
    ends = [parse_ip(text) for text in (source, server)]
    ranges = [((ip, ip),) for ip in ends if ip is not None]
    flow = Flow(name="question", sources=ranges[0], destinations=ranges[1], traffic=traffic)
    found = verify.verify(folder / "out", wiring, (flow,), verify.Assumptions(cni="none"))
    return found.flows[0].proved


def _written(folder: Path, node: str, path: str) -> list[str]:
    return (folder / "out" / node / "rootfs" / path).read_text().splitlines()


@pytest.mark.parametrize("server", ["ntp1", "10.17.3.11", "ntp1@front"])
def test_a_server_of_ours_is_reached_and_lets_its_askers_in(tmp_path: Path, server: str) -> None:
    wiring = _generate(tmp_path, server)

    assert _is_answered(tmp_path, wiring, "10.17.4.24", "10.17.3.11")
    assert not _is_answered(tmp_path, wiring, "10.17.4.24", "10.17.3.11", (Traffic(protocol="tcp", ports=(123, 123)),))
    assert not _is_answered(tmp_path, wiring, "10.17.4.99", "10.17.3.11")
    assert "allow 10.17.4.24" in _written(tmp_path, "ntp1", CHRONY)
    assert "NTP=10.17.3.11" in _written(tmp_path, "worker1", "etc/systemd/timesyncd.conf.d/10-netwright.conf")


def test_every_holder_of_a_virtual_address_answers(tmp_path: Path) -> None:
    wiring = _generate(tmp_path, "time")

    assert _is_answered(tmp_path, wiring, "10.17.4.24", "10.17.3.30")
    for holder in ("ntp1", "ntp2"):
        assert "allow 10.17.4.24" in _written(tmp_path, holder, CHRONY)


def test_a_server_that_dns_knows_is_asked_on_the_internet_only(tmp_path: Path) -> None:
    wiring = _generate(tmp_path, "time.example.com", OUTSIDE)

    assert _is_answered(tmp_path, wiring, "10.17.4.24", "8.8.8.8")
    assert not _is_answered(tmp_path, wiring, "10.17.4.24", "8.8.8.8", (Traffic(protocol="udp", ports=(124, 124)),))
    assert not _is_answered(tmp_path, wiring, "10.17.4.99", "8.8.8.8")
    assert not _is_answered(tmp_path, wiring, "10.17.4.24", "10.17.3.11")


def test_a_node_does_not_ask_itself(tmp_path: Path) -> None:
    topology = TOPOLOGY.replace("ntp: [gw]", "ntp: [ntp1, 10.17.3.12, gw]")
    (tmp_path / "topology.yaml").write_text(topology.replace("SERVERS", "ntp1").replace("GATEWAY", INSIDE))
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None

    prove_production(production, tmp_path / "out")

    production.close()
    assert [line.split()[1] for line in _written(tmp_path, "ntp1", CHRONY) if "iburst" in line] == [
        "10.17.3.12",
        "10.17.3.1",
    ]
