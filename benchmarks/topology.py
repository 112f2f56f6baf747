"""Topologies of any size in the shape of the reference network."""

from ipaddress import IPv4Address, IPv4Network

REFERENCE_NODES = 13
LEAST_NODES = 8
"""Router, KVM host, two load balancers, three masters and a worker; the reference network has 13."""
PODS = IPv4Network("10.0.0.0/8")
NODES = IPv4Network("172.24.0.0/16")
STORAGE = IPv4Network("172.26.0.0/16")

_HEAD = f"""\
version: 1
name: benchmark
domain: cluster.example
dns: [172.17.3.11, 8.8.8.8]

networks:
  lan: {{cidr: 192.168.0.0/24, router: router}}
  ingress-net: {{cidr: 172.17.3.0/24, router: kvm, libvirt: {{bridge: virbr_ingress, forward: open}}}}
  kubernetes-net: {{cidr: {NODES}, router: kvm, libvirt: {{bridge: virbr_k8s, forward: open}}}}

kubernetes:
  pods: {{cidr: {PODS}, node_prefix: 24}}
  services: {{cidr: 172.31.0.0/16}}
  cni: {{plugin: flannel, backend: vxlan}}

groups:
  rocky: {{os: rocky9, network_config: keyfile}}
  masters: {{os: flatcar, kubernetes: server}}
  workers: {{os: flatcar, kubernetes: agent}}
  ingress: {{}}

nodes:
  router:
    os: unmanaged
    internet: true
    forward: true
    interfaces:
      lan0: {{network: lan, address: 192.168.0.1}}
    routes:
      - {{to: [ingress-net, kubernetes-net], via: kvm}}

  lb1: {{groups: [rocky, ingress], interfaces: {{eth0: {{network: ingress-net, address: 172.17.3.12}}}}}}
  lb2: {{groups: [rocky, ingress], interfaces: {{eth0: {{network: ingress-net, address: 172.17.3.13}}}}}}

  kvm:
    groups: [rocky]
    forward: true
    interfaces:
      eth0: {{network: lan, address: 192.168.0.40}}
      virbr_ingress: {{network: ingress-net, address: 172.17.3.1}}
      virbr_k8s: {{network: kubernetes-net, address: {NODES[1]}}}
    firewall:
      forward:
        policy: drop
        rules:
          - {{from: ingress, to: pods, allow: any, comment: load balancers to pods}}
          - {{from: ingress-net, to: masters, allow: [tcp/6443], comment: API}}
          - {{from: ingress-net, to: kubernetes-net, allow: any}}
          - {{from: kubernetes-net, to: ingress-net, allow: any}}
          - {{from: lan, to: [ingress-net, kubernetes-net], allow: [icmp, tcp/22], comment: administration}}
          - {{from: [ingress-net, kubernetes-net], out: eth0, allow: any, comment: LAN and internet}}
    masquerade:
      - {{from: [ingress-net, kubernetes-net], out: eth0, except: [lan, ingress-net, kubernetes-net, pods]}}
    routes:
"""


_FLOWS = """
flows:
  ingress-to-pods: {from: [ingress], to: [pods], allow: [icmp, tcp/8080], nat: never}
"""


_STORAGE = f"  storage: {{cidr: {STORAGE}, vlan: 310}}\n"


def write_two_networks(nodes: int, *, bonds: bool) -> str:
    """The same cluster with a flow, whose masters and workers have a storage network as well: with `bonds` as a VLAN on
    a bond of two cards, else each network on a card."""
    lines: list[str] = []
    for line in write_topology(nodes, flows=True).splitlines(keepends=True):
        head, found, rest = line.partition("interfaces: {eth0: {network: kubernetes-net, address: ")
        if line.startswith("kubernetes:"):
            lines[-1:] = [_STORAGE, "\n"]
        if not found:
            lines.append(line)
            continue
        address = IPv4Address(rest.partition("}")[0])
        storage = f"network: storage, address: {IPv4Address(int(STORAGE[0]) + int(address) - int(NODES[0]))}"
        front = f"network: kubernetes-net, address: {address}"
        links = f"eno1: {{{front}}}, eno2: {{{storage}}}"
        if bonds:
            bond = f"bond0: {{bond: {{members: [eno1, eno2], mode: active-backup}}, {front}}}"
            links = f"eno1: {{}}, eno2: {{}}, {bond}, bond0.310: {{vlan: {{on: bond0}}, {storage}}}"
        lines.append(f"{head}interfaces: {{{links}}}}}\n")
    return "".join(lines)


def write_topology(nodes: int, *, odd_mtu: int | None = None, flows: bool = False) -> str:
    """The topology.yaml of a cluster of `nodes` nodes, at least LEAST_NODES: one router, one KVM host, two load
    balancers, three masters, the rest workers, every pod /24 routed by the KVM host to the node that owns it.

    The last worker's interface gets the MTU `odd_mtu`, which concerns no other node. With `flows` it says
    that every pod answers the load balancers.
    """
    if nodes < LEAST_NODES:
        raise ValueError(f"the reference network's shape has {LEAST_NODES} nodes at least")
    roles = ["master"] * 3 + ["worker"] * (nodes - LEAST_NODES + 1)
    routes, machines = [], []
    for number, role in enumerate(roles):
        name = f"{role}{number + 1 if role == 'master' else number - 2}"
        pods = f"{IPv4Address(int(PODS[0]) + (number << 8))}/24"
        mtu = f", mtu: {odd_mtu}" if odd_mtu and number == len(roles) - 1 else ""
        nic = f"eth0: {{network: kubernetes-net, address: {NODES[number + 21]}{mtu}}}"
        routes.append(f"      - {{to: {pods}, via: {name}}}\n")
        machines.append(f"  {name}: {{groups: [{role}s], pod_cidr: {pods}, interfaces: {{{nic}}}}}\n")
    return "".join([_HEAD, *routes, "\n", *machines, _FLOWS if flows else ""])
