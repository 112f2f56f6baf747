"""Import of a running cluster and libvirt into a topology, and comparison with one."""

import json
from pathlib import Path
from typing import Any

import pytest

from netwright.importing import ImportFileError, draft_topology, read_cluster, read_libvirt
from netwright.production.production import prepare
from netwright.text.report import render_text
from tests.netwright import PROJECT, netwright

KVM = PROJECT / "out" / "kvm" / "libvirt"


def node(name: str, ip: str, pods: str | None, *, server: bool = False) -> dict[str, Any]:
    """A node as `kubectl get nodes -o json` prints it, shortened."""
    labels = {"node-role.kubernetes.io/control-plane": "true"} if server else {}
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": pods, "podCIDRs": [pods]} if pods else {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
            "nodeInfo": {"osImage": "Flatcar Container Linux by Kinvolk 4230.2.2 (Oklo)"},
        },
    }


REFERENCE = [
    node("master1", "10.17.4.21", "10.42.1.0/24", server=True),
    node("master2", "10.17.4.22", "10.42.3.0/24", server=True),
    node("master3", "10.17.4.23", "10.42.4.0/24", server=True),
    node("worker1", "10.17.4.24", "10.42.0.0/24"),
    node("worker2", "10.17.4.25", "10.42.6.0/24"),
    node("worker3", "10.17.4.26", "10.42.5.0/24"),
    node("worker4", "10.17.4.27", "10.42.9.0/24"),
]


def nodes_file(folder: Path, nodes: list[dict[str, Any]]) -> str:
    path = folder / "nodes.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes}))
    return str(path)


def test_a_draft_of_the_reference_cluster_generates(tmp_path: Path) -> None:
    files = [str(path) for path in sorted(KVM.glob("*.xml"))]
    libvirt = [word for file in files for word in ("--from-libvirt", file)]

    run = netwright("init", "--from-kubectl", nodes_file(tmp_path, REFERENCE), *libvirt, cwd=tmp_path)

    assert (run.status, run.stderr) == (0, "")
    production, report = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None, render_text(report)
    production.close()
    worker2 = production.resolved.nodes["worker2"]
    assert [str(setting.value) for setting in worker2.pod_networks] == ["10.42.6.0/24"]
    assert str(worker2.interfaces[0].attachments[0].ip) == "10.17.4.25"
    assert production.resolved.nodes["master1"].groups == ("masters",)
    assert str(production.resolved.topology.kubernetes.pods) == "10.42.0.0/16"  # type: ignore[union-attr]
    assert [network.name for network in production.resolved.topology.networks] == ["kube01", "kube02", "kube03"]
    assert len(production.plan("kvm").libvirt_networks) == 3


def test_a_draft_of_a_cluster_alone_says_what_it_guessed(tmp_path: Path) -> None:
    text = draft_topology(read_cluster(nodes_file(tmp_path, REFERENCE)), []).text

    (tmp_path / "topology.yaml").write_text(text)
    production, report = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None, render_text(report)
    production.close()
    assert "# - net-10-17-4-0: the prefix length is a guess" in text


def test_a_network_with_netmask_and_two_addresses_becomes_two_on_one_segment(tmp_path: Path) -> None:
    path = tmp_path / "net.xml"
    path.write_text(
        "<network><name>Lab Net</name><bridge name='virbr7'/><forward mode='route'/>"
        "<ip address='10.1.0.1' netmask='255.255.255.0'/><ip address='10.2.0.1' prefix='24'/></network>"
    )

    text = draft_topology((), [read_libvirt(str(path))]).text

    assert (
        "lab-net: {cidr: 10.1.0.0/24, router: kvm, segment: lab-net, "
        "libvirt: {bridge: virbr7, forward: route, dns: true}}" in text
    )
    assert "lab-net-2: {cidr: 10.2.0.0/24, router: kvm, segment: lab-net}" in text
    assert "virbr7: {networks: {lab-net: 10.1.0.1, lab-net-2: 10.2.0.1}}" in text


def test_what_of_libvirts_network_a_topology_cannot_have_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.xml"
    path.write_text(
        "<network><name>L\u00e4b</name><bridge name='virbr7'/>"
        "<ip address='10.1.0.1' prefix='24'/><ip address='10.1.0.9' prefix='24'/></network>"
    )

    draft = draft_topology((), [read_libvirt(str(path))])

    assert "virbr7: {network: l-b, address: 10.1.0.1}" in draft.text
    assert draft.text.count("cidr:") == 1
    said = [str(one) for one in draft.left_out]
    assert any("10.1.0.9, another address in the same network" in one for one in said)
    assert any("its name, for which it is l-b here" in one for one in said)


def against(tmp_path: Path, nodes: list[dict[str, Any]]) -> tuple[int, str]:
    run = netwright("validate", str(PROJECT / "topology.yaml"), "--against", nodes_file(tmp_path, nodes), cwd=tmp_path)
    return run.status, run.stderr


def test_the_cluster_as_the_topology_has_it_is_fine(tmp_path: Path) -> None:
    status, said = against(tmp_path, REFERENCE)

    assert status == 0
    assert "in the cluster" not in said


def test_a_node_of_the_cluster_is_known_by_its_host_name(tmp_path: Path) -> None:
    topology = (PROJECT / "topology.yaml").read_text()
    renamed = topology.replace("worker2: {groups", "worker2: {hostname: w2.cluster.example, groups")
    (tmp_path / "topology.yaml").write_text(renamed)
    cluster = [*REFERENCE[:4], node("w2", "10.17.4.25", "10.42.6.0/24"), *REFERENCE[5:]]

    run = netwright("validate", "--against", nodes_file(tmp_path, cluster), cwd=tmp_path)

    assert "hostname: w2" in renamed
    assert (run.status, "in the cluster" in run.stderr, "the cluster has" in run.stderr) == (0, False, False)


def test_a_changed_pod_network_is_an_error_at_its_line(tmp_path: Path) -> None:
    status, said = against(tmp_path, [*REFERENCE[:4], node("worker2", "10.17.4.25", "10.42.7.0/24"), *REFERENCE[5:]])

    assert status == 2
    assert (
        "error: nodes.worker2.pod_cidr: worker2 has the pod network 10.42.7.0/24 in the cluster, not 10.42.6.0/24; "
        "set pod_cidr: 10.42.7.0/24" in said
    )


def test_nothing_is_summed_up_where_the_cluster_is_another_one(tmp_path: Path) -> None:
    changed = nodes_file(tmp_path, [*REFERENCE[:4], node("worker2", "10.17.4.25", "10.42.7.0/24"), *REFERENCE[5:]])

    run = netwright("validate", str(PROJECT / "topology.yaml"), "--against", changed, cwd=tmp_path)

    assert (run.status, run.stdout) == (2, "")


def test_a_changed_address_and_unknown_nodes_are_said(tmp_path: Path) -> None:
    strange = [*REFERENCE[:5], node("worker3", "10.17.4.99", "10.42.5.0/24"), node("worker9", "10.17.4.98", None)]

    status, said = against(tmp_path, strange)

    assert status == 2
    assert "error: nodes.worker3.interfaces: worker3 has the address 10.17.4.99 in the cluster" in said
    assert "warning: nodes: the cluster has a node worker9, the topology has none; add it" in said
    assert "warning: nodes.worker4: the cluster has no node worker4" in said


BAD_CLUSTERS = [
    pytest.param("[" * 100000, "is not JSON", id="deep"),
    pytest.param("{", "is not JSON", id="broken"),
    pytest.param("[]", "is no list of nodes", id="list"),
    pytest.param('{"items": [1]}', "is no list of nodes", id="numbers"),
    pytest.param('{"items": []}', "holds no node", id="nothing"),
    pytest.param('{"items": [{"metadata": {"name": "../x"}}]}', "has a node named", id="path"),
    pytest.param('{"items": [{"metadata": {"name": "n1"}}]}', "gives n1 no IPv4 InternalIP", id="no-address"),
    pytest.param(
        '{"items": [{"metadata": {"name": "n1"}, "spec": {"podCIDR": "10.1"}}]}', "pod network 10.1, which", id="pods"
    ),
    pytest.param(
        '{"items": [{"metadata": {"name": "n1"}, "status": {"addresses": [{"type": "InternalIP", "address": '
        '"999.1.1.1"}]}}]}',
        "the address 999.1.1.1, which is none",
        id="address",
    ),
]


@pytest.mark.parametrize(("text", "message"), BAD_CLUSTERS)
def test_a_file_that_kubectl_did_not_write_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "nodes.json").write_text(text)

    with pytest.raises(ImportFileError, match=message):
        read_cluster(str(tmp_path / "nodes.json"))


BAD_NETWORKS = [
    pytest.param("<network>", "is not XML", id="broken"),
    pytest.param("<domain><name>x</name></domain>", "is no libvirt network", id="domain"),
    pytest.param('<!DOCTYPE a [<!ENTITY b "c">]><network/>', "has a document type", id="entities"),
    pytest.param(
        "<network><name>n</name><bridge name='b'/><forward mode='bridge'/></network>", "mode bridge", id="bridged"
    ),
    pytest.param("<network><name>n</name><bridge name='b'/></network>", "no IPv4 address", id="no-address"),
    pytest.param("<network><name>n</name><bridge name='b r'/></network>", "which is no interface's name", id="bridge"),
    pytest.param(
        "<network><name>n</name><bridge name='b'/><ip address='10.0.0.1' prefix='99'/></network>",
        "10.0.0.1/99, which is none",
        id="prefix",
    ),
    pytest.param("<network><name>n</name><bridge name='b'/><ip address='x'/></network>", "no prefix", id="no-prefix"),
]


@pytest.mark.parametrize(("text", "message"), BAD_NETWORKS)
def test_a_file_that_libvirt_did_not_write_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "net.xml").write_text(text)

    with pytest.raises(ImportFileError, match=message):
        read_libvirt(str(tmp_path / "net.xml"))


@pytest.mark.parametrize("line_end", ["\n", "\r", "\x85", "\u2028"], ids=ascii)
def test_what_an_image_calls_itself_adds_no_line_to_a_draft(tmp_path: Path, line_end: str) -> None:
    strange = node("worker1", "10.17.4.24", "10.42.0.0/24")
    strange["status"]["nodeInfo"] = {"osImage": f"Flatcar{line_end}templates: mine\u202e"}
    cluster = read_cluster(nodes_file(tmp_path, [strange]))

    draft = draft_topology(cluster, []).text

    (tmp_path / "topology.yaml").write_text(draft)
    production, report = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None, render_text(report)
    production.close()
    assert not [line for line in draft.splitlines() if line.startswith("templates")]


@pytest.mark.parametrize(
    ("image", "system"),
    [
        pytest.param("Flatcar Container Linux by Kinvolk 4230.2.2 (Oklo)", "flatcar", id="flatcar"),
        pytest.param("Rocky Linux 8.10 (Green Obsidian)", "rocky8", id="rocky8"),
        pytest.param("Rocky Linux 10.0 (Red Quartz)", "rocky10", id="rocky10"),
        pytest.param("AlmaLinux 9.4 (Seafoam Ocelot)", "almalinux9", id="almalinux9"),
    ],
)
def test_a_node_has_the_system_that_the_cluster_says(tmp_path: Path, image: str, system: str) -> None:
    told = node("worker1", "10.17.4.24", "10.42.0.0/24")
    told["status"]["nodeInfo"] = {"osImage": image}

    text = draft_topology(read_cluster(nodes_file(tmp_path, [told])), []).text

    (tmp_path / "topology.yaml").write_text(text)
    production, report = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None, render_text(report)
    production.close()
    assert production.plan("worker1").os == system
    assert "taken for Flatcar" not in text


@pytest.mark.parametrize(
    ("image", "said"),
    [("Debian GNU/Linux 12", "Debian GNU/Linux 12"), ("Rocky Linux 11.0", "Rocky Linux 11.0"), ("", "nothing")],
    ids=["other", "newer", "none"],
)
def test_a_node_of_a_system_without_a_name_is_marked(tmp_path: Path, image: str, said: str) -> None:
    odd = node("worker1", "10.17.4.24", "10.42.0.0/24")
    odd["status"]["nodeInfo"] = {"osImage": image}
    cluster = read_cluster(nodes_file(tmp_path, [odd, node("worker2", "10.17.4.25", "10.42.1.0/24")]))

    text = draft_topology(cluster, []).text

    assert f"# - os: worker1: taken for Flatcar; the cluster reports {said}." in text.splitlines()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    run = netwright("init", "--from-kubectl", "none.json", cwd=tmp_path)

    assert run.status == 2
    assert run.stderr == "none.json: error: can't be read: No such file or directory [imported_file_is_readable]\n"
    assert not (tmp_path / "topology.yaml").exists()
