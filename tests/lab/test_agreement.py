"""The kernel does as verify says, and for the reason that it gives: for whole networks, and for damaged ones."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.running import PROJECT, disagreements, lab, replace_delivered, replace_in
from tests.netwright import netwright

MIXED = """\
version: 1
name: mixed
networks:
  front: {cidr: 10.17.3.0/24, router: gw, segment: wire}
  back: {cidr: 10.17.4.0/24, router: gw, segment: wire}
  side: {cidr: 10.17.5.0/24, router: gw}
  lan: {cidr: 192.168.7.0/24, router: uplink}
kubernetes:
  pods: {cidr: 10.42.0.0/16}
  cni: {plugin: flannel, backend: host-gw}
  api: {vip: 10.17.4.10, port: 6443, holders: [server1, agent1]}
nodes:
  gw:
    os: rocky10
    forward: true
    firewalld: masked
    default_route: {via: uplink}
    interfaces:
      eth0: {networks: {front: 10.17.3.1, back: 10.17.4.1}, mac: "52:54:00:00:00:01"}
      eth1: {network: side, address: 10.17.5.1, mac: "52:54:00:00:00:02"}
      eth2: {network: lan, address: 192.168.7.2}
  uplink: {os: unmanaged, forward: true, internet: true, interfaces: {lan0: {network: lan, address: 192.168.7.1}}}
  other: {os: unmanaged, interfaces: {lan0: {network: side, address: 10.17.5.254}}}
  old:
    os: rocky8
    interfaces: {eth0: {network: side, address: 10.17.5.8}}
    routes: [{to: 10.17.3.0/24, via: 10.17.5.254, table: 100}]
    policy_rules: [{priority: 100, to: 10.17.3.13/32, table: 100}]
  lb1: {os: rocky9, network_config: ifcfg, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  lb2: {os: rocky9, network_config: keyfile, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
  server1:
    os: flatcar
    kubernetes: server
    pod_cidr: 10.42.1.0/24
    interfaces: {eth0: {network: back, address: 10.17.4.21, mac: "52:54:00:00:00:21"}}
  agent1:
    os: flatcar
    kubernetes: agent
    pod_cidr: 10.42.2.0/24
    interfaces: {eth0: {network: back, address: 10.17.4.22}}
flows:
  balancers-to-pods: {from: [lb1, lb2], to: [pods], allow: [icmp, tcp/8080], nat: never}
  old-to-balancer: {from: [old], to: [lb1], allow: [icmp, udp/53]}
  old-by-other: {from: [old], to: [lb2], allow: [icmp]}
  to-api: {from: [old, lb1], to: [kubernetes.api], allow: [tcp/6443]}
  out: {from: [lb1, pods], to: [internet], allow: any, nat: allowed}
  pods-not-to-old: {from: [pods], to: [old], deny: any}
"""
"""host-gw, two networks on one segment, cards known by their hardware address, a policy rule with a table of its own,
ifcfg files, keyfiles and .network files, and a virtual address with two holders."""


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The command's exit status and its result."""
    done = lab("--format", "json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_reference_network_works_as_verify_says_where_programs_apply_the_files_that_are_for_them() -> None:
    status, document = run()

    assert (status, document["fine"], disagreements(document)) == (0, True, [])
    assert [flow["tried"] > 0 for flow in document["flows"]] == [True] * 8
    assert (
        "Network files were applied by systemd-networkd: master1, master2, master3, worker1, worker2, worker3, worker4;"
        " NetworkManager: kvm, api-lb, haproxy1, haproxy2; ip: router, lb1, lb2."
    ) in document["remarks"]


def test_reference_network_works_as_verify_says_where_ip_applies_all_and_every_loss_is_measured_to_its_rule() -> None:
    status, document = run("--apply", "ip")

    assert (status, document["fine"], disagreements(document)) == (0, True, [])
    assert [flow["tried"] > 0 for flow in document["flows"]] == [True] * 8
    (denied,) = (flow for flow in document["flows"] if flow["name"] == "pods-not-to-lan")
    reasons = {(probe["reason"], probe["measured_reason"]) for probe in denied["probes"]}
    assert len(reasons) == 7
    assert all("FILTERED at" in said and said == measured for said, measured in reasons)


@pytest.mark.parametrize("apply", ["auto", "ip"])
def test_mixed_network_works_as_verify_says(tmp_path: Path, apply: str) -> None:
    (tmp_path / "topology.yaml").write_text(MIXED)
    assert netwright("generate", cwd=tmp_path).status == 0

    _, document = run("--apply", apply, str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"))

    flows = {flow["name"]: flow for flow in document["flows"]}
    astray = flows.pop("old-by-other")
    assert disagreements(document) == []
    assert {probe["measured_reason"].partition(" on")[0] for probe in astray["probes"]} == {"FORWARDING_OFF at other"}
    assert {name: flow["measured_wanted"] for name, flow in flows.items()} == {
        name: flow["tried"] for name, flow in flows.items()
    }
    assert "Built 2 times: every holder of a virtual address had its turn." in document["remarks"]


@pytest.mark.parametrize(
    "case",
    [
        *("flows-two-routers", "flows-shared-segment", "guide-shared-segment", "two-nics-mac", "port-forwards"),
        *("port-forwards-handoff", "docker", "pools"),
    ],
)
def test_golden_networks_do_as_verify_says(case: str) -> None:
    folder = PROJECT / "tests/golden" / case

    status, document = run(str(folder / "topology.yaml"), "-o", str(folder / "out"))

    assert (status, disagreements(document)) == (0, [])


def route_to_another_node(out: Path) -> None:
    """A pod network routed to a node that does not own it."""
    replace_in(
        out / "kvm/libvirt/kube02.xml", r'("10\.42\.6\.0" prefix="24" gateway=)"10\.17\.4\.25"', r'\1"10.17.4.24"'
    )


def drop_route(out: Path) -> None:
    """No route to a pod network but the one that refuses."""
    replace_in(out / "kvm/libvirt/kube02.xml", r'  <route family="ipv4" address="10\.42\.6\.0".*\n', "")


def turn_forwarding_off(out: Path) -> None:
    """A worker that does not forward to its pods."""
    replace_delivered(out, "worker1", "net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0")


def remove_accept_rule(out: Path) -> None:
    """A KVM host that does not let TCP through to the pods."""
    replace_delivered(out, "kvm", "ip daddr 10.42.0.0/16 tcp dport 8080 accept", "ip daddr 10.42.0.0/16 counter")


def go_by_neighbour(out: Path) -> None:
    """A load balancer whose routes to pods lead to another one."""
    replace_delivered(out, "lb1", "via 10.17.3.1 dev", "via 10.17.3.13 dev")


def lose_gateway(out: Path) -> None:
    """A worker whose default route leads to nobody."""
    replace_delivered(out, "worker1", "Gateway=10.17.4.1", "Gateway=10.17.4.99")


@pytest.mark.parametrize(
    ("damages", "wanted", "reasons"),
    [
        pytest.param(
            (route_to_another_node, go_by_neighbour),
            48,
            ("FORWARDING_OFF at lb2 on the way there",),
            id="pod route to the wrong node, and a neighbour as gateway",
        ),
        pytest.param(
            (drop_route, turn_forwarding_off),
            80,
            ("UNREACHABLE_ROUTE at kvm on the way there", "FORWARDING_OFF at worker1 on the way there"),
            id="pod route dropped, and forwarding off",
        ),
        pytest.param(
            (remove_accept_rule, lose_gateway),
            48,
            ("FILTERED at kvm on the way there", "ARP_UNANSWERED at worker1 on the way back"),
            id="accept rule removed, and a gateway that nobody has",
        ),
    ],
)
def test_damage_is_measured_as_verify_predicts_it(
    out: Path, damages: tuple[Callable[[Path], None], ...], wanted: int, reasons: tuple[str, ...]
) -> None:
    """Of a wrong node eight answer each balancer, and are not those that are wanted."""
    for damage in damages:
        damage(out)

    status, document = run("-o", str(out), "--flow", "ingress-to-pods")

    (hurt,) = document["flows"]
    said = {str(probe["measured_reason"]) for probe in hurt["probes"] if not probe["measured"]["answered"]}
    assert (status, disagreements(document)) == (1, [])
    assert (hurt["measured_wanted"], hurt["tried"]) == (wanted, 112)
    assert [one for one in said if not one.startswith(reasons)] == []
    assert [reason for reason in reasons if not any(one.startswith(reason) for one in said)] == []


def test_daemon_that_gets_nowhere_is_named(out: Path) -> None:
    replace_delivered(out, "worker1", "Gateway=10.17.4.1", "Gateway=10.99.0.1")

    status, document = run("-o", str(out), "--flow", "ingress-to-pods")

    assert (status, disagreements(document)) == (1, [])
    stuck = "worker1: systemd-networkd never ends with eth0 (configuring): a next hop may be on no network of its card"
    assert stuck in document["remarks"]


def test_what_programs_complain_of_is_said_and_a_ruleset_that_does_not_load_left_out(out: Path) -> None:
    replace_delivered(out, "worker1", "[Route]", "[Rout]")
    replace_delivered(out, "haproxy1", "address1=10.17.5.20/24", "address1=10.17.5.256/24")
    replace_delivered(
        out, "kvm", "ip daddr 10.42.0.0/16 tcp dport 8080 accept", "ip daddr 10.42.0.0/16 tcp dport accept"
    )

    status, document = run("-o", str(out), "--flow", "ingress-to-pods")

    said = [remark for remark in document["remarks"] if remark.startswith(("worker1: ", "haproxy1: "))]
    assert status == 1
    assert [line for line in said if "systemd-networkd" in line and "Unknown section 'Rout'" in line]
    assert [line for line in said if "NetworkManager" in line and "10.17.5.256" in line]
    assert [line for line in document["remarks"] if line.startswith("kvm: nft refuses /etc/nftables/netwright.nft:")]


def test_out_without_a_node_is_bad_input(out: Path) -> None:
    shutil.rmtree(out / "lb2")

    done = lab("-o", str(out))

    assert (done.returncode, done.stdout) == (2, "")
    assert f"{out}/lb2/manifest.json: error: is missing; run netwright generate first" in done.stderr


_TWO_STATES = """\
#cloud-config
write_files:
  - path: /etc/systemd/system/own.service
    content: |
      [Unit]
      Wants=network-online.target
      After=network-online.target
      [Service]
      Type=oneshot
      ExecStart=/usr/sbin/sysctl -w net.ipv4.conf.all.rp_filter=0
      [Install]
      WantedBy=multi-user.target
runcmd:
  - systemctl enable --now own.service
  - ip route add 10.17.6.0/24 via 10.17.3.12
  - nft insert rule inet netwright forward tcp dport 8080 drop
  - sysctl -w net.ipv4.conf.eth1.forwarding=0
"""


def test_the_kernel_does_on_each_boot_what_verify_says(tmp_path: Path) -> None:
    at = "    os: rocky10\n    forward: true\n"
    topology = MIXED.replace(at, f"{at}    cloud_init: [own.yaml]\n    firewall: {{forward: {{policy: drop}}}}\n")
    (tmp_path / "topology.yaml").write_text(topology)
    (tmp_path / "own.yaml").write_text(_TWO_STATES)
    assert netwright("generate", cwd=tmp_path).status == 0

    _, document = run(str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"))

    assert disagreements(document) == []
    reasons = {probe["measured_reason"] for flow in document["flows"] for probe in flow["probes"]}
    assert any("FORWARDING_OFF at gw" in reason for reason in reasons if reason)
    assert any("tcp dport 8080 drop" in reason for reason in reasons if reason)
    said = "once as on the first boot, once as on later ones, every holder of a virtual address had its turn"
    assert f"Built 4 times: {said}." in document["remarks"]


_LATE_PARAMETER = """\
#cloud-config
write_files:
  - path: /etc/sysctl.d/99-own.conf
    content: |
      net.ipv4.conf.all.arp_ignore = 8
"""


def test_a_parameter_that_waits_for_the_second_boot_waits_in_the_lab(tmp_path: Path) -> None:
    asked = "{os: rocky10, cloud_init: [own.yaml], interfaces: {eth0: {network: lan, address: 10.7.0.3}}}"
    (tmp_path / "topology.yaml").write_text(
        "version: 1\nname: late\nnetworks: {lan: {cidr: 10.7.0.0/24}}\nnodes:\n"
        "  asker: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.7.0.2}}}\n"
        f"  asked: {asked}\nflows: {{hello: {{from: [asker], to: [asked], allow: [icmp]}}}}\n"
    )
    (tmp_path / "own.yaml").write_text(_LATE_PARAMETER)
    assert netwright("generate", cwd=tmp_path).status == 0

    _, document = run(str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"))

    assert disagreements(document) == []
    (flow,) = document["flows"]
    reasons = {reason and reason.partition(" ")[0] for reason in (one["measured_reason"] for one in flow["probes"])}
    assert reasons == {None, "ARP_UNANSWERED"}
