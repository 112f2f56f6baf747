"""flannel's wireguard-native: what carries it is derived and proved, and a peer takes what its owner's pods send."""

from pathlib import Path

import pytest

from tests.netwright import netwright
from tests.proving.small import change
from tests.tunnels import KEY1

TOPOLOGY = """\
version: 1
name: small
networks:
  one: {cidr: 10.1.0.0/24, router: gw}
  two: {cidr: 10.2.0.0/24, router: gw}
kubernetes:
  pods: {cidr: 10.42.0.0/16, node_prefix: 24}
  cni: {plugin: flannel, backend: wireguard-native}
groups:
  rocky: {os: rocky10, firewalld: masked}
  workers: {os: flatcar, kubernetes: agent}
nodes:
  gw:
    groups: [rocky]
    forward: true
    default_route: none
    firewall: {forward: {policy: drop}}
    interfaces:
      eth0: {network: one, address: 10.1.0.1}
      eth1: {network: two, address: 10.2.0.1}
  lb:
    groups: [rocky]
    interfaces: {eth0: {network: one, address: 10.1.0.12}}
  w1:
    groups: [workers]
    pod_cidr: 10.42.1.0/24
    firewall: {input: {policy: drop}}
    interfaces: {eth0: {network: one, address: 10.1.0.21}}
  w2:
    groups: [workers]
    pod_cidr: 10.42.2.0/24
    interfaces: {eth0: {network: two, address: 10.2.0.22}}
flows:
  pods: {from: pods, to: pods, allow: [tcp/8080]}
  nodes: {from: [w1, w2], to: pods, allow: [tcp/8080]}
"""
RULES = "rootfs/etc/nftables/netwright.nft"
TUNNEL = "udp dport 51820 accept"


def verify(folder: Path, topology: str = TOPOLOGY, *edits: tuple[str, str, str]) -> tuple[int, str]:
    """The exit status of verify and what it prints, once rules of Rocky nodes are edited as (node, before, after)."""
    (folder / "topology.yaml").write_text(topology)
    made = netwright("generate", "-q", cwd=folder)
    assert made.status == 0, made.stderr
    for node, before, after in edits:
        for path in (folder / "out" / node / RULES, folder / "out" / node / "cloud-init/user-data"):
            text = path.read_text()
            assert before in text, path
            path.write_text(text.replace(before, after))
    run = netwright("verify", "--no-repair", cwd=folder)
    return run.status, run.stdout


def test_the_tunnel_is_let_through_both_ways_and_proved(tmp_path: Path) -> None:
    status, printed = verify(tmp_path)

    assert status == 0, printed
    assert "2 of 2 flows proved" in printed
    for node, source, destination in (
        ("gw", "10.1.0.21", "10.2.0.0/24"),
        ("gw", "10.2.0.22", "10.1.0.0/24"),
        ("w1", "{ 10.1.0.0/24, 10.2.0.0/24 }", "10.1.0.21"),
    ):
        rules = (tmp_path / "out" / node / RULES).read_text()
        assert f"ip saddr {source} ip daddr {destination} {TUNNEL}" in rules
        assert "8472" not in rules


def test_a_router_that_drops_the_tunnel_is_named(tmp_path: Path) -> None:
    status, printed = verify(tmp_path, TOPOLOGY, ("gw", TUNNEL, "udp dport 8472 accept"))

    assert status == 1
    assert "the WireGuard tunnel to w" in printed
    assert "dropped by the policy of chain inet netwright forward" in printed


ROUTED = change(
    TOPOLOGY,
    (
        "    interfaces: {eth0: {network: one, address: 10.1.0.12}}",
        "    routes: [{to: 10.42.2.0/24, via: w1}]\n    interfaces: {eth0: {network: one, address: 10.1.0.12}}",
    ),
    ("flows:\n", "flows:\n  by-w1: {from: lb, to: 10.42.2.0/24, allow: [tcp/8080]}\n"),
)


@pytest.mark.parametrize(
    ("exempt", "status"),
    [("", 0), ("    nat_exempt: [{from: lb, to: 10.42.2.0/24}]\n", 1)],
    ids=["masqueraded", "with its own address"],
)
def test_what_others_send_by_a_node_needs_its_address(exempt: str, status: int, tmp_path: Path) -> None:
    firewall = "    firewall: {input: {policy: drop}}\n"

    found, printed = verify(tmp_path, change(ROUTED, (firewall, firewall + exempt)))

    assert found == status, printed
    assert ("SOURCE_NOT_ALLOWED: w2" in printed) == bool(status)
    assert ("takes what comes from w1's pods only" in printed) == bool(status)


def test_the_port_of_flannel_is_free_of_other_tunnels(tmp_path: Path) -> None:
    own = f"wg0: {{wireguard: {{public_key: {KEY1}}}, network: mesh, address: 10.8.0.1}}"
    topology = change(
        TOPOLOGY,
        ("kubernetes:\n", "  mesh: {cidr: 10.8.0.0/24, wireguard: {}}\nkubernetes:\n"),
        ("eth0: {network: one, address: 10.1.0.21}}", f"eth0: {{network: one, address: 10.1.0.21}}, {own}}}"),
    )
    (tmp_path / "topology.yaml").write_text(topology)

    run = netwright("validate", cwd=tmp_path)

    assert run.status == 2
    assert "flannel's WireGuard listens on UDP port 51820 of w1; set another port [tunnel_ports_are_free]" in run.stderr


def test_a_kernel_without_wireguard_is_warned_of(tmp_path: Path) -> None:
    topology = change(TOPOLOGY, ("  workers: {os: flatcar,", "  workers: {os: rocky8, firewalld: masked,"))
    (tmp_path / "topology.yaml").write_text(topology)

    run = netwright("validate", cwd=tmp_path)

    assert "the kernel of rocky8 has no WireGuard, which flannel on w1 needs" in run.stderr
