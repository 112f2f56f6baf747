"""A small network in which every flow is proved, and what is said of it once something is broken."""

from contextlib import closing
from pathlib import Path

from netwright.commands.verify_work import Work
from netwright.production.production import Production, prepare
from netwright.text.report import render_text
from netwright.verdict_formats.judgement import Judgement
from netwright.verify_input.wiring import state_flows
from netwright.write import generate

TOPOLOGY = """\
version: 1
name: small
networks:
  lan: {cidr: 192.168.0.0/24, router: gw}
  front: {cidr: 10.1.0.0/24, router: host, libvirt: {bridge: virbr1, forward: open}}
  back: {cidr: 10.2.0.0/24, router: host, libvirt: {bridge: virbr2, forward: open}}
kubernetes:
  pods: {cidr: 10.42.0.0/16, node_prefix: 24}
  cni: {plugin: flannel, backend: vxlan}
groups:
  rocky: {os: rocky10, firewalld: masked}
  workers: {os: flatcar, kubernetes: agent}
nodes:
  gw:
    os: unmanaged
    internet: true
    interfaces: {lan0: {network: lan, address: 192.168.0.1}}
  host:
    groups: [rocky]
    forward: true
    firewall: {forward: {policy: drop}}
    interfaces:
      eth0: {network: lan, address: 192.168.0.40}
      virbr1: {network: front, address: 10.1.0.1}
      virbr2: {network: back, address: 10.2.0.1}
  lb:
    groups: [rocky]
    interfaces: {eth0: {network: front, address: 10.1.0.12}}
  w1:
    groups: [workers]
    pod_cidr: 10.42.1.0/24
    interfaces: {eth0: {network: back, address: 10.2.0.21}}
  w2:
    groups: [workers]
    pod_cidr: 10.42.2.0/24
    interfaces: {eth0: {network: back, address: 10.2.0.22}}
flows:
  to-pods: {from: [lb], to: [pods], allow: [icmp, tcp/8080], nat: never}
  ssh: {from: [lan], to: [front, back], allow: [tcp/22]}
  out: {from: [front, back], to: [internet], allow: [tcp/443]}
  closed: {from: [back], to: [lb], deny: [tcp/22]}
"""


def change(topology: str, *changes: tuple[str, str]) -> str:
    """The topology with each text, which it must hold once, replaced by another."""
    for before, after in changes:
        assert topology.count(before) == 1, before
        topology = topology.replace(before, after)
    return topology


def judge(folder: Path, topology: str, written: str = "") -> Judgement:
    """Return verify's findings on the files that generate writes for a topology, its repairs included; `written` is the
    topology that the files are written for, if it is another."""
    if written:
        with closing(_open(folder, written)) as production:
            generate(folder / "out", production.nodes, production.build, fingerprint=production.fingerprint)
    with closing(_open(folder, topology)) as production:
        if not written:
            generate(folder / "out", production.nodes, production.build, fingerprint=production.fingerprint)
        path, out = str(folder / "topology.yaml"), str(folder / "out")
        flows = state_flows(production.resolved)
        work = Work(production=production, topology=path, out=out, flows=flows, quiet=True)
        return work.judge(None, None, repair=True)


def _open(folder: Path, topology: str) -> Production:
    path = folder / "topology.yaml"
    path.write_text(topology, encoding="utf-8")
    production, report = prepare(str(path))
    assert production is not None, render_text(report)
    return production
