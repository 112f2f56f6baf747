"""The checks' documentation: every example does what it is shown for, and docs/checks.md is current."""

import re
from pathlib import Path

import pytest

from netwright.checks import CHECKS, Check, check
from netwright.parse import parse
from netwright.schema.topology_schema import validate
from netwright.text.report import Diagnostic
from netwright.tools.checks_docs import EXAMPLE_BASE, describe, example_document, read_other_findings, render_checks

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


def documented() -> set[str]:
    page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    return set(re.findall(r"^### `(\w+)`$", page, re.MULTILINE))


def test_every_rule_that_a_message_ends_with_is_documented() -> None:
    cases = [case.read_text(encoding="utf-8") for case in (ROOT / "tests/errors").glob("*/stderr.txt")]

    rules = {rule for case in cases for rule in re.findall(r"^\S+:\d+:\d+: \w+: .* \[(\w+)\]$", case, re.MULTILINE)}

    assert len(rules) > 150
    assert rules - documented() == set()


@pytest.mark.parametrize("room", ["text", "parse", "flows", "production", "templating", "targets", "importing"])
def test_every_rule_in_the_code_of_a_room_is_documented(room: str) -> None:
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "gen/netwright" / room).rglob("*.py")]
    keys = {"ip_masq_agent", "local_files_mib", "masq_link_local", "non_masquerade_cidrs", "private_key_file"}
    others = {
        "manage_etc_hosts",
        "prefer_fqdn_over_hostname",
        "xmit_hash_policy",
        "compare_with_cluster",
        "tell_left_out",
    }

    named = {name for text in code for name in re.findall(r'"([a-z0-9]+(?:_[a-z0-9]+){2,})"', text)}

    assert named - keys - others - documented() == set()


def test_findings_of_other_steps_are_in_the_code() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gen").rglob("*.py"))

    rules = {rule for found in read_other_findings().values() for rule in found}

    assert {rule for rule in rules if f'"{rule}"' not in code} == {"nodes_are_bounded", "flows_are_bounded"}
