"""Snippets of the user's that contradict the topology about K3s, as `generate` and `validate` find them."""

import shutil
from pathlib import Path

import pytest

from tests.netwright import netwright

PROJECT = Path(__file__).parents[1] / "golden/k3s-settings"
TOKEN = "token-file: /etc/rancher/k3s/token\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two servers with the same snippet and settings of their own beside it."""
    for name in ("topology.yaml", "token.bu"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["validate", "generate"])
def test_nodes_with_one_snippet_keep_their_own_settings(command: str, project: Path) -> None:
    done = netwright(command, cwd=project)

    assert (done.status, "error" in done.stderr) == (0, False)


@pytest.mark.parametrize("command", ["validate", "generate"])
@pytest.mark.parametrize(("address", "status"), [("node.address", 0), ("virtual_addresses.kubernetes_api.address", 2)])
def test_a_template_is_read_for_each_node(address: str, status: int, command: str, project: Path) -> None:
    topology = (project / "topology.yaml").read_text().replace("  config: true\n", "").replace("token.bu", "own.bu.j2")
    (project / "topology.yaml").write_text(topology)
    own = f"{TOKEN}          node-ip: {{{{ {address} }}}}\n"
    (project / "own.bu.j2").write_text((project / "token.bu").read_text().replace(TOKEN, own))

    done = netwright(command, cwd=project)

    assert done.status == status
    assert done.stderr.count(" is set to node-ip: 10.2.0.100") == status


@pytest.mark.parametrize("command", ["validate", "generate"])
def test_a_snippet_that_contradicts_the_topology_is_named_once_for_all_its_nodes(command: str, project: Path) -> None:
    topology = (project / "topology.yaml").read_text().replace("  config: true\n", "")
    (project / "topology.yaml").write_text(topology)
    snippet = (project / "token.bu").read_text().replace(TOKEN, f"{TOKEN}          cluster-cidr: 10.99.0.0/16\n")
    (project / "token.bu").write_text(snippet)

    done = netwright(command, cwd=project)

    assert done.status == 2
    assert done.stderr.count("[k3s_agrees_with_the_topology]") == 1
    assert "K3s on m1, m2 is set to cluster-cidr: 10.99.0.0/16 (token.bu:10, delivered as " in done.stderr
