"""`.ci/release`, the second half of `make release`: what lies in dist/, built from a clone."""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from netwright import __version__
from netwright.tools.release_notes import release_notes
from tests.netwright import PROJECT, environment

WHEEL = f"netwright-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files of this one, as they are now."""
    folder = tmp_path_factory.mktemp("release") / "clone"
    folder.mkdir()
    listed = git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PARTS)
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((PROJECT / name).read_bytes())
            (folder / name).chmod((PROJECT / name).stat().st_mode)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "A release")
    return folder


PARTS = (
    ".ci",
    ".gitignore",
    "gen",
    "templates",
    "schema",
    "locks",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
)


def git(folder: Path, *arguments: str) -> str:
    person = {f"GIT_{role}_{key}": "ops" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(**person), check=True, capture_output=True, text=True
    ).stdout


def release(clone: Path) -> subprocess.CompletedProcess[str]:
    variables = environment(OFFLINE="1", PYTHON=sys.executable, PYTHONPATH=str(clone / "gen"))
    return subprocess.run([".ci/release"], cwd=clone, env=variables, capture_output=True, text=True, check=False)


def test_dist_has_everything_and_the_wheel_works(clone: Path) -> None:
    run = release(clone)

    assert run.returncode == 0, run.stderr
    assert f"netwright {__version__} works" in run.stderr
    dist = clone / "dist"
    names = {path.name for path in dist.iterdir()}
    stem = f"netwright-{__version__}"
    assert names == {
        *(WHEEL, f"{stem}.tar.gz", f"{stem}-man.tar.gz", f"{stem}.cdx.json", "release-notes.md", "SHA256SUMS"),
    }
    lines = (dist / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert sums == {name: hashlib.sha256((dist / name).read_bytes()).hexdigest() for name in names - {"SHA256SUMS"}}
    bom = json.loads((dist / f"{stem}.cdx.json").read_text())
    locked = re.findall(r"^([a-z0-9-]+)==", (PROJECT / "locks/run.txt").read_text(), re.MULTILINE)
    assert bom["metadata"]["component"]["version"] == __version__
    assert {component["name"] for component in bom["components"]} == set(locked)
    with tarfile.open(dist / f"{stem}-man.tar.gz") as pages:
        assert "man/netwright-verify.1" in pages.getnames()


def test_the_metadata_is_what_an_index_shows(clone: Path) -> None:
    if not (clone / "dist" / WHEEL).is_file():
        release(clone)
    with zipfile.ZipFile(clone / "dist" / WHEEL) as wheel:
        metadata = Parser().parsestr(wheel.read(f"netwright-{__version__}.dist-info/METADATA").decode())

    classifiers = metadata.get_all("Classifier", [])
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)} <= set(classifiers)
    assert "flatcar" in metadata["Keywords"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Requires-Python"] == ">=3.11"


def test_what_is_not_committed_is_not_released(clone: Path) -> None:
    (clone / "note").write_text("An afterthought.\n")
    run = release(clone)
    (clone / "note").unlink()

    assert run.returncode == 1
    assert "what is not committed would not be released" in run.stderr


def test_notes_are_those_of_the_version_and_what_came_since() -> None:
    changelog = (
        "# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [0.2.0] - 2027-01-01\n\n- Two.\n\n## [0.1.0]\n\n- One.\n"
    )

    assert release_notes(changelog, "0.2.0") == "# netwright 0.2.0\n\n- New.\n\n- Two.\n"
    assert release_notes(changelog, "0.1.0").endswith("\n- One.\n")
    with pytest.raises(ValueError, match=r"no entries under \[0.3.0\]"):
        release_notes(changelog, "0.3.0")
