"""Virtual addresses by name: several, on networks and holders of their own."""

from contextlib import closing
from pathlib import Path

import pytest

from netwright.text.report import Severity
from netwright.verify import verify
from netwright.verify.proof.proof import build_networks
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.wiring import Assumptions, HeldAddress, Wiring
from netwright.verify_input import assume, state_flows, wire
from tests.flows.denied import open_production
from tests.flows.proofs import prove_production, unproved

TOPOLOGY = """\
version: 1
name: balanced
networks:
  lan: {cidr: 192.168.0.0/24, router: gw}
  back: {cidr: 10.2.0.0/24, router: gw}
defaults: {os: rocky9, firewalld: masked}
nodes:
  gw:
    os: unmanaged
    forward: true
    interfaces: {l: {network: lan, address: 192.168.0.1}, b: {network: back, address: 10.2.0.1}}
  lb1: {firewall: {input: {policy: drop}}, interfaces: {eth0: {network: lan, address: 192.168.0.31}}}
  lb2: {firewall: {input: {policy: drop}}, interfaces: {eth0: {network: lan, address: 192.168.0.32}}}
  lb3: {interfaces: {eth0: {network: back, address: 10.2.0.13}}}
  client: {interfaces: {eth0: {network: back, address: 10.2.0.20}}}
virtual_addresses:
  web: {address: 192.168.0.33, holders: [lb1, lb2]}
  mail: {address: 192.168.0.34, holders: [lb2, lb1]}
  api: {address: 10.2.0.100, holders: [lb3]}
flows:
  to-web: {from: [back], to: [web], allow: [tcp/443]}
  to-mail: {from: [client], to: [mail], allow: [tcp/25]}
  to-api: {from: [lan], to: [api], allow: [tcp/6443]}
  no-web: {from: [lb3], to: [mail], deny: [tcp/22]}
"""


def test_every_virtual_address_is_an_end_of_flows(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)

    with closing(open_production(tmp_path / "topology.yaml")) as production:
        files = {file.path: file.content.decode() for file in production.build("lb1").files}
        assert unproved(prove_production(production, tmp_path / "out")) == []

    chain = files["/etc/nftables/netwright.nft"].partition("chain input ")[2].partition("}\n")[0]
    assert [line.strip() for line in chain.splitlines() if "daddr" in line] == [
        "ip saddr 10.2.0.13 ip daddr 192.168.0.34 tcp dport 22 drop",
        "ip saddr 10.2.0.20 ip daddr 192.168.0.34 tcp dport 25 accept",
        "ip saddr 10.2.0.0/24 ip daddr 192.168.0.33 tcp dport 443 accept",
        "ip saddr 192.168.0.32 ip daddr { 192.168.0.31, 224.0.0.18 } meta l4proto 112 accept",
    ]


def test_a_holder_that_does_not_let_a_flow_in_refutes_it(tmp_path: Path) -> None:
    stated, narrower = tmp_path / "topology.yaml", tmp_path / "narrower.yaml"
    stated.write_text(TOPOLOGY)
    narrower.write_text("".join(line for line in TOPOLOGY.splitlines(keepends=True) if "to-mail" not in line))
    with closing(open_production(narrower)) as production:
        prove_production(production, tmp_path / "out")

    with closing(open_production(stated)) as production:
        resolved = production.resolved
        found = verify(tmp_path / "out", wire(resolved), state_flows(resolved), assume(resolved))

    assert [result.flow.name for result in found.flows if not result.proved] == ["to-mail"]
    assert [(one.kind, one.nodes) for one in found.findings if one.severity is Severity.ERROR] == [
        ("FILTERED", ("lb1", "lb2"))
    ]


@pytest.mark.parametrize(
    ("holders", "turns"), [((1,), 1), ((2,), 2), ((2, 2), 4), ((3, 1, 2), 6), ((4, 4), 16), ((5, 4), 5), ((), 1)]
)
def test_everyone_has_every_address_in_turn(holders: tuple[int, ...], turns: int) -> None:
    held = [
        HeldAddress(ip=AddressNumber(address), node=f"n{node}", interface="e0")
        for address, several in enumerate(holders)
        for node in range(several)
    ]

    networks = build_networks((), Wiring(nodes=(), segments=(), held=tuple(held)), Assumptions())

    tried = {network.wiring.held for network in networks}
    assert len(tried) == len(networks) == turns
    assert {one for several in tried for one in several} == {*held}
    assert all([one.ip for one in several] == [*range(len(holders))] for several in tried)
