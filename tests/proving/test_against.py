"""`netwright verify --against`: what a change of the files breaks, repairs or sends another way."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.netwright import PROJECT, netwright


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The reference network in a git repository of its own, in a folder below its top."""
    folder = tmp_path / "repository" / "cluster"
    folder.mkdir(parents=True)
    shutil.copy(PROJECT / "topology.yaml", folder)
    for name in ("snippets", "out"):
        shutil.copytree(PROJECT / name, folder / name)
    return folder


def commit(folder: Path) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "state"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def reroute(folder: Path) -> None:
    """Sends one pod network to a node that does not own it."""
    path = folder / "out/kvm/libvirt/kube02.xml"
    path.write_text(path.read_text().replace('gateway="10.17.4.25"', 'gateway="10.17.4.24"'))


def changes(folder: Path, against: str) -> list[tuple[str, str]]:
    run = netwright("verify", "--against", against, "--format", "json", cwd=folder)
    assert run.stderr == ""
    return [(change["kind"], change["flow"]) for change in json.loads(run.stdout)["changes"]]


def test_an_unchanged_output_changes_no_flow(project: Path) -> None:
    commit(project)

    assert changes(project, "HEAD") == []


def test_a_change_since_a_revision_breaks_a_flow(project: Path) -> None:
    commit(project)
    reroute(project)

    run = netwright("verify", "--against", "HEAD", cwd=project)

    assert changes(project, "HEAD") == [("breaks", "ingress-to-pods")]
    assert "breaks ingress-to-pods: icmp from 10.17.3.12 to 10.42.6.2-10.42.6.254 and 3 classes more" in run.stdout
    assert "before: ACCEPTED (lb1 -> kvm -> worker2, back worker2 -> kvm -> lb1)" in run.stdout
    assert "now: WRONG_NODE (lb1 -> kvm -> worker1 -> worker2" in run.stdout


def test_the_opposite_change_repairs_it(project: Path) -> None:
    shutil.copytree(project / "out", project / "before")
    reroute(project.parent / "cluster")
    shutil.move(project / "out", project / "broken")
    shutil.move(project / "before", project / "out")

    assert changes(project, "broken") == [("repairs", "ingress-to-pods")]


def test_another_next_hop_reroutes_what_still_arrives(project: Path) -> None:
    shutil.copytree(project / "out", project / "before")
    for name in ("cloud-init/user-data", "rootfs/etc/NetworkManager/system-connections/eth0.nmconnection"):
        path = project / "out/api-lb" / name
        path.write_text(path.read_text().replace(",192.168.0.40,10", ",192.168.0.1,10"))

    found = changes(project, "before")

    assert found
    assert {kind for kind, _ in found} == {"reroutes"}


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("nowhere", "is neither a directory nor a git revision"),
        ("--output=x", "is neither a directory nor a git revision"),
        ("snippets", "has no router, nor any other node; name a state of OUT"),
    ],
)
def test_what_is_no_state_of_the_output_is_said(project: Path, named: str, reason: str) -> None:
    commit(project)

    run = netwright("verify", f"--against={named}", cwd=project)

    assert run.status == 2
    assert run.stderr.startswith(f"{named}: error: ")
    assert reason in run.stderr
