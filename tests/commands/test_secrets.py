"""`netwright secrets`: which values are to be filled in, and where."""

import json
from pathlib import Path

import pytest

from tests.netwright import TOPOLOGY, netwright

SNIPPET = "locale: '{{ secret('LOCALE') }}'\nruncmd:\n  - echo {{ secret('TOKEN') }} {{ secret('LOCALE') }}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a node whose snippet has secrets."""
    (tmp_path / "keys.yaml.j2").write_text(SNIPPET)
    text = TOPOLOGY.replace("lb1: {os: rocky10,", "lb1: {os: rocky10, cloud_init: [keys.yaml.j2],")
    (tmp_path / "topology.yaml").write_text(text)
    return tmp_path


def test_each_place_is_listed_as_it_lies_in_out(project: Path) -> None:
    netwright("generate", cwd=project)

    run = netwright("secrets", cwd=project)

    assert (run.status, run.stderr) == (0, "")
    places = [line.split() for line in run.stdout.splitlines()]
    assert [(name, node) for name, node, _ in places] == [("LOCALE", "lb1"), ("LOCALE", "lb1"), ("TOKEN", "lb1")]
    for name, _, place in places:
        file, _, line = place.partition(":")
        assert f"${{{name}}}" in (project / "out" / file).read_text().splitlines()[int(line) - 1]


def test_programs_get_the_same(project: Path) -> None:
    lines = netwright("secrets", cwd=project).stdout.splitlines()

    places = json.loads(netwright("secrets", "--format", "json", cwd=project).stdout)["secrets"]

    assert [f"{one['name']}  {one['node']}  {one['file']}:{one['line']}" for one in places] == lines


def test_without_secrets_nothing_is_listed(project: Path) -> None:
    (project / "keys.yaml.j2").write_text("locale: C\n")

    run = netwright("secrets", cwd=project)

    assert (run.status, run.stdout, run.stderr) == (0, "", "")


def test_a_hidden_secret_is_bad_input(project: Path) -> None:
    (project / "keys.yaml.j2").write_text("locale: '{{ secret('Locale') | upper }}'\n")

    run = netwright("secrets", cwd=project)

    assert run.status == 2
    assert "[secrets_stay_literal]" in run.stderr
