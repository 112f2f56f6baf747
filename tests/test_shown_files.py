"""The pages of docs/ that show files show what really comes of their topologies."""

import re
from pathlib import Path

import pytest

from tests.netwright import PROJECT, netwright

SHOWING = ("links.md", "virtual-addresses.md", "port-forwards.md", "names-and-time.md", "docker.md", "firewalld.md")
PAGES = [(PROJECT / "docs" / name).read_text(encoding="utf-8") for name in SHOWING]
EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$\n(.*?)(?=^```yaml|\Z)", re.MULTILINE | re.DOTALL)
EXAMPLES = [example for page in PAGES for example in EXAMPLE.findall(page)]


@pytest.mark.parametrize(("topology", "shown"), EXAMPLES)
def test_generated_files_are_as_shown(tmp_path: Path, topology: str, shown: str) -> None:
    (tmp_path / "topology.yaml").write_text(topology)
    files = dict(re.findall(r"^`(\S+)`\n\n```\w+\n(.*?)^```$", shown, re.MULTILINE | re.DOTALL))

    run = netwright("generate", cwd=tmp_path)

    assert run.status == 0, run.stderr
    assert files
    assert files == {path: (tmp_path / path).read_text() for path in files}


def test_what_is_shown_is_proved(tmp_path: Path) -> None:
    for topology, _ in EXAMPLES:
        (tmp_path / "topology.yaml").write_text(topology)
        netwright("generate", cwd=tmp_path)

        assert netwright("verify", cwd=tmp_path).status == 0
