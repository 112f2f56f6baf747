"""Files of keepalived and HAProxy that differ from what the topology has of virtual addresses."""

from contextlib import closing
from pathlib import Path

import pytest

from netwright.text.report import Severity
from netwright.verify import Verification, verify
from netwright.verify_input import assume, state_flows, wire
from tests.flows.denied import open_production
from tests.flows.proofs import prove, prove_production, unproved
from tests.lab.running import replace_delivered

TOPOLOGY = Path(__file__).parents[1] / "golden/balancers/topology.yaml"


ON_HOLDERS = "10.2.0.100 on lb3, 10.2.0.101 on m1, 10.2.0.101 on m2"


def edited(out: Path, *edits: tuple[str, str, str]) -> Verification:
    """The verification of the network of balancers after edits of delivered files: a node, a text, and another."""
    with closing(open_production(TOPOLOGY)) as production:
        assert unproved(prove_production(production, out)) == []
        for node, old, new in edits:
            replace_delivered(out, node, old, new)
        resolved = production.resolved
        return verify(out, wire(resolved), state_flows(resolved), assume(resolved))


@pytest.mark.parametrize(
    ("edit", "kind", "cause"),
    [
        pytest.param(
            ("lb1", "server m2 10.2.0.22:6443", "server m2 10.2.0.29:6443"),
            "WRONG_BACKEND",
            "HAProxy leads to 10.2.0.29 as m2, and no node has it",
            id="a-backend-that-no-node-has",
        ),
        pytest.param(
            ("lb1", "\tserver m2 10.2.0.22:6443\n", ""),
            "WRONG_BACKEND",
            "HAProxy does not lead from 192.168.0.33:6443 to 10.2.0.22:6443, unlike the topology",
            id="a-backend-less",
        ),
        pytest.param(
            ("lb1", "server m1 10.2.0.21:9346", "server m1 10.2.0.21:9345"),
            "WRONG_BACKEND",
            "HAProxy also leads from 192.168.0.33:9345 to 10.2.0.21:9345, unlike the topology",
            id="another-port-of-a-backend",
        ),
        pytest.param(
            ("lb2", "bind 192.168.0.33:6443", "bind 192.168.0.35:6443"),
            "WRONG_BACKEND",
            "HAProxy listens at 192.168.0.35: lb2 neither has the address nor is one of its holders",
            id="an-address-that-is-not-held",
        ),
        pytest.param(
            ("lb2", "bind 192.168.0.33:6443", "bind 192.168.0.33:6444"),
            "WRONG_BACKEND",
            "no file has HAProxy answer at 192.168.0.33:6443, as the topology has it",
            id="another-port-of-its-own",
        ),
        pytest.param(
            ("lb2", "ip_nonlocal_bind = 1", "ip_nonlocal_bind = 0"),
            "WRONG_BACKEND",
            "HAProxy listens at 192.168.0.33: it starts before the address is there, which net.ipv4.ip_nonlocal_bind=1 "
            "allows only",
            id="an-address-of-others",
        ),
        pytest.param(
            ("lb3", "net.ipv4.ip_nonlocal_bind = 1", "net.ipv4.tcp_syncookies = 1"),
            "WRONG_BACKEND",
            "HAProxy listens at 10.2.0.100: it starts before the address is there, which net.ipv4.ip_nonlocal_bind=1 "
            "allows only",
            id="an-address-that-comes-later",
        ),
        pytest.param(
            ("lb2", "virtual_router_id 51", "virtual_router_id 53"),
            "VRRP_UNHEARD",
            "the holders of 192.168.0.33 do not hear each other's VRRP, and both have it: virtual_router_id 51 at lb1, "
            "53 at lb2",
            id="another-virtual-router",
        ),
        pytest.param(
            ("lb1", "192.168.0.32", "192.168.0.39"),
            "VRRP_UNHEARD",
            "the holders of 192.168.0.33 do not hear each other's VRRP, and both have it: unicast_peer of lb1 does not "
            "have lb2",
            id="a-peer-that-is-none",
        ),
        pytest.param(
            ("lb1", "192.168.0.34/24 dev eth0", "192.168.0.36/24 dev eth0"),
            "WRONG_ADDRESS",
            "keepalived.conf lacks 192.168.0.34, of which the topology names the node as a holder",
            id="another-virtual-address",
        ),
    ],
)
def test_an_edited_balancer_is_found(tmp_path: Path, edit: tuple[str, str, str], kind: str, cause: str) -> None:
    found = edited(tmp_path, edit)

    errors = [
        (one.kind, one.cause) for one in found.findings if one.severity is Severity.ERROR and edit[0] in one.nodes
    ]
    assert (kind, cause) in errors


def test_what_serves_as_well_as_what_was_written_is_no_finding(tmp_path: Path) -> None:
    found = edited(
        tmp_path,
        ("lb1", "bind 192.168.0.33:6443", "bind *:6443 # everywhere"),
        ("lb2", "server m2 10.2.0.22:6443", "server other ipv4@10.2.0.22:6443 check"),
    )

    assert unproved(found) == []


def test_who_moves_addresses_is_an_assumption(tmp_path: Path) -> None:
    found = edited(tmp_path)

    assert [one for one in found.assumptions if "keepalived" in one or "HAProxy" in one or "virtual" in one] == [
        "keepalived is installed and runs on lb1, lb2, lb3",
        "HAProxy is installed and runs on lb1, lb2, lb3",
        "programs put virtual addresses on their holders, one at a time: " + ON_HOLDERS,
    ]


HANDED_OVER = TOPOLOGY.parents[1] / "balancers-handoff/topology.yaml"


def told(out: Path, old: str, new: str) -> Verification:
    """The verification of a device's sheet after an edit."""
    with closing(open_production(HANDED_OVER)) as production:
        assert unproved(prove_production(production, out)) == []
        sheet = out / "lb2/handoff.md"
        assert old in sheet.read_text()
        sheet.write_text(sheet.read_text().replace(old, new))
        resolved = production.resolved
        return verify(out, wire(resolved), state_flows(resolved), assume(resolved))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        pytest.param("server m1 192.168.0.41:6443", "server m1 192.168.0.42:6443", "WRONG_BACKEND", id="backend"),
        pytest.param("## HAProxy", "## Another", "WRONG_BACKEND", id="no-balancer"),
        pytest.param("ip_nonlocal_bind = 1", "ip_nonlocal_bind = 0", "WRONG_BACKEND", id="parameter"),
        pytest.param("virtual_router_id 51", "virtual_router_id 52", "VRRP_UNHEARD", id="router-id"),
    ],
)
def test_a_sheet_that_asks_for_something_else_is_found(tmp_path: Path, old: str, new: str, kind: str) -> None:
    found = told(tmp_path, old, new)

    errors = [one for one in found.findings if one.severity is Severity.ERROR and "lb2" in one.nodes]
    assert kind in {one.kind for one in errors}


SPLIT = (
    "holders hear each other (192.168.0.33 on lb1 and lb2): while they do not, each has the address, a neighbour "
    "sends to the one that answered its ARP last, and connections through another break"
)


def test_a_split_and_what_answers_are_assumptions(tmp_path: Path) -> None:
    found = told(tmp_path, "# lb2", "# lb2")

    assert [one for one in found.assumptions if "hear each other" in one or "of its own" in one] == [
        SPLIT,
        "a program of its own answers on lb1 and lb2 at 192.168.0.33:443",
    ]


@pytest.mark.parametrize(
    ("name", "is_read"),
    [("20-mine.cfg", True), ("20-mine.conf", False), (".hidden.cfg", False), ("below/mine.cfg", False)],
)
def test_further_files_of_haproxy_are_read_as_it_reads_them(tmp_path: Path, name: str, is_read: bool) -> None:
    with closing(open_production(TOPOLOGY)) as production:
        prove_production(production, tmp_path)
        seed = tmp_path / "lb1/cloud-init/user-data"
        lines = "listen mine\n        bind 192.168.0.99:80\n        server m1 10.2.0.21:80\n"
        entry = f"  - path: /etc/haproxy/conf.d/{name}\n    content: |\n        {lines}"
        seed.write_text(seed.read_text().replace("write_files:\n", f"write_files:\n{entry}", 1))
        resolved = production.resolved
        found = verify(tmp_path, wire(resolved), state_flows(resolved), assume(resolved))

    cause = "HAProxy listens at 192.168.0.99: lb1 neither has the address nor is one of its holders"
    assert (cause in {one.cause for one in found.findings}) is is_read


K3S = """\
version: 1
name: k3s
networks: {lan: {cidr: 10.2.0.0/24, router: gw}}
defaults: {os: rocky9, network_config: keyfile, firewalld: masked}
kubernetes:
  pods: {cidr: 10.42.0.0/16}
  api: {vip: 10.2.0.100, holders: [m1, m2], vrrp: {id: 51}}
nodes:
  gw: {os: unmanaged, internet: true, interfaces: {eth0: {network: lan, address: 10.2.0.1}}}
  m1: {kubernetes: server, pod_cidr: 10.42.1.0/24, interfaces: {eth0: {network: lan, address: 10.2.0.21}}}
  m2: {kubernetes: ROLE, pod_cidr: 10.42.2.0/24, interfaces: {eth0: {network: lan, address: 10.2.0.22}}}
"""


@pytest.mark.parametrize(("role", "nodes"), [("server", []), ("agent", ["m2"])])
def test_servers_of_k3s_answer_at_the_port_of_its_api(tmp_path: Path, role: str, nodes: list[str]) -> None:
    found = prove(K3S.replace("ROLE", role), tmp_path)

    told = [one for one in found.assumptions if "of its own" in one]
    assert told == [f"a program of its own answers on {node} at 10.2.0.100:6443" for node in nodes]
