"""Reasons of lines: every line of every golden has a reason, and the reasons are the right ones."""

import json
import re
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from netwright.commands.explain import explain
from netwright.explain.attribution import Attribution
from netwright.explain.explanation import Explanation, explain_line
from netwright.production.production import Production, prepare
from netwright.text.report import render_text
from netwright.write import generate
from tests.netwright import netwright

GOLDEN = sorted(path.parent for path in Path(__file__).parents[1].glob("golden/*/topology.yaml"))
ADDRESS = re.compile(r"\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b")
PLAIN = "stands in every file of this kind"
"""So begins the reason of a line that no fact is behind."""
REFERENCE = Path(__file__).parents[2] / "topology.yaml"


def open_production(topology: Path) -> Production:
    production, report = prepare(str(topology))
    assert production is not None, render_text(report)
    return production


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_every_line_of_every_file_is_explained_and_one_with_an_address_has_a_fact_behind_it(case: Path) -> None:
    known: dict[str, Attribution] = {}
    without_fact = []
    with closing(open_production(case / "topology.yaml")) as production:
        for path in sorted(path for path in (case / "out").rglob("*") if path.is_file()):
            for number, line in enumerate(path.read_text().split("\n")[:-1], start=1):
                answer = explain_line(production, str(case / "out"), f"{path}:{number}", known)

                assert isinstance(answer, Explanation), render_text(answer)
                assert all(reason.causes for reason in answer.reasons)
                if answer.reasons[0].title.startswith(PLAIN):
                    without_fact.append(line)

    assert without_fact
    assert [line for line in without_fact if ADDRESS.search(line)] == []


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("explain") / "out"
    with closing(open_production(REFERENCE)) as production:
        outcome = generate(out, production.nodes, production.build, fingerprint="")
    assert not outcome.report.errors
    return out


def ask(out: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(explain, [*arguments, "-t", str(REFERENCE), "-o", str(out)])
    return result.exit_code, result.output


def line_of(path: Path, text: str) -> str:
    lines = path.read_text().split("\n")
    return f"{path}:{next(number for number, line in enumerate(lines, start=1) if text in line)}"


def test_a_pod_route_names_its_flow_and_what_breaks_without_it(reference: Path) -> None:
    place = line_of(reference / "kvm/libvirt/kube02.xml", "10.42.6.0")

    code, text = ask(reference, place)

    assert code == 0
    assert "route to 10.42.6.0/24 via 10.17.4.25 on virbr_kube02, on kvm" in text
    assert "for ingress-to-pods: ingress -> pods: icmp, tcp/8080" in text
    assert ": flows.ingress-to-pods\n" in text
    assert "without it: packets of ingress-to-pods" in text


def test_a_default_route_serves_the_flows_that_rely_on_it(reference: Path) -> None:
    place = line_of(reference / "lb1/rootfs/etc/sysconfig/network-scripts/ifcfg-eth0", "GATEWAY=")

    _, text = ask(reference, place)

    assert "networks.kube01.router" in text
    assert "for cluster-internet: " in text


def test_an_explanation_as_json_points_into_the_topology(reference: Path) -> None:
    place = line_of(reference / "worker1/rootfs/etc/nftables/netwright.nft", "drop")

    code, text = ask(reference, place, "--format", "json")

    reason = json.loads(text)["reasons"][0]
    assert code == 0
    assert reason["flows"] == ["pods-not-to-lan"]
    assert reason["causes"][0]["path"] == "flows.pods-not-to-lan"
    assert REFERENCE.read_text().split("\n")[reason["causes"][0]["line"] - 1].strip().startswith("pods-not-to-lan:")


@pytest.mark.parametrize("file", ["router/handoff.md", "host/rootfs/etc/nftables/netwright.nft"])
def test_a_line_that_spares_the_machine_itself_comes_from_the_denial_that_would_hit_it(file: str) -> None:
    out = Path(__file__).parents[1] / "golden/flows-denied/out"
    line = (out / file).read_text().split("\n").index(f'{"    " * file.endswith(".md")}\t\tiifname "lo" accept') + 1

    with closing(open_production(out.parent / "topology.yaml")) as production:
        answer = explain_line(production, str(out), f"{out / file}:{line}")

    assert isinstance(answer, Explanation), render_text(answer)
    assert [reason.title.partition(",")[0] for reason in answer.reasons] == [
        "chain input accepts what the machine sends to itself"
    ]


@pytest.mark.parametrize(
    ("line", "flows", "without"),
    [
        ("dnat ip to 192.168.0.33", "web, web-inside", "edge leads packets of web, web-inside on to no one"),
        (
            "daddr 192.168.0.33 tcp dport { 80, 443 } ct status dnat masquerade",
            "web-inside",
            "answers to web-inside pass edge by, from an address that was not asked",
        ),
    ],
)
def test_what_a_port_forward_writes_names_the_flows_through_it(line: str, flows: str, without: str) -> None:
    out = Path(__file__).parents[1] / "golden/port-forwards/out"
    place = line_of(out / "edge/rootfs/etc/nftables/netwright.nft", line)

    with closing(open_production(out.parent / "topology.yaml")) as production:
        answer = explain_line(production, str(out), place)

    assert isinstance(answer, Explanation), render_text(answer)
    (reason,) = answer.reasons
    assert (", ".join(flow.partition(":")[0] for flow in reason.flows), reason.without) == (flows, without)


def test_a_story_lists_every_line_that_a_flow_needs(reference: Path) -> None:
    code, text = ask(reference, "--flow", "lan-to-api", "--format", "json")

    story = json.loads(text)
    lines = [
        (line["file"].rsplit("/", 1)[1], line["text"].strip()) for step in story["steps"] for line in step["lines"]
    ]
    assert code == 0
    assert ["api-lb, kvm, router", "kvm", "haproxy1, haproxy2"] in story["ways"]
    assert ("handoff.md", "ip route replace 10.17.5.0/24 via 192.168.0.40 dev lan0") in lines
    assert ("netwright.nft", "ip saddr 192.168.0.0/24 ip daddr 10.17.5.10 tcp dport 6443 accept") in lines


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param("kube02.xml", "name a line of a generated file", id="no-line"),
        pytest.param("{out}/nobody/x:1", "is no file of a node", id="unknown-node"),
        pytest.param("{out}/kvm/libvirt/none.xml:1", "is not generated", id="unknown-file"),
        pytest.param("{out}/kvm/libvirt/kube02.xml:999", "lines; name one of them", id="line-beyond-the-end"),
        pytest.param("{out}/kvm/manifest.json:9999", "has no such line", id="manifest-beyond-the-end"),
    ],
)
def test_a_place_that_is_not_there_is_refused(reference: Path, place: str, message: str) -> None:
    code, text = ask(reference, place.format(out=reference))

    assert code == 2
    assert message in text


def test_a_file_that_was_edited_is_not_explained(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with closing(open_production(REFERENCE)) as production:
        generate(out, production.nodes, production.build, fingerprint="")
    (out / "lb1/rootfs/etc/hostname").write_text("other\n")

    code, text = ask(out, f"{out}/lb1/rootfs/etc/hostname:1")

    assert code == 2
    assert "is not as generated from the topology" in text


def _with_workers(number: int) -> str:
    nodes = "".join(
        f"  w{each}: {{os: flatcar, kubernetes: agent, pod_cidr: 10.64.{each}.0/24, "
        f"interfaces: {{eth0: {{network: back, address: 10.20.0.{each + 10}}}}}}}\n"
        for each in range(number)
    )
    return f"""\
version: 1
name: lab
networks:
  front: {{cidr: 10.17.3.0/24, router: kvm, libvirt: {{bridge: virbr3}}}}
  back: {{cidr: 10.20.0.0/16, router: kvm, libvirt: {{bridge: virbr4}}}}
kubernetes:
  pods: {{cidr: 10.64.0.0/10}}
  services: {{cidr: 10.43.0.0/16}}
  cni: {{plugin: flannel, backend: host-gw}}
nodes:
  kvm:
    os: rocky10
    firewalld: masked
    interfaces: {{virbr3: {{network: front, address: 10.17.3.1}}, virbr4: {{network: back, address: 10.20.0.1}}}}
  lb1: {{os: rocky10, firewalld: absent, interfaces: {{eth0: {{network: front, address: 10.17.3.12}}}}}}
  s1:
    os: flatcar
    kubernetes: server
    pod_cidr: 10.127.0.0/24
    interfaces: {{eth0: {{network: back, address: 10.20.9.9}}}}
{nodes}flows:
  web: {{from: lb1, to: pods, allow: [tcp/8080], nat: never}}
"""


def _explained(folder: Path, number: int) -> str:
    (folder / "topology.yaml").write_text(_with_workers(number))
    run = netwright("explain", "--flow", "web", cwd=folder)
    assert (run.status, run.stderr) == (0, "")
    return run.stdout


def test_a_fact_has_its_own_lines_only_and_the_story_grows_by_the_same_for_each_node(tmp_path: Path) -> None:
    lengths = [len(_explained(tmp_path, number).splitlines()) for number in (10, 20, 40)]
    text = _explained(tmp_path, 20)

    assert lengths[2] - lengths[1] == 2 * (lengths[1] - lengths[0])
    assert "# Written by netwright" not in text
    entry = text.partition("  route to 10.64.7.0/24 via 10.17.3.1 on eth0\n")[2].splitlines()
    assert entry[0].startswith("    out/lb1/rootfs/etc/NetworkManager/system-connections/eth0.nmconnection:")
    assert entry[0].endswith("=10.64.7.0/24,10.17.3.1,100")
    assert entry[1].startswith("    without it: ")
