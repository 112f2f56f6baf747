"""The table that guides have people fill in by hand: which node requires a route, and on which it is applied."""

import json
import re
from pathlib import Path

from tests.netwright import netwright
from tests.rigs.live_network import standing

NODES = ("master1", "worker1", "worker2", "worker3")
LACKING = ("master1", "worker1", "worker3")
TOPOLOGY = """\
version: 1
name: guide
networks:
  ingress: {cidr: 10.17.3.0/24, router: kvm}
  cluster: {cidr: 10.17.4.0/24, router: kvm}
nodes:
  kvm:
    os: rocky9
    forward: true
    firewalld: masked
    interfaces: {eth0: {network: ingress, address: 10.17.3.1}, eth1: {network: cluster, address: 10.17.4.1}}
  lb1: {os: rocky9, firewalld: masked, interfaces: {eth0: {network: ingress, address: 10.17.3.12}}}
""" + "".join(
    f"  {node}: {{os: flatcar, default_route: none, interfaces: {{e0: {{network: cluster, address: 10.17.4.{ip}}}}}}}\n"
    for ip, node in enumerate(NODES, start=21)
)
FLOWS = f"flows: {{ingress: {{from: [lb1], to: [{', '.join(NODES)}], allow: [tcp/8080]}}}}\n"


def test_status_says_which_nodes_still_require_a_route(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY + FLOWS)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0
    (tmp_path / "live").mkdir()
    with standing(tmp_path / "topology.yaml", tmp_path / "out") as network:
        for node in LACKING:
            network.spaces.run(node, ["ip", "route", "del", "10.17.3.0/24"])
        for node in NODES:
            (tmp_path / f"live/{node}.facts").write_bytes(network.collect(node))

    chosen = ("live", *(word for node in NODES for word in ("--node", node)))
    run = netwright("status", *chosen, cwd=tmp_path)

    assert run.status == 1
    (line,) = re.findall(r"^routes: .*$", run.stdout, re.MULTILINE)
    lacking = "routes: missing the route 10.17.3.0/24 via 10.17.4.1 dev e0: master1, worker1, worker3 "
    assert re.fullmatch(re.escape(lacking) + r"\(master1/rootfs/etc/systemd/network/10-e0\.network:\d+\)", line)
    found = json.loads(netwright("status", *chosen, "--format", "json", cwd=tmp_path).stdout)["nodes"]
    requiring = [one["node"] for one in found if any(other["aspect"] == "routes" for other in one["differences"])]
    assert requiring == [*LACKING]
