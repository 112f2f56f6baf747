"""A network with a flow that works, one that is refused as it is to be, and one that fails."""

TOPOLOGY = """\
version: 1
name: lab
networks:
  lan: {cidr: 192.168.7.0/24, router: kvm}
  front: {cidr: 10.17.3.0/24, router: kvm, libvirt: {bridge: virbr3}}
  back: {cidr: 10.17.4.0/24, router: kvm, libvirt: {bridge: virbr4}}
nodes:
  kvm: {os: rocky10, firewalld: masked, forward: true, interfaces: {
    eth0: {network: lan, address: 192.168.7.1},
    virbr3: {network: front, address: 10.17.3.1}, virbr4: {network: back, address: 10.17.4.1}}}
  pc: {os: unmanaged, interfaces: {eth0: {network: lan, address: 192.168.7.9}}}
  lb1: {os: rocky10, firewalld: absent, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  db1: {os: flatcar, interfaces: {eth0: {network: back, address: 10.17.4.24}}}
flows:
  lb-to-db: {from: [lb1], to: [db1], allow: [icmp, tcp/5432], nat: never}
  pc-to-lb: {from: [pc], to: [lb1], allow: [tcp/443]}
  not-back: {from: [db1], to: [lb1], deny: [tcp/22]}
"""

EARLIER = TOPOLOGY.replace("tcp/5432", "tcp/5433")
"""The topology before the database got another port."""
