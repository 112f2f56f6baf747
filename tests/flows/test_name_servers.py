"""Name servers behind filters of ours: nodes reach them though no flow says so, and nothing else is opened."""

from pathlib import Path

import pytest

from netwright import verify
from netwright.explain.explanation import Explanation, explain_line
from netwright.production.production import prepare
from netwright.verify import Flow, Traffic, parse_ip
from netwright.verify_input.wiring import assume, wire
from tests.flows.proofs import prove_production

TOPOLOGY = """\
version: 1
name: dns
dns: [SERVERS]
networks: {front: {cidr: 10.17.3.0/24, router: gw}, back: {cidr: 10.17.4.0/24, router: gw}}
nodes:
  gw: {os: rocky10, firewalld: masked, forward: true, GATEWAY interfaces: {
      eth0: {network: front, address: 10.17.3.1}, eth1: {network: back, address: 10.17.4.1}}}
  ns1: {os: rocky10, firewalld: masked, SERVER interfaces: {eth0: {network: front, address: 10.17.3.11}}}
  worker1: {os: flatcar, interfaces: {eth0: {network: back, address: 10.17.4.24}}}
  guest: {os: unmanaged, interfaces: {eth0: {network: back, address: 10.17.4.99}}}
flows:
  ssh: {from: [ns1], to: [worker1], allow: [tcp/22]}
"""
DROPS = "default_route: none, firewall: {forward: {policy: drop}},"
CLOSED = "firewall: {input: {policy: drop}},"
QUESTIONS = (Traffic(protocol="udp", ports=(53, 53)), Traffic(protocol="tcp", ports=(53, 53)))


def _topology(servers: str, *, gateway: str = DROPS, server: str = "", more: str = "") -> str:
    filled = TOPOLOGY.replace("SERVERS", servers).replace("GATEWAY", gateway).replace("SERVER", server)
    return filled + more


def _generate(topology: str, folder: Path) -> verify.Wiring:
    path = folder / "topology.yaml"
    path.write_text(topology, encoding="utf-8")
    production, _ = prepare(str(path))
    assert production is not None
    prove_production(production, folder / "out")
    production.close()
    assert assume(production.resolved).cni == "none"
    return wire(production.resolved)


def _answers(folder: Path, wiring: verify.Wiring, source: str, server: str, traffic: tuple[Traffic, ...]) -> bool:
    ends = [parse_ip(text) for text in (source, server)]
    ranges = [((ip, ip),) for ip in ends if ip is not None]
    flow = Flow(name="question", sources=ranges[0], destinations=ranges[1], traffic=traffic)
    found = verify.verify(folder / "out", wiring, (flow,), verify.Assumptions(cni="none"))
    return found.flows[0].proved


def _rules(folder: Path, node: str) -> list[str]:
    path = folder / "out" / node / "rootfs/etc/nftables/netwright.nft"
    return [line.strip() for line in path.read_text().splitlines()] if path.exists() else []


def _derived(folder: Path, node: str) -> list[str]:
    return [line for line in _rules(folder, node) if "name servers" in line]


@pytest.mark.parametrize("gateway", [DROPS, "default_route: none,"], ids=["stated", "by-flows"])
@pytest.mark.parametrize("server", ["", CLOSED], ids=["open", "closed"])
def test_nodes_ask_their_name_server_through_filters(tmp_path: Path, gateway: str, server: str) -> None:
    wiring = _generate(_topology("10.17.3.11", gateway=gateway, server=server), tmp_path)

    assert _answers(tmp_path, wiring, "10.17.4.24", "10.17.3.11", QUESTIONS)
    assert not _answers(tmp_path, wiring, "10.17.4.24", "10.17.3.11", (Traffic(protocol="udp", ports=(54, 54)),))
    assert not _answers(tmp_path, wiring, "10.17.4.99", "10.17.3.11", QUESTIONS), "nobody's machine asks"
    assert bool(_derived(tmp_path, "ns1")) is bool(server)


def test_a_router_that_is_the_name_server_takes_questions_in(tmp_path: Path) -> None:
    gateway = "default_route: none, firewall: {input: {policy: drop}, forward: {policy: drop}},"
    wiring = _generate(_topology("10.17.3.1", gateway=gateway), tmp_path)

    for asker in ("10.17.4.24", "10.17.3.11"):
        assert _answers(tmp_path, wiring, asker, "10.17.3.1", QUESTIONS)
    assert all("daddr 10.17.3.1 " in line for line in _derived(tmp_path, "gw"))
    assert _rules(tmp_path, "gw").index(_derived(tmp_path, "gw")[0]) < _rules(tmp_path, "gw").index("chain forward {")


def test_where_nothing_cuts_them_off_nothing_is_derived(tmp_path: Path) -> None:
    topology = _topology("10.17.3.11", gateway="default_route: none,").partition("flows:")[0]

    _generate(topology, tmp_path)

    assert not _derived(tmp_path, "gw")


@pytest.mark.parametrize(
    "more",
    [
        "  names: {from: [back], to: [ns1], allow: [udp/53, tcp/50-60]}\n",
        "  all: {from: [worker1], to: [front], allow: any}\n",
    ],
)
def test_what_a_flow_accepts_is_not_derived_again(tmp_path: Path, more: str) -> None:
    _generate(_topology("10.17.3.11", more=more), tmp_path)

    assert not _derived(tmp_path, "gw")


def test_what_a_stated_rule_accepts_is_not_derived_again(tmp_path: Path) -> None:
    rule = "{from: back, to: 10.17.3.11, allow: [udp/53]}"
    gateway = DROPS.replace("policy: drop", f"policy: drop, rules: [{rule}]")

    _generate(_topology("10.17.3.11", gateway=gateway), tmp_path)

    assert _derived(tmp_path, "gw") == [
        'ip saddr 10.17.4.24 ip daddr 10.17.3.11 tcp dport 53 accept comment "name servers"'
    ]


INTERNET = "internet: true, "


@pytest.mark.parametrize("more", ["", "  out: {from: [back], to: internet, allow: [tcp/443]}\n"])
def test_name_servers_on_the_internet_are_reached_by_a_machine_that_leads_there(tmp_path: Path, more: str) -> None:
    wiring = _generate(_topology("10.17.3.11, 8.8.8.8, 9.9.9.9", gateway=INTERNET + DROPS, more=more), tmp_path)

    for server in ("10.17.3.11", "8.8.8.8", "9.9.9.9"):
        assert _answers(tmp_path, wiring, "10.17.4.24", server, QUESTIONS)
    assert _answers(tmp_path, wiring, "10.17.3.11", "8.8.8.8", QUESTIONS)
    assert not _answers(tmp_path, wiring, "10.17.4.24", "8.8.4.4", QUESTIONS)


def test_without_a_way_to_the_internet_nothing_is_derived_for_a_name_server_there(tmp_path: Path) -> None:
    _generate(_topology("8.8.8.8"), tmp_path)

    assert not _derived(tmp_path, "gw")


def test_many_nodes_are_named_by_their_network(tmp_path: Path) -> None:
    more = "".join(
        f"  w{number}: {{os: flatcar, interfaces: {{eth0: {{network: back, address: 10.17.4.{number}}}}}}}\n"
        for number in range(30, 47)
    )
    topology = _topology("10.17.3.11").replace("flows:\n", f"{more}flows:\n")

    _generate(topology, tmp_path)

    assert _derived(tmp_path, "gw") == [
        f'ip saddr 10.17.4.0/24 ip daddr 10.17.3.11 {protocol} dport 53 accept comment "name servers"'
        for protocol in ("udp", "tcp")
    ]


def test_a_derived_rule_is_explained_by_the_name_servers(tmp_path: Path) -> None:
    _generate(_topology("10.17.3.11"), tmp_path)
    rules = tmp_path / "out/gw/rootfs/etc/nftables/netwright.nft"
    number = next(n for n, line in enumerate(rules.read_text().splitlines(), 1) if "name servers" in line)
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None

    found = explain_line(production, str(tmp_path / "out"), f"{rules}:{number}")

    production.close()
    assert isinstance(found, Explanation)
    assert [reason.causes[0][0] for reason in found.reasons] == [("dns",)]
    title = "rule in chain forward: accept udp from 10.17.4.24 to 10.17.3.11, a name server of nodes, on gw"
    assert found.reasons[0].title == title
