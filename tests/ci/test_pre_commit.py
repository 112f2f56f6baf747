"""The hooks, run by pre-commit itself from a clone of this tree, without the network."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.netwright import PROJECT, TOPOLOGY, environment, netwright

PARTS = (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE", "gen/netwright", "templates", "schema")
HOOKS = ("netwright-validate", "netwright-check", "netwright-verify")


def git(folder: Path, *arguments: str) -> str:
    person = {f"GIT_{role}_{key}": "ops" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment(**person), check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with what the hooks are installed from."""
    folder = tmp_path_factory.mktemp("hooks")
    for part in PARTS:
        if (PROJECT / part).is_dir():
            shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / part, folder / part)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "The hooks")
    return folder


@pytest.fixture
def project(hooks: Path, tmp_path: Path) -> Path:
    """A repository that uses the hooks."""
    flows = "flows: {web: {from: lb1, to: master1, allow: [icmp]}}\n"
    (tmp_path / "topology.yaml").write_text(TOPOLOGY + flows)
    listed = "".join(f"      - id: {hook}\n" for hook in HOOKS)
    (tmp_path / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hooks}\n    rev: {git(hooks, 'rev-parse', 'HEAD')}\n    hooks:\n{listed}"
    )
    assert netwright("generate", "--quiet", cwd=tmp_path).status == 0
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    return tmp_path


def pre_commit(project: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs all hooks. pip takes what builds netwright, and its libraries, from this environment."""
    variables = {
        "PRE_COMMIT_HOME": str(home),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it upside down: 0 is no isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        "HOME": str(home),
    }
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"],
        cwd=project,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def outcomes(run: subprocess.CompletedProcess[str]) -> list[str]:
    lines = [line for line in run.stdout.splitlines() if line.startswith("netwright ") and "..." in line]
    return [line.rsplit(".", 1)[1] for line in lines]


def test_the_hooks_pass_what_is_right_and_stop_what_is_not(project: Path, hooks: Path) -> None:
    home = hooks.parent / "pre-commit"
    right = pre_commit(project, home)
    (project / "out/lb1/rootfs/etc/hostname").write_text("other\n")
    edited = pre_commit(project, home)
    topology = project / "topology.yaml"
    topology.write_text(topology.read_text().replace("10.1.0.3", "10.9.0.3"))
    wrong = pre_commit(project, home)

    assert outcomes(right) == ["Passed", "Passed", "Passed"], right.stdout + right.stderr
    assert outcomes(edited)[:2] == ["Passed", "Failed"], edited.stdout
    assert "edited by hand" in edited.stdout
    assert outcomes(wrong) == ["Failed", "Failed", "Failed"], wrong.stdout
    assert "[address_is_in_its_network]" in wrong.stdout
