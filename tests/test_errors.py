"""Findings of `netwright validate` in topologies that are wrong: tests/errors/CASE/topology.yaml and stderr.txt."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netwright.checks import CHECKS, Check, check
from netwright.commands.main import netwright
from netwright.parse import parse
from netwright.text.load import load, read_source

ERRORS = Path(__file__).parent / "errors"
CASES = sorted(path.name for path in ERRORS.iterdir() if path.is_dir())


def validate_case(case: str) -> Result:
    """The run of `netwright validate` in a case's directory."""
    before = os.getcwd()
    os.chdir(ERRORS / case)
    try:
        return CliRunner(env={"NO_COLOR": "1"}).invoke(netwright, ["validate"], catch_exceptions=False)
    finally:
        os.chdir(before)


@pytest.mark.parametrize("case", CASES)
def test_every_finding_is_said_where_it_is(case: str, request: pytest.FixtureRequest) -> None:
    run = validate_case(case)
    if request.config.getoption("--update"):
        (ERRORS / case / "stderr.txt").write_text(run.stderr, encoding="utf-8")

    assert run.stderr == (ERRORS / case / "stderr.txt").read_text(encoding="utf-8")
    assert run.exit_code == (2 if " error: " in run.stderr else 0)


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_rule_has_a_case_that_is_silent_without_it(rule: Check) -> None:
    topology_file = ERRORS / rule.__name__ / "topology.yaml"
    source, _ = read_source(str(topology_file))
    assert source is not None
    document, _ = load(source)
    assert isinstance(document, dict)
    topology, _ = parse(document)

    found = {diagnostic.rule for diagnostic in check(topology)}
    found_without_it = {diagnostic.rule for diagnostic in check(topology, [one for one in CHECKS if one is not rule])}

    assert found == {rule.__name__}
    assert not found_without_it
