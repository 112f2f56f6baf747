"""What this user may not remove from OUT is found before anything is written."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netwright import TOPOLOGY, netwright
from tests.trees import read_tree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away or make them immutable")

WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
STRANGER = ("setpriv", "--reuid=54321", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
"""A user who may read and write everywhere, root's home with the code in it too, and owns nothing."""
OTHER = 12345
FOLDERS = ["out/notes", "out/lb1/mine", "out/lb1/rootfs/etc", "out/lb1", "out/master1"]
NEW = {
    "one-node": TOPOLOGY.replace("10.1.0.2", "10.1.0.9"),
    "several-nodes": TOPOLOGY.replace("10.1.0.2", "10.1.0.9").replace("10.1.0.3", "10.1.0.8"),
}


@pytest.fixture
def project(project: Path) -> Iterator[Path]:
    """The three nodes, with foreign directories, nothing of which stays immutable."""
    (project / "out/notes").mkdir()
    (project / "out/notes/mine").write_text("mine\n")
    (project / "out/lb1/mine").mkdir()
    yield project
    subprocess.run(["chattr", "-R", "-i", "-a", project / "out"], check=True)
    subprocess.run(["rm", "-rf", project / "out"], check=True)  # what is deep, pytest can't remove


def generate(project: Path, *options: str) -> tuple[int, str]:
    run = netwright("generate", "-q", *options, cwd=project, prefix=WITHOUT_PRIVILEGES)
    return run.status, run.stderr


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("nodes", NEW)
def test_a_folder_of_another_user_is_refused_before_anything_is_written(project: Path, folder: str, nodes: str) -> None:
    (project / "topology.yaml").write_text(NEW[nodes])
    os.chown(project / folder, OTHER, OTHER)
    before = read_tree(project)
    is_replaced = nodes == "several-nodes" or folder.startswith("out/lb1")

    status, said = generate(project)

    if is_replaced:
        reason = (
            f"is user {OTHER}'s, and this one may not remove files in it; change its owner, or move it away [output]"
        )
        assert (status, said) == (2, f"{folder}: error: {reason}\n")
        assert read_tree(project) == before
        os.chown(project / folder, 0, 0)
    assert generate(project)[0] == 0
    assert [path.name for path in project.iterdir() if "staging" in path.name] == []


@pytest.mark.parametrize("nodes", NEW)
def test_a_sticky_folder_of_another_user_is_refused(project: Path, nodes: str) -> None:
    (project / "topology.yaml").write_text(NEW[nodes])
    os.chown(project / "out/lb1/mine", OTHER, OTHER)
    (project / "out/lb1/mine").chmod(0o1777)

    run = netwright("generate", "-q", cwd=project, prefix=STRANGER)

    reason = f"is user {OTHER}'s, and this one may not remove files in it; change its owner, or move it away [output]"
    assert (run.status, run.stderr) == (2, f"out/lb1/mine: error: {reason}\n")
    assert "staging" not in "".join(path.name for path in project.iterdir())


@pytest.mark.parametrize(
    ("path", "flag"),
    [
        ("out/notes", "+i"),
        ("out/notes/mine", "+a"),
        ("out/lb1/mine", "+i"),
        ("out/lb1", "+a"),
        ("out/lb1/rootfs/etc", "+i"),
        ("out/lb1/manifest.json", "+i"),
        ("out/lb1/rootfs/etc/hostname", "+i"),
        ("out/gw/handoff.md", "+i"),
    ],
)
def test_what_is_immutable_is_refused_before_anything_is_written(project: Path, path: str, flag: str) -> None:
    (project / "topology.yaml").write_text(NEW["several-nodes"])
    before = read_tree(project)
    subprocess.run(["chattr", flag, project / path], check=True)

    status, said = generate(project)

    assert status == 2
    assert path.removeprefix("out/") in said
    assert "is immutable; allow changes of it (chattr -i -a)" in said
    assert read_tree(project) == before
    subprocess.run(["chattr", flag.replace("+", "-"), project / path], check=True)
    assert generate(project)[0] == 0


@pytest.mark.parametrize("path", ["out/lb1", "out/lb1/manifest.json"])
def test_in_place_what_is_immutable_is_refused_too(project: Path, path: str) -> None:
    (project / "topology.yaml").write_text(NEW["several-nodes"])
    before = read_tree(project)
    subprocess.run(["chattr", "+i", project / path], check=True)

    status, said = generate(project, "--in-place")

    assert (status, "is immutable" in said) == (2, True)
    assert read_tree(project) == before


def test_in_place_others_folders_do_not_matter_where_nothing_changes(project: Path) -> None:
    (project / "topology.yaml").write_text(NEW["one-node"])
    for folder in ("out/notes", "out/lb1/mine", "out/master1"):
        os.chown(project / folder, OTHER, OTHER)

    assert generate(project, "--in-place")[0] == 0


def test_in_place_a_new_folder_never_lacks_permissions(project: Path, tmp_path: Path) -> None:
    """Whenever the run is killed: a folder made with other permissions first would keep them for ever."""
    log, traced = tmp_path / "log", "mkdirat"
    (project / "topology.yaml").write_text(
        TOPOLOGY + "  lb2: {os: rocky10, interfaces: {eth0: {network: lan, address: 10.1.0.5}}}\n"
    )

    netwright("generate", "--in-place", cwd=project, prefix=("strace", "-f", "-o", str(log), "-e", traced))

    made = [line for line in log.read_text().splitlines() if "mkdirat(" in line]
    assert len(made) > 5
    assert all(line.split("= ")[0].rstrip().endswith("0755)") for line in made)


@pytest.mark.parametrize("where", ["out/notes", "out/lb1/mine", "out/new"])
def test_endlessly_deep_folders_in_out_are_refused(project: Path, where: str) -> None:
    (project / "topology.yaml").write_text(NEW["several-nodes"])
    make_deep(project / where, 1500)

    for command, status in (("generate", 2), ("check", 1), ("diff", 1)):
        run = netwright(command, "-q", cwd=project)

        expected = status if where.startswith("out/lb1") or command == "generate" else 1
        assert run.status == expected, run.stderr
    assert (
        "has more than 100 directories inside each other, which generate never makes; remove it"
        in netwright("generate", cwd=project).stderr
    )


def test_deep_folders_that_an_interrupted_run_left_are_removed(project: Path) -> None:
    make_deep(project / ".out.netwright-staging", 1500)
    make_deep(project / "out/.netwright-staging", 1500)

    assert generate(project)[0] == 0
    assert not (project / ".out.netwright-staging").exists()
    assert not (project / "out/.netwright-staging").exists()


def make_deep(folder: Path, depth: int) -> None:
    """Directories inside each other, a file in each of them."""
    folder.mkdir(exist_ok=True)
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        os.mkdir("a", dir_fd=fd)
        below = os.open("a", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)


def test_out_may_lie_below_many_missing_folders(project: Path) -> None:
    assert generate(project, "-o", "/".join(["a"] * 1200) + "/out")[0] == 0
    subprocess.run(["rm", "-rf", project / "a"], check=True)
