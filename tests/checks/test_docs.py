"""The checks' documentation: every example does what it is shown for, and docs/checks.md is current."""

from pathlib import Path

import pytest

from netwright.checks import CHECKS, Check, check
from netwright.parse import parse
from netwright.schema.topology_schema import validate
from netwright.text.report import Diagnostic
from netwright.tools.checks_docs import EXAMPLE_BASE, describe, example_document, render_checks

ROOT = Path(__file__).parent.parent.parent


def find(example: str) -> tuple[Diagnostic, ...]:
    document = example_document(example)
    assert not validate(document, "topology.schema.yaml")
    topology, diagnostics = parse(document)
    return diagnostics or check(topology)


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_failing_example_breaks_its_rule_alone(rule: Check) -> None:
    found = find(describe(rule).failing)

    assert {diagnostic.rule for diagnostic in found} == {rule.__name__}


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_passing_example_breaks_no_rule(rule: Check) -> None:
    found = find(describe(rule).passing)

    assert not found


def test_the_topology_beneath_the_examples_breaks_no_rule() -> None:
    assert not find(EXAMPLE_BASE)


def test_reference_is_current() -> None:
    written = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")

    assert written == render_checks(), "run python -m netwright.tools.checks_docs"
