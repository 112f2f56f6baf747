"""The fingerprint of a production: the same for the same inputs, another one for any other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from netwright.production.production import prepare

TOPOLOGY = """\
version: 1
name: inputs
templates: templates
networks: {front: {cidr: 10.1.0.0/24}}
nodes:
  node1: {os: flatcar, butane: [a.bu], interfaces: {eth0: {network: front, address: 10.1.0.11}}}
  node2: {os: rocky9, cloud_init: [b.yaml], interfaces: {eth0: {network: front, address: 10.1.0.12}}}
"""
FILES = {
    "topology.yaml": TOPOLOGY,
    "a.bu": "storage: {directories: [{path: /opt/a}]}\n",
    "b.yaml": "packages: [tmux]\n",
    "templates/common/header.j2": "# Mine.\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with snippets and a template of its own."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def fingerprint(root: Path) -> str:
    """The fingerprint of the project's production."""
    production, report = prepare(str(root / "topology.yaml"))
    assert production is not None, report
    production.close()
    return production.fingerprint


def test_same_inputs_have_the_same_fingerprint(root: Path) -> None:
    assert fingerprint(root) == fingerprint(root)


@pytest.mark.parametrize("name", FILES)
def test_every_input_counts(root: Path, name: str) -> None:
    before = fingerprint(root)

    (root / name).write_text(FILES[name] + "# changed\n")

    assert fingerprint(root) != before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: (root / "a.bu").write_text("passwd: {}\n# local\n"), id="takes-in-files"),
        pytest.param(lambda root: (root / "a.bu").unlink(), id="can-not-be-read"),
    ],
)
def test_what_is_not_known_beforehand_is_never_the_same_twice(root: Path, change: Callable[[Path], None]) -> None:
    change(root)

    assert fingerprint(root) != fingerprint(root)


def test_template_of_another_name_counts(root: Path) -> None:
    before = fingerprint(root)

    (root / "templates/common/header.j2").rename(root / "templates/common/sysctl.conf.j2")

    assert fingerprint(root) != before
