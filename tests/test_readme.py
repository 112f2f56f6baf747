"""README.md shows what really comes of its topology."""

import re
from pathlib import Path

import pytest

from tests.netwright import PROJECT, netwright

README = (PROJECT / "README.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`(\S+)`\n\n```\w*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
TOPOLOGY = FILES.pop("topology.yaml")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with the README's topology, and what was said when it was generated."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    run = netwright("generate", cwd=tmp_path)
    (tmp_path / "said").write_text(f"$ netwright generate\n{run.stdout}{run.stderr}")
    return tmp_path


def test_generate_says_what_the_readme_says(written: Path) -> None:
    said = (written / "said").read_text()

    assert f"```console\n{said}```\n" in README


def test_the_proof_is_as_shown(written: Path) -> None:
    run = netwright("verify", cwd=written)

    end = "".join(run.stdout.splitlines(keepends=True)[-3:])
    assert run.status == 0
    assert f"$ netwright verify | tail -n 3\n{end}```" in README


@pytest.mark.parametrize("path", FILES)
def test_generated_file_is_as_shown(written: Path, path: str) -> None:
    assert FILES[path] == (written / path).read_text()


def test_finding_is_as_shown(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("10.17.4.24", "10.17.5.24"))

    run = netwright("validate", cwd=tmp_path)

    assert run.status == 2
    assert f"```text\n{run.stderr}```\n" in README


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\(([^):]+)\)", README)

    assert links
    assert [link for link in links if not (PROJECT / link).exists()] == []
