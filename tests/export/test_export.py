"""What `netwright export` prints, read by the programs that it is for, as far as they are here."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from netwright.lab.machine import File, boot
from netwright.lab.machine import poll as await_that
from tests.netwright import netwright

TOPOLOGY = """\
version: 1
name: exported
domain: lab.example
networks:
  lan: {cidr: 10.0.0.0/24, router: gw}
  storage: {cidr: 10.9.0.0/24, vlan: 9}
groups:
  web-servers: {os: rocky10, firewalld: masked}
nodes:
  gw: {os: unmanaged, internet: true, interfaces: {eth0: {network: lan, address: 10.0.0.1}}}
  web1:
    groups: [web-servers]
    interfaces:
      eth0: {network: storage, address: 10.9.0.11}
      eth1: {network: lan, address: 10.0.0.11, mac: 52:54:00:00:00:11}
  db:
    groups: [web-servers]
    hostname: data.other.example
    interfaces: {eth0: {networks: {lan: [10.0.0.12, 10.0.0.13]}}}
virtual_addresses:
  www: {address: 10.0.0.100, holders: [web1], serves: {https: {port: 443}}}
"""
HEADER = "# Written by netwright; edit the topology instead.\n"
HOSTS = """\
10.0.0.1 gw.lab.example gw
10.9.0.11 web1-storage.lab.example web1-storage
10.0.0.11 web1.lab.example web1
10.0.0.12 data.other.example data db
10.0.0.13 data-lan.other.example data-lan
10.0.0.100 www.lab.example www
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the topology."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    return tmp_path


def exported(project: Path, form: str) -> str:
    run = netwright("export", "--format", form, cwd=project)
    assert (run.status, run.stderr) == (0, "")
    return run.stdout


def test_hosts_has_every_address_once(project: Path) -> None:
    assert exported(project, "hosts") == HEADER + HOSTS


def test_coredns_gets_the_same_names(project: Path) -> None:
    lines = "".join(f"    {line}\n" for line in HOSTS.splitlines())

    assert exported(project, "coredns") == f"{HEADER}hosts {{\n{lines}    fallthrough\n}}\n"


def test_dnsmasq_answers_for_every_name(project: Path) -> None:
    if shutil.which("dnsmasq") is None:
        pytest.skip("needs dnsmasq")
    wanted = {name: line.split()[0] for line in HOSTS.splitlines() for name in line.split()[1:]}
    with boot("server") as (machine,):
        machine.install([File(path="/etc/exported.conf", content=exported(project, "dnsmasq").encode())])
        machine.run("ip", "link", "set", "lo", "up")
        command = (
            "dnsmasq",
            "--no-daemon",
            "--no-resolv",
            "--no-hosts",
            "--user=root",
            "--conf-file=/etc/exported.conf",
        )
        with machine.daemon(*command):
            python = "import socket, sys; print(*(socket.gethostbyname(one) for one in sys.argv[1:]))"
            machine.run("sh", "-c", "echo nameserver 127.0.0.1 >/etc/resolv.conf; echo hosts: dns >/etc/nsswitch.conf")

            def is_answered() -> bool:
                return machine.run("python3", "-c", python, *wanted, check=False).stdout.split() == [*wanted.values()]

            assert await_that(is_answered, seconds=20, interval=0.5)


def test_json_has_groups_and_defaults_worked_out(project: Path) -> None:
    document = json.loads(exported(project, "json"))

    web = document["nodes"]["web1"]
    assert (web["os"], web["address"], web["provisioning"]) == ("rocky10", "10.0.0.11", "cloud-init")
    assert web["interfaces"]["eth1"] == {
        "mac": "52:54:00:00:00:11",
        "segment": "lan",
        "addresses": [{"network": "lan", "address": "10.0.0.11", "prefix": 24}],
    }
    assert document["networks"]["storage"]["vlan"] == 9
    assert document["virtual_addresses"] == {
        "www": {"address": "10.0.0.100", "holders": ["web1"], "ports": {"https": 443}}
    }


def test_json_has_pools_and_forwards_with_their_addresses(project: Path) -> None:
    pools = "pools: {ips: {addresses: 10.0.0.200/30, announced_by: arp, by: [web-servers]}}\n"
    forwards = "forwards: {web: {at: gw, from: lan, port: tcp/443, to: web1@storage, to_port: 8443}}\n"
    (project / "topology.yaml").write_text(TOPOLOGY + pools + forwards)

    document = json.loads(netwright("export", cwd=project).stdout)

    assert document["pools"] == {
        "ips": {"first": "10.0.0.200", "last": "10.0.0.203", "announced_by": "arp", "by": ["web-servers"], "at": None}
    }
    assert document["forwards"]["web"] == {
        "at": "gw",
        "addresses": ["10.0.0.1"],
        "from": ["lan"],
        "ports": [{"protocol": "tcp", "first": 443, "last": 443, "to_first": 8443, "to_last": 8443}],
        "to": "web1@storage",
        "to_address": "10.9.0.11",
    }


def test_tfvars_are_variables_of_terraform(project: Path) -> None:
    variables = json.loads(exported(project, "tfvars"))

    assert [*variables] == ["networks", "nodes", "kubernetes", "virtual_addresses", "pools", "forwards", "cluster"]
    assert variables["nodes"] == json.loads(exported(project, "json"))["nodes"]


def test_ansible_gets_an_inventory_with_the_groups(project: Path) -> None:
    inventory = yaml.safe_load(exported(project, "ansible"))["all"]

    assert {name: host["ansible_host"] for name, host in inventory["hosts"].items()} == {
        "gw": "10.0.0.1",
        "web1": "10.0.0.11",
        "db": "10.0.0.12",
    }
    assert {name: [*group["hosts"]] for name, group in inventory["children"].items()} == {
        "web_servers": ["web1", "db"],
        "unmanaged": ["gw"],
    }


def test_a_topology_with_errors_is_not_exported(project: Path) -> None:
    (project / "topology.yaml").write_text(TOPOLOGY.replace("10.0.0.1}", "10.0.1.1}"))

    run = netwright("export", cwd=project)

    assert (run.status, run.stdout) == (2, "")
    assert "10.0.1.1" in run.stderr
