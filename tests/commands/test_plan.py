"""`netwright plan`: what applying a topology means, as people and programs read it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.netwright import TOPOLOGY, netwright

ROUTED = TOPOLOGY.replace("lb1: {os: rocky10,", "lb1: {os: rocky10, routes: [{to: 10.9.0.0/16, via: 10.1.0.1}],")
KEYFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with three nodes, as generated."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    netwright("generate", cwd=tmp_path)
    return tmp_path


def commit(folder: Path) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "state"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def test_without_a_change_there_is_nothing_to_do(project: Path) -> None:
    run = netwright("plan", cwd=project)

    assert (run.status, run.stdout, run.stderr) == (0, "Nothing to do.\n", "")


def test_a_change_is_planned_before_it_is_generated(project: Path) -> None:
    (project / "topology.yaml").write_text(ROUTED)

    run = netwright("plan", cwd=project)

    assert (run.status, run.stderr) == (1, "")
    assert run.stdout == (
        "1 machine to change since out; worst: no connection drops\n"
        "\n"
        "No flow holds for the same addresses before and after, so that none can break.\n"
        "\n"
        "1. lb1: 1 file, no connection drops\n"
        "\n"
        "lb1\n"
        f"  ~ {KEYFILE}\n"
        "  then:\n"
        "      nmcli connection reload\n"
        "      nmcli device reapply eth0\n"
    )
    assert not (project / "out/lb1/rootfs" / KEYFILE[1:]).read_text().count("10.9.0.0")


def test_a_revision_is_what_machines_have_once_all_is_generated(project: Path) -> None:
    commit(project)
    (project / "topology.yaml").write_text(ROUTED)
    netwright("generate", cwd=project)

    assert netwright("plan", cwd=project).status == 0
    run = netwright("plan", "--against", "HEAD", cwd=project)

    assert run.status == 1
    assert run.stdout.startswith("1 machine to change since HEAD;")


def test_programs_get_the_same(project: Path) -> None:
    (project / "topology.yaml").write_text(ROUTED)

    run = netwright("plan", "--format", "json", cwd=project)

    assert (run.status, run.stderr) == (1, "")
    commands = ["nmcli connection reload", "nmcli device reapply eth0"]
    assert json.loads(run.stdout) == {
        "version": 1,
        "findings": [],
        "state": "out",
        "machines": [
            {
                "node": "lb1",
                "change": "changed",
                "loss": "none",
                "guests": [],
                "files": [
                    {
                        "path": KEYFILE,
                        "change": "changed",
                        "loss": "none",
                        "in_effect": "now",
                        "commands": commands,
                        "notes": [],
                    }
                ],
                "commands": [{"command": command, "when": "after"} for command in commands],
            }
        ],
        "steps": [{"nodes": ["lb1"], "breaks": []}],
        "proved": True,
        "flows": 0,
    }


def test_machines_that_come_and_go_are_named(project: Path) -> None:
    (project / "topology.yaml").write_text(TOPOLOGY.replace("lb1:", "lb2:"))

    found = json.loads(netwright("plan", "--format", "json", cwd=project).stdout)

    assert [(machine["node"], machine["change"]) for machine in found["machines"]] == [
        ("lb1", "removed"),
        ("lb2", "added"),
    ]
    assert sorted(node for step in found["steps"] for node in step["nodes"]) == ["lb1", "lb2"]


def test_without_out_all_machines_are_new(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)

    run = netwright("plan", cwd=tmp_path)

    assert run.status == 1
    assert "new: gw, lb1, master1" in run.stdout


def test_what_only_ignition_brings_needs_provisioning(project: Path) -> None:
    (project / "user.bu").write_text(
        "variant: flatcar\nversion: 1.0.0\npasswd: {users: [{name: core, ssh_authorized_keys: [ssh-ed25519 AAAA]}]}\n"
        "storage: {files: [{path: /etc/motd, contents: {inline: hello}}]}\n"
    )
    (project / "topology.yaml").write_text(TOPOLOGY.replace("{os: flatcar,", "{os: flatcar, butane: [user.bu],"))

    found = json.loads(netwright("plan", "--format", "json", cwd=project).stdout)

    (machine,) = found["machines"]
    assert machine["loss"] == "reboot"
    assert [(file["path"], file["in_effect"]) for file in machine["files"]] == [
        ("/etc/motd", "person"),
        ("master1.ign: passwd", "provisioning"),
    ]


def test_another_version_of_ignition_changes_no_machine(project: Path) -> None:
    text = TOPOLOGY.replace("{os: flatcar,", "{os: flatcar, butane_version: 1.1.0,")
    (project / "topology.yaml").write_text(text)

    assert netwright("diff", "--quiet", cwd=project).status == 1
    assert netwright("plan", cwd=project).stdout == "Nothing to do.\n"


def test_what_only_cloud_init_does_is_listed_to_be_done_by_hand(project: Path) -> None:
    (project / "tools.yaml").write_text("#cloud-config\npackages: [tcpdump]\nruncmd: [echo ready]\n")
    (project / "topology.yaml").write_text(TOPOLOGY.replace("{os: rocky10,", "{os: rocky10, cloud_init: [tools.yaml],"))

    found = json.loads(netwright("plan", "--format", "json", cwd=project).stdout)

    (machine,) = found["machines"]
    assert [(file["path"], file["notes"][1:]) for file in machine["files"]] == [
        ("cloud-init/user-data: packages", ["+ tcpdump"]),
        ("cloud-init/user-data: runcmd", ["+ echo ready"]),
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--against", "nowhere"), "nowhere: error: is no git revision"),
        (("--against", ""), "--against names nothing"),
        (("absent.yaml",), "absent.yaml: error: "),
    ],
    ids=["revision", "empty", "topology"],
)
def test_bad_input_is_named(project: Path, arguments: tuple[str, ...], reason: str) -> None:
    run = netwright("plan", *arguments, cwd=project)

    assert (run.status, run.stdout) == (2, "")
    assert reason in run.stderr


def test_quiet_leaves_the_exit_status(project: Path) -> None:
    (project / "topology.yaml").write_text(ROUTED)

    run = netwright("plan", "--quiet", cwd=project)

    assert (run.status, run.stdout, run.stderr) == (1, "", "")


def test_a_comment_has_the_plan_and_then_the_files(project: Path) -> None:
    (project / "topology.yaml").write_text(ROUTED)
    plan = netwright("plan", "--format", "markdown", cwd=project)

    diff = netwright("diff", "--format", "markdown", cwd=project)

    assert plan.stdout.startswith("### 1 machine to change since `out`; worst: no connection drops\n")
    assert "| 1 | `lb1` | 1 file, no connection drops |\n" in plan.stdout
    assert "      nmcli device reapply eth0\n" in plan.stdout
    assert diff.stdout.startswith(f"{plan.stdout}\n**1 node** to change: 2 files, ")
    assert diff.stdout.endswith("</details>\n")


def test_a_comment_of_a_large_change_is_not_refused(tmp_path: Path) -> None:
    """GitHub takes 65,536 characters."""
    nodes = "".join(
        f"  n{number}x{number % 7}: {{os: rocky10, sysctl: {{net.core.somaxconn: {number}}}, "
        f"interfaces: {{eth0: {{network: lan, address: 10.1.{number // 200}.{number % 200 + 10}}}}}}}\n"
        for number in range(1, 301)
    )
    text = TOPOLOGY.replace("10.1.0.0/24", "10.1.0.0/16") + nodes
    (tmp_path / "topology.yaml").write_text(text)
    netwright("generate", cwd=tmp_path)
    (tmp_path / "topology.yaml").write_text(text.replace("somaxconn", "optmem_max"))

    diff = netwright("diff", "--format", "markdown", cwd=tmp_path)

    assert "| | 200 rows more | |" in diff.stdout
    assert "### 300 machines to change since `out`" in diff.stdout
    assert len(diff.stdout) < 65_000
