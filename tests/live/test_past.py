"""The commit of which a machine has the files."""

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from netwright.live.past import describe_past
from netwright.live.wanted import read_wanted
from netwright.verify.values.live import LiveFile
from tests.live.states import as_wanted
from tests.netwright import TOPOLOGY, netwright

AUTHOR = ("-c", "user.name=x", "-c", "user.email=x@example.org")
DAYS = {"10.1.0.3": "2026-01-02", "10.1.0.4": "2026-02-03", "10.1.0.5": "2026-03-04"}
NETWORK = "/etc/systemd/network/10-eth0.network"


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, LiveFile]]]:
    """A repository in which the node's address changed twice, and the files that each commit delivered, by address."""
    folder = tmp_path_factory.mktemp("past")
    subprocess.run(["git", "init", "-q", folder], check=True)
    found = {}
    for address, day in DAYS.items():
        (folder / "topology.yaml").write_text(TOPOLOGY.replace("10.1.0.3", address))
        assert netwright("generate", "-q", cwd=folder).status == 0
        found[address] = as_wanted(read_wanted(folder / "out", "master1"))
        subprocess.run(["git", "-C", folder, "add", "."], check=True)
        date = {"GIT_AUTHOR_DATE": f"{day}T12:00:00", "GIT_COMMITTER_DATE": f"{day}T12:00:00", "PATH": "/usr/bin:/bin"}
        subprocess.run(["git", "-C", folder, *AUTHOR, "commit", "-qm", address], check=True, env=date)
    return folder, found


def _commit(folder: Path, address: str) -> str:
    found = subprocess.run(
        ["git", "-C", folder, "log", "--format=%H", f"--grep={address}"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()[:10]


@pytest.mark.parametrize("address", ["10.1.0.3", "10.1.0.4"])
def test_the_commit_is_named(states: tuple[Path, dict[str, dict[str, LiveFile]]], address: str) -> None:
    folder, files = states

    said = describe_past(folder / "out", "master1", files[address])
    assert said == f"its files are those of commit {_commit(folder, address)} ({DAYS[address]})"


def test_files_of_no_commit_are_nobodys(states: tuple[Path, dict[str, dict[str, LiveFile]]]) -> None:
    folder, files = states
    changed = {**files["10.1.0.3"], NETWORK: replace(files["10.1.0.3"][NETWORK], digest="f" * 64)}

    assert describe_past(folder / "out", "master1", changed) is None


def test_a_file_that_may_not_be_read_does_not_speak_against_a_commit(
    states: tuple[Path, dict[str, dict[str, LiveFile]]],
) -> None:
    folder, files = states
    hidden = {**files["10.1.0.3"], "/etc/hostname": replace(files["10.1.0.3"]["/etc/hostname"], digest=None)}

    assert describe_past(folder / "out", "master1", hidden) is not None


def test_without_a_repository_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0

    assert describe_past(tmp_path / "out", "master1", {}) is None
