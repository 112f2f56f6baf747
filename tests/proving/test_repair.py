"""What `netwright verify` suggests for a refuted flow: only what proves it once it is done."""

import json
import shutil
from pathlib import Path

import pytest

from tests.netwright import PROJECT, netwright

TOPOLOGY = (PROJECT / "topology.yaml").read_text(encoding="utf-8")
POD_ROUTES = "      - {to: pods, type: blackhole}           #"
RULES = "        rules:\n"
LB1 = "  lb1: {groups: [rocky, ingress], "


def verify(folder: Path, topology: str, *arguments: str) -> list[dict[str, object]]:
    """The repairs that are suggested for what generate makes of a topology."""
    (folder / "topology.yaml").write_text(topology, encoding="utf-8")
    shutil.copytree(PROJECT / "snippets", folder / "snippets")
    generated = netwright("generate", cwd=folder)
    assert generated.status == 0, generated.stderr
    run = netwright("verify", "--format", "json", *arguments, cwd=folder)
    assert (run.status, run.stderr) == (1, "")
    repairs: list[dict[str, object]] = json.loads(run.stdout)["repairs"]
    return repairs


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (
            "virbr_kube02, forward: open",
            "virbr_kube02, forward: route",
            ["change networks.kube02.libvirt.forward to open"],
        ),
        (
            POD_ROUTES,
            f"      - {{to: 10.42.6.0/24, via: worker1}}\n{POD_ROUTES}",
            ["change nodes.kvm.routes[0].via to worker2", "remove nodes.kvm.routes[0]"],
        ),
        (POD_ROUTES, f"      - {{to: 10.42.6.0/25, type: blackhole}}\n{POD_ROUTES}", ["remove nodes.kvm.routes[0]"]),
        (
            RULES,
            f"{RULES}          - {{from: ingress, to: pods, deny: any}}\n",
            ["remove nodes.kvm.firewall.forward.rules[0]"],
        ),
        (
            "      forward:\n        rules:",
            "      forward:\n        stateful: false\n        rules:",
            ["change nodes.kvm.firewall.forward.stateful to true"],
        ),
        (LB1, f"{LB1}default_route: {{via: 10.17.3.13}}, ", ["remove nodes.lb1.default_route"]),
        (
            LB1,
            f"{LB1}routes: [{{to: 10.42.6.0/24, via: 10.17.4.25, dev: eth0, onlink: true}}], ",
            ["remove nodes.lb1.routes[0]"],
        ),
    ],
    ids=["libvirt mode", "wrong owner", "black hole", "deny rule", "stateless", "default route", "on-link route"],
)
def test_the_change_that_broke_a_flow_is_the_one_to_take_back(
    tmp_path: Path, before: str, after: str, changes: list[str]
) -> None:
    assert TOPOLOGY.count(before) == 1

    repairs = verify(tmp_path, TOPOLOGY.replace(before, after))

    assert [repair["change"] for repair in repairs] == changes
    assert all(repair["repairs"] for repair in repairs)
    assert all(str(repair["place"]).startswith("topology.yaml:") for repair in repairs)


def test_several_modes_are_changed_together_where_one_is_not_enough(tmp_path: Path) -> None:
    repairs = verify(tmp_path, TOPOLOGY.replace("forward: open", "forward: nat"))

    assert str(repairs[-1]["change"]).count("libvirt.forward to open") == 3
    assert repairs[-1]["repairs"] == [
        "ingress-to-pods", "lan-to-api", "nodes-to-api", "api-to-masters", "administration"
    ]  # fmt: skip


def test_what_the_topology_does_not_say_is_generated_anew(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "topology.yaml", tmp_path)
    for folder in ("snippets", "out"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    network = tmp_path / "out/kvm/libvirt/kube02.xml"
    network.write_text(network.read_text().replace('gateway="10.17.4.25"', 'gateway="10.17.4.24"'))

    run = netwright("verify", cwd=tmp_path)

    assert (
        "What would repair it:\n"
        "  - run netwright generate, with --force over files edited by hand: re-verified, repairs ingress-to-pods\n\n"
    ) in run.stdout


def test_nothing_is_suggested_if_nothing_shall_be(tmp_path: Path) -> None:
    broken = TOPOLOGY.replace("virbr_kube02, forward: open", "virbr_kube02, forward: route")

    assert verify(tmp_path, broken, "--no-repair") == []
