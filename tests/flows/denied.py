"""A network of several segments, what generate makes of denials in it, and whether verify agrees."""

import re
from contextlib import closing
from pathlib import Path

from netwright.production.production import Production, prepare
from netwright.text.report import render_text
from netwright.verify import verify
from netwright.verify_input import assume, state_flows, wire
from netwright.write import generate

TOPOLOGY = """\
version: 1
name: denied
networks:
  lan: {cidr: 192.168.0.0/24, router: router}
  front: {cidr: 10.1.0.0/24, router: host, libvirt: {bridge: virbr1, forward: open}}
  back: {cidr: 10.2.0.0/24, router: host, libvirt: {bridge: virbr2, forward: open}}
kubernetes:
  pods: {cidr: 10.42.0.0/16}
  api: {vip: 10.2.0.100, holders: [host]}
groups:
  rocky: {os: rocky10, firewalld: masked}
  workers: {os: flatcar, kubernetes: agent}
nodes:
  router: {os: unmanaged, internet: true, interfaces: {lan0: {network: lan, address: 192.168.0.1}}}
  host:
    groups: [rocky]
    forward: true
    interfaces:
      eth0: {networks: {lan: [192.168.0.40, 192.168.0.41]}}
      virbr1: {network: front, address: 10.1.0.1}
      virbr2: {network: back, address: 10.2.0.1}
  nas: {groups: [rocky], interfaces: {eth0: {network: lan, address: 192.168.0.50}}}
  lb: {groups: [rocky], interfaces: {eth0: {network: front, address: 10.1.0.12}}}
  w1:
    groups: [workers]
    pod_cidr: 10.42.1.0/24
    interfaces: {eth0: {network: back, address: 10.2.0.21}}
  w2:
    groups: [workers]
    pod_cidr: 10.42.2.0/24
    interfaces: {eth0: {network: back, address: 10.2.0.22}}
flows:
  ssh: {from: lan, to: [front, back], allow: [tcp/22]}
"""
HOST = "  host:\n    groups: [rocky]\n"
STATED = f"{HOST}    firewall: {{input: {{policy: drop, rules: [{{from: front, allow: [tcp/22]}}]}}}}\n"
UNMANAGED = "  host:\n    os: unmanaged\n"


def topology(folder: Path, *flows: str, host: str = HOST) -> Path:
    """A topology with these flows too; of a host that nobody configures libvirt makes no networks."""
    text = TOPOLOGY.replace(HOST, host)
    if host == UNMANAGED:
        text = re.sub(", libvirt: {.*?}", "", text)
    path = folder / "topology.yaml"
    path.write_text(text + "".join(f"  {flow}\n" for flow in flows))
    return path


def open_production(path: Path) -> Production:
    production, report = prepare(str(path))
    assert production is not None, render_text(report)
    return production


def rules(folder: Path, node: str, hook: str, *flows: str, host: str = HOST) -> list[str]:
    """The rules in a node's chain, as nft reads them; without those that stand in every chain."""
    with closing(open_production(topology(folder, *flows, host=host))) as production:
        files = {file.path: file.content.decode() for file in production.build(node).files}
    chains = files.get("/etc/nftables/netwright.nft", "").split("\tchain ")
    lines = [chain.splitlines()[2:] for chain in chains if chain.startswith(f"{hook} ")]
    return [
        line.strip()
        for chain in lines
        for line in chain
        if line.startswith("\t\t") and not re.search(' established|"lo"', line)
    ]


def said(folder: Path, *flows: str, host: str = HOST) -> str:
    production, report = prepare(str(topology(folder, *flows, host=host)))
    if production is not None:
        production.close()
    return render_text(report)


def proved(folder: Path, *flows: str, host: str = HOST) -> dict[str, bool]:
    """Return whether what generate writes makes each flow hold."""
    with closing(open_production(topology(folder, *flows, host=host))) as production:
        generate(folder / "out", production.nodes, production.build, fingerprint="")
        resolved = production.resolved
        found = verify(folder / "out", wire(resolved), state_flows(resolved), assume(resolved))
    return {result.flow.name: result.proved for result in found.flows}
