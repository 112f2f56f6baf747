"""What must not arrive is refused at every router on its way, for the router's own addresses as well."""

import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from gen.production import Production, prepare
from gen.proving import assume, state_flows, wire
from gen.report import render_text
from gen.verify import verify
from gen.verify.readers.handoff import handoff_ruleset
from gen.write import generate

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
    """Whether what generate writes makes each flow hold."""
    with closing(open_production(topology(folder, *flows, host=host))) as production:
        generate(folder / "out", production.nodes, production.build, fingerprint="")
        fabric = production.fabric
        found = verify(folder / "out", wire(fabric), state_flows(fabric), assume(fabric))
    return {result.flow.name: result.proved for result in found.flows}


@pytest.mark.parametrize(
    ("flow", "node", "refused"),
    [
        pytest.param(
            "{from: front, to: lan, deny: any}",
            "host",
            ["ip saddr 10.1.0.0/24 ip daddr { 192.168.0.40, 192.168.0.41 } drop"],
            id="every-address-on-the-network",
        ),
        pytest.param(
            "{from: lan, to: front, deny: [tcp/23]}",
            "host",
            ["ip saddr 192.168.0.0/24 ip daddr 10.1.0.1 tcp dport 23 drop"],
            id="a-bridge-of-libvirt",
        ),
        pytest.param(
            "{from: front, to: 192.168.0.41/32, deny: [icmp]}",
            "host",
            ["ip saddr 10.1.0.0/24 ip daddr 192.168.0.41 meta l4proto icmp drop"],
            id="no-address-that-is-not-meant",
        ),
        pytest.param("{from: front, to: nas, deny: any}", "host", [], id="another-machine-alone"),
        pytest.param(
            "{from: front, to: kubernetes.api, deny: any}",
            "host",
            ["ip saddr 10.1.0.0/24 ip daddr 10.2.0.100 drop"],
            id="a-virtual-address-that-it-may-hold",
        ),
        pytest.param(
            "{from: [host, lb], to: lan, deny: any}",
            "host",
            ["ip saddr 10.1.0.12 ip daddr { 192.168.0.40, 192.168.0.41 } drop"],
            id="not-from-itself",
        ),
        pytest.param("{from: host, to: back, deny: any}", "host", [], id="itself-alone"),
        pytest.param(
            "{from: pods, to: back, deny: [tcp/10250]}",
            "w1",
            ["ip saddr 10.42.1.0/24 ip daddr 10.2.0.21 tcp dport 10250 drop"],
            id="its-own-pods",
        ),
        pytest.param("{from: pods, to: lan, deny: any}", "w1", [], id="its-own-pods-elsewhere"),
        pytest.param("{from: pods, to: host, deny: any}", "host", [], id="pods-that-are-hidden-behind-their-node"),
        pytest.param(
            "{from: lan, to: lan, deny: [tcp/23]}",
            "nas",
            ["ip saddr 192.168.0.0/24 ip daddr 192.168.0.0/24 tcp dport 23 drop"],
            id="members-of-one-network",
        ),
        pytest.param("{from: nas, to: nas, deny: any}", "nas", [], id="nobody-else"),
        pytest.param(
            "{from: host, to: pods, deny: any}",
            "w1",
            ["ip saddr 10.2.0.1 ip daddr 10.42.1.0/24 drop"],
            id="the-bridge-of-its-pods",
        ),
        pytest.param(
            "{from: host, to: 10.42.1.128/25, deny: any}",
            "w1",
            ["ip saddr 10.2.0.1 ip daddr 10.42.1.128/25 drop"],
            id="no-more-of-its-pods-than-is-said",
        ),
    ],
)
def test_what_comes_for_a_router_itself_is_refused_in_its_input(
    tmp_path: Path, flow: str, node: str, refused: list[str]
) -> None:
    assert rules(tmp_path, node, "input", f"closed: {flow}") == refused


@pytest.mark.parametrize(
    ("flow", "node", "hook", "spared"),
    [
        pytest.param("{from: lan, to: lan, deny: any}", "nas", "input", 'iifname "lo" accept', id="received"),
        pytest.param("{from: host, to: lan, deny: any}", "host", "output", 'oifname "lo" accept', id="sent"),
        pytest.param("{from: lb, to: nas, deny: any}", "nas", "input", None, id="others-alone"),
        pytest.param("{from: front, to: lan, deny: any}", "host", "forward", None, id="passed-on"),
    ],
)
def test_what_a_machine_sends_to_itself_is_spared(
    tmp_path: Path, flow: str, node: str, hook: str, spared: str | None
) -> None:
    with closing(open_production(topology(tmp_path, f"closed: {flow}"))) as production:
        files = {file.path: file.content.decode() for file in production.build(node).files}

    chain = files.get("/etc/nftables/netwright.nft", "").partition(f"chain {hook} ")[2].partition("}\n")[0]
    assert [line.strip() for line in chain.splitlines() if '"lo"' in line] == ([spared] if spared else [])


@pytest.mark.parametrize("hook", ["forward", "output"])
def test_a_denial_of_the_routers_own_addresses_alone_takes_nothing_from_what_it_passes_on(
    tmp_path: Path, hook: str
) -> None:
    chain = rules(tmp_path, "host", hook, "closed: {from: lb, to: host, deny: any}")

    assert not [line for line in chain if line.endswith("drop")]


def test_refusals_stand_before_what_is_stated_and_what_flows_need_in_input_as_in_forward(tmp_path: Path) -> None:
    flows = (
        "web: {from: front, to: 192.168.0.40/32, allow: [tcp/80]}",
        "closed: {from: front, to: lan, deny: [udp/53]}",
    )

    chain = rules(tmp_path, "host", "input", *flows, host=STATED)

    assert [line for line in chain if line.startswith("ip saddr 10.1.0.0/24")] == [
        "ip saddr 10.1.0.0/24 ip daddr { 192.168.0.40, 192.168.0.41 } udp dport 53 drop",
        "ip saddr 10.1.0.0/24 tcp dport 22 accept",
        "ip saddr 10.1.0.0/24 ip daddr 192.168.0.40 tcp dport 80 accept",
    ]


@pytest.mark.parametrize(
    "closed",
    [
        "{from: front, to: lan, deny: any}",
        "{from: lb, to: host, deny: any}",
        "{from: [host, lb], to: nas, deny: any}",
        "{from: pods, to: [back, lan], deny: any}",
        "{from: pods, to: host, deny: any}",
        "{from: lan, to: [front, back], deny: [udp/53]}",
        "{from: lan, to: lan, deny: any}",
    ],
)
def test_what_generate_writes_keeps_a_denied_flow_out_and_lets_those_beside_it_work(
    tmp_path: Path, closed: str
) -> None:
    beside = (
        "web: {from: host, to: front, allow: [tcp/80]}",  # answered by whoever may start nothing
        "names: {from: back, to: 10.2.0.1, allow: [udp/53]}",
    )

    assert proved(tmp_path, f"closed: {closed}", *beside) == dict.fromkeys(("ssh", "closed", "web", "names"), True)


def test_who_may_not_reach_pods_reaches_the_address_of_their_bridge_neither(tmp_path: Path) -> None:
    generated = ("web: {from: lb, to: pods, allow: [tcp/80]}", "closed: {from: host, to: pods, deny: any}")
    proved(tmp_path, *generated)
    asked = topology(tmp_path, *generated, "bridge: {from: host, to: 10.42.1.1, deny: any}")

    with closing(open_production(asked)) as production:
        fabric = production.fabric
        found = verify(tmp_path / "out", wire(fabric), state_flows(fabric), assume(fabric))

    assert {result.flow.name: result.proved for result in found.flows}["bridge"]


@pytest.mark.parametrize(
    ("flow", "host", "devices"),
    [
        pytest.param("{from: front, to: lan, deny: any}", UNMANAGED, "host and router", id="a-router"),
        pytest.param("{from: nas, to: lan, deny: any}", HOST, "router", id="on-the-same-segment"),
        pytest.param("{from: front, to: lan, deny: any}", HOST, None, id="behind-a-router-of-ours"),
        pytest.param("{from: front, to: nas, deny: any}", UNMANAGED, None, id="it-refuses-itself"),
        pytest.param("{from: pods, to: lan, deny: any}", UNMANAGED, None, id="refused-where-the-pods-are"),
    ],
)
def test_devices_that_nobody_configures_are_named_where_a_denied_flow_reaches_them(
    tmp_path: Path, flow: str, host: str, devices: str | None
) -> None:
    text = said(tmp_path, f"closed: {flow}", host=host)

    found = f"flows.closed: nothing that netwright configures lies before {devices}, which nobody configures"
    assert "error" not in text
    assert (found in text) if devices else ("lies before" not in text)


def test_of_pods_denied_to_each_other_it_is_said_that_those_of_one_node_may_pass_no_rule(tmp_path: Path) -> None:
    path = topology(tmp_path, "closed: {from: pods, to: pods, deny: any}")
    path.write_text(path.read_text().replace("  api:", "  cni: {plugin: none}\n  api:"))

    production, report = prepare(str(path))

    assert production is not None
    production.close()
    assert "warning: flows.closed: pods of one node may reach each other over a bridge" in render_text(report)


def sheet(folder: Path, node: str, *flows: str, host: str = HOST) -> str:
    with closing(open_production(topology(folder, *flows, host=host))) as production:
        (artifact,) = production.build(node).artifacts
    return artifact.content.decode()


@pytest.mark.parametrize(
    ("flow", "device", "asked"),
    [
        pytest.param(
            "{from: nas, to: lan, deny: [tcp/22]}",
            "router",
            ["ip saddr 192.168.0.50 ip daddr 192.168.0.0/24 tcp dport 22 drop"],
            id="on-the-same-segment",
        ),
        pytest.param(
            "{from: lan, to: lan, deny: any}",
            "router",
            ['iifname "lo" accept', "ip saddr 192.168.0.0/24 ip daddr 192.168.0.0/24 drop"],
            id="but-not-to-itself",
        ),
        pytest.param(
            "{from: front, to: lan, deny: any}",
            "host",
            ['iifname "lo" accept', "ip saddr 10.1.0.0/24 ip daddr 192.168.0.0/24 drop"],
            id="a-router",
        ),
        pytest.param("{from: front, to: nas, deny: any}", "host", None, id="nothing-that-another-machine-refuses"),
    ],
)
def test_hand_off_sheet_says_what_to_refuse_as_nft_takes_it(
    tmp_path: Path, flow: str, device: str, asked: list[str] | None
) -> None:
    host = UNMANAGED if device == "host" else HOST

    text = sheet(tmp_path, device, f"closed: {flow}", host=host)

    ruleset = handoff_ruleset(text)
    nft = ["unshare", "-rn", "nft", "--check", "--file", "-"]
    finished = subprocess.run(nft, input=ruleset, text=True, capture_output=True, check=False)
    rules = [line.strip() for line in ruleset.splitlines() if line.endswith((" accept", " drop"))]
    assert (finished.returncode, finished.stderr) == (0, "")
    assert rules == (["ct state established,related accept", *asked] if asked else [])
    assert ("## Packet filter" in text) == (asked is not None)


def test_a_denied_flow_is_proved_where_the_sheets_are_followed(tmp_path: Path) -> None:
    flow = "closed: {from: lan, to: lan, deny: any}"

    as_generated = proved(tmp_path, flow)
    path = tmp_path / "out/router/handoff.md"
    path.write_text(path.read_text().replace("ip daddr 192.168.0.0/24 drop", "ip daddr 192.168.0.0/25 accept"))
    with closing(open_production(tmp_path / "topology.yaml")) as production:
        fabric = production.fabric
        found = verify(tmp_path / "out", wire(fabric), state_flows(fabric), assume(fabric))

    assert as_generated["closed"]
    assert not {result.flow.name: result.proved for result in found.flows}["closed"]
    assert "the hand-off sheets are followed: router" in found.assumptions


@pytest.mark.parametrize(
    ("flow", "said_of_it"),
    [
        pytest.param("{from: front, to: router, deny: any}", "lies between front and lan", id="two-networks"),
        pytest.param("{from: front, to: front, deny: any}", "is on front", id="one-network"),
    ],
)
def test_an_error_says_where_nothing_could_refuse(tmp_path: Path, flow: str, said_of_it: str) -> None:
    path = topology(tmp_path, f"closed: {flow}", host=UNMANAGED)
    path.write_text(path.read_text().replace("lb: {groups: [rocky]", "lb: {os: unmanaged"))

    production, report = prepare(str(path))

    assert production is None
    assert f"nothing that netwright configures {said_of_it}; no rule could refuse this flow" in render_text(report)


def test_where_nobody_could_refuse_a_denied_flow_the_error_alone_says_so(tmp_path: Path) -> None:
    text = said(tmp_path, "closed: {from: front, to: router, deny: any}", host=UNMANAGED)

    assert "nothing that netwright configures lies between front and lan; no rule could refuse this flow" in text
    assert "lies before" not in text
