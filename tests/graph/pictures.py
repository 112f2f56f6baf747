"""Topologies as pictures, in memory."""

from contextlib import closing
from pathlib import Path

from netwright.graph.draw import draw
from netwright.graph.drawing import Drawing
from netwright.production.production import prepare
from netwright.text.report import render_text

PROJECT = Path(__file__).parents[2]
CASES = PROJECT / "tests" / "golden"
REFERENCE = PROJECT / "topology.yaml"


def draw_topology(topology: Path, flow: str | None = None) -> Drawing:
    """The drawing of a topology file, with the way of a flow."""
    production, report = prepare(str(topology))
    assert production is not None, render_text(report)
    with closing(production):
        resolved = production.resolved
        chosen = next((one for one in resolved.topology.flows if one.name == flow), None)
        assert flow is None or chosen is not None
        return draw(resolved, production.derivation.passages, chosen)


def large_topology(workers: int) -> str:
    """A cluster of many workers, some load balancers and a router between them."""
    lines = [
        "version: 1",
        "name: large",
        "networks:",
        "  front: {cidr: 10.17.3.0/24, router: gw}",
        "  cluster: {cidr: 10.16.0.0/16, router: gw}",
        "kubernetes: {pods: {cidr: 10.64.0.0/10}}",
        "groups: {workers: {os: flatcar, kubernetes: agent}, ingress: {os: rocky10}}",
        "nodes:",
        "  gw:",
        "    os: rocky10",
        "    forward: true",
        "    interfaces: {eth0: {network: front, address: 10.17.3.1}, eth1: {network: cluster, address: 10.16.0.1}}",
    ]
    lines += [
        f"  lb{number}: {{groups: [ingress], interfaces: {{eth0: {{network: front, address: 10.17.3.{10 + number}}}}}}}"
        for number in range(1, 7)
    ]
    lines += [
        f"  worker{number}: {{groups: [workers], pod_cidr: 10.{65 + number // 250}.{number % 250}.0/24, "
        f"interfaces: {{eth0: {{network: cluster, address: 10.16.{1 + number // 250}.{number % 250}}}}}}}"
        for number in range(1, workers + 1)
    ]
    lines += [
        "flows:",
        "  ingress-to-pods: {from: [ingress], to: [pods], allow: [tcp/8080]}",
        "  one: {from: [lb1], to: [worker17], deny: any}",
    ]
    return "\n".join(lines) + "\n"


def topology_of_hosts(hosts: int, guests: int, *, storage: bool = False) -> str:
    """Several KVM hosts on a LAN, each with two networks of its own: a load balancer in the first, Kubernetes in the
    other, with `storage` in both."""
    networks = 2
    lines = ["version: 1", "name: hosts", "networks:", "  lan: {cidr: 192.168.0.0/24, router: gw}"]
    for host in range(1, hosts + 1):
        for place in range(networks):
            bridge = f"router: kvm{host}, libvirt: {{bridge: virbr{place}, forward: open}}"
            lines.append(f"  net{host}-{place}: {{cidr: 10.{host}.{place}.0/24, {bridge}}}")
    lines += [
        "kubernetes: {pods: {cidr: 10.64.0.0/10}, cni: {plugin: flannel, backend: vxlan}}",
        "groups:",
        "  hosts: {os: rocky10, forward: true}",
        "  ingress: {os: rocky10}",
        "  masters: {os: flatcar, kubernetes: server}",
        "  workers: {os: flatcar, kubernetes: agent}",
        "nodes:",
        "  gw: {os: unmanaged, internet: true, interfaces: {lan0: {network: lan, address: 192.168.0.1}}}",
    ]
    number = 0
    for host in range(1, hosts + 1):
        bridges = ", ".join(
            f"virbr{place}: {{network: net{host}-{place}, address: 10.{host}.{place}.1}}" for place in range(networks)
        )
        own = f"eth0: {{network: lan, address: 192.168.0.{10 + host}}}"
        lines.append(f"  kvm{host}: {{groups: [hosts], interfaces: {{{own}, {bridges}}}}}")
        for guest in range(guests):
            number += 1
            place = 0 if guest == 0 else 1
            group = "ingress" if guest == 0 else "masters" if guest == 1 else "workers"
            pods = "" if guest == 0 else f"pod_cidr: 10.{64 + host}.{guest}.0/24, "
            at = f"eth0: {{network: net{host}-{place}, address: 10.{host}.{place}.{20 + guest}}}"
            lead = ""
            if storage and guest:
                lead = f"default_route: {{via: kvm{host}}}, "
                at += f", eth1: {{network: net{host}-0, address: 10.{host}.0.{20 + guest}}}"
            lines.append(f"  vm{number}: {{groups: [{group}], {pods}{lead}interfaces: {{{at}}}}}")
    lines.append("flows: {ingress-to-pods: {from: [ingress], to: [pods], allow: [tcp/8080]}}")
    return "\n".join(lines) + "\n"
