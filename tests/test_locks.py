"""locks/: what `make demo` and `make test` install is pinned with hashes, and suits pyproject.toml."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.netwright import PROJECT

LOCKS = {path.name: path.read_text() for path in sorted((PROJECT / "locks").iterdir())}
PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text())
EXTRAS = PROJECT_TABLE["project"]["optional-dependencies"]
RUN = (*PROJECT_TABLE["project"]["dependencies"], *PROJECT_TABLE["dependency-groups"]["build"])
DIRECT = {"run.txt": RUN, "dev.txt": (*RUN, *EXTRAS["test"], *EXTRAS["dev"]), "oldest.txt": (*RUN, *EXTRAS["test"])}
PYTHONS = ("3.11", "3.12", "3.13")
_PIN = re.compile(r"([a-z0-9-]+)==(\S+?)(?: ; (.+?))? \\")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def pins(lock: str) -> dict[str, Requirement]:
    """Return every requirement of a lock by its name."""
    lines = [line for line in LOCKS[lock].splitlines() if line[:1].isalnum()]
    requirements = [Requirement(line.removesuffix(" \\")) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def version_of(requirement: Requirement) -> Version:
    (pin,) = requirement.specifier
    return Version(pin.version)


def wanted(lock: str) -> list[Requirement]:
    """Return what pyproject.toml asks for; netwright's own extras are written out already."""
    asked = [Requirement(text) for text in DIRECT[lock]]
    return [requirement for requirement in asked if requirement.name != "netwright"]


def test_every_lock_is_one_of_these() -> None:
    assert LOCKS.keys() == DIRECT.keys()


@pytest.mark.parametrize("lock", DIRECT)
def test_every_line_is_a_pin_with_hashes_or_a_comment(lock: str) -> None:
    before = ""
    for line in LOCKS[lock].splitlines():
        if not line.lstrip().startswith("#"):
            assert _PIN.fullmatch(line) or _HASH.fullmatch(line), line
        if _PIN.fullmatch(before):
            assert _HASH.fullmatch(line), before
        before = line


@pytest.mark.parametrize("lock", DIRECT)
def test_a_lock_names_no_place(lock: str) -> None:
    assert not re.search(r"://|index|find-links|(?<![\w.])/\w", LOCKS[lock])


@pytest.mark.parametrize("lock", DIRECT)
def test_a_lock_suits_the_ranges(lock: str) -> None:
    locked = pins(lock)

    for requirement in wanted(lock):
        pin = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version_of(pin)), requirement
        assert all(pin.marker is None or pin.marker.evaluate({"python_version": python}) for python in PYTHONS)


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    locked = pins("oldest.txt")

    for requirement in wanted("oldest.txt"):
        (bound,) = (one for one in requirement.specifier if one.operator == ">=")
        release = version_of(locked[canonicalize_name(requirement.name)]).release
        assert release[: len(Version(bound.version).release)] == Version(bound.version).release, requirement


def test_development_has_the_versions_that_users_of_the_demo_have() -> None:
    run, dev = pins("run.txt"), pins("dev.txt")

    assert {name: dev[name].specifier for name in run} == {name: pin.specifier for name, pin in run.items()}


@pytest.mark.parametrize("goal", ["demo", "test"])
def test_make_installs_from_the_locks_alone(goal: str, tmp_path: Path) -> None:
    command = ["make", "--dry-run", "--always-make", goal, f"VENV={tmp_path}"]
    shown = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout

    installs = [line for line in shown.splitlines() if "-m pip" in line]
    assert installs
    for line in installs:
        assert re.search(r"--require-hashes --requirement locks/|--no-deps --no-build-isolation --editable \.$", line)
