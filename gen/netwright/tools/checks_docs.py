"""docs/checks.md, from the docstrings of the checks: `python -m netwright.tools.checks_docs` writes it."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml
from msgspec import Struct

from netwright.checks import CHECKS, Check, check
from netwright.parse import parse
from netwright.text.load import load
from netwright.text.source import Source, format_path

OTHER_FINDINGS = Path(__file__).parents[3] / "docs" / "findings.yaml"
EXAMPLE_BASE = """\
version: 1
name: example
networks:
  front: {cidr: 10.17.3.0/24, router: gw}
  back: {cidr: 10.17.4.0/24, router: gw}
kubernetes:
  pods: {cidr: 10.42.0.0/16}
nodes:
  gw:
    os: rocky10
    forward: true
    default_route: none
    interfaces:
      eth0: {network: front, address: 10.17.3.1}
      eth1: {network: back, address: 10.17.4.1}
  lb1: {os: rocky10, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  worker1:
    os: flatcar
    kubernetes: agent
    pod_cidr: 10.42.0.0/24
    interfaces: {eth0: {network: back, address: 10.17.4.24}}
  worker2:
    os: flatcar
    kubernetes: agent
    pod_cidr: 10.42.6.0/24
    interfaces: {eth0: {network: back, address: 10.17.4.25}}
"""

INTRODUCTION = """\
# Checks

What `netwright validate` finds in a topology beyond its form: {count} rules. An *error* stops the
generation. A *warning* is for what works, but will bite. Each finding stands under the name of its rule in
`--format json`. A name that nothing has is one finding, which lists where else it stands; what would go with it is left
out.

Each heading is the name that stands in brackets at the end of a message. What is found before and after the checks is
[at the end](#findings-of-other-steps); what `netwright verify` finds in files has its own words, in
[concepts.md](concepts.md#glossary-of-findings).

{contents}
Every example below is laid over this topology: mappings are merged, everything else is replaced.

```yaml
{base}```
"""


class RuleText(Struct, frozen=True, kw_only=True):
    """A rule's documentation: the rule in a sentence, why, and one example that fails and one that passes."""

    name: str
    subject: str
    statement: str
    reasons: str
    failing: str
    passing: str


def describe(rule: Check) -> RuleText:
    """The documentation in a rule's docstring."""
    text = inspect.cleandoc(rule.__doc__ or "")
    explanation, _, examples = text.partition("\n\nFails:\n\n")
    failing, _, passing = examples.partition("\n\nPasses:\n\n")
    statement, _, reasons = explanation.partition("\n\n")
    subject = (inspect.getmodule(rule).__doc__ or "").partition(":")[0]
    return RuleText(
        name=rule.__name__,
        subject=subject,
        statement=statement,
        reasons=reasons,
        failing=dedent(failing).strip("\n") + "\n",
        passing=dedent(passing).strip("\n") + "\n",
    )


def render_checks() -> str:
    """The reference of all checks, in Markdown."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    yield INTRODUCTION.format(count=len(CHECKS), base=EXAMPLE_BASE, contents=_contents())
    subject = ""
    for rule in CHECKS:
        text = describe(rule)
        if text.subject != subject:
            subject = text.subject
            yield f"## {subject}\n"
        yield f"### `{text.name}`\n"
        yield text.statement + "\n"
        if text.reasons:
            yield text.reasons + "\n"
        messages = "".join(f"{line}\n" for line in say(text.failing))
        yield f"Fails:\n\n```yaml\n{text.failing}```\n\n```text\n{messages}```\n"
        yield f"Passes:\n\n```yaml\n{text.passing}```\n"

    yield from _findings_of_other_steps()


def _contents() -> str:
    """The table of contents: each subject with its rules."""
    subjects: dict[str, list[str]] = {}
    for rule in CHECKS:
        text = describe(rule)
        subjects.setdefault(text.subject, []).append(f"[{text.name}](#{text.name})")
    rows = (f"| {subject} | {', '.join(rules)} |\n" for subject, rules in subjects.items())
    return "".join(("| subject | checks |\n|---|---|\n", *rows))


def read_other_findings() -> dict[str, dict[str, str]]:
    """What other steps than the checks find: by where, and by rule, a sentence."""
    found: dict[str, dict[str, str]] = yaml.safe_load(OTHER_FINDINGS.read_text(encoding="utf-8"))
    return found


def _findings_of_other_steps() -> Iterator[str]:
    yield "## Findings of other steps\n"
    for where, rules in read_other_findings().items():
        yield f"{where}:\n"
        for name, sentence in rules.items():
            yield f"### `{name}`\n\n{sentence}\n"


def say(example: str) -> Iterator[str]:
    """Yield the messages of an example, a line for each finding."""
    topology, found = parse(example_document(example))
    for diagnostic in found or check(topology):
        yield f"{diagnostic.severity}: {format_path(diagnostic.path)}: {diagnostic.message}"


def example_document(example: str) -> dict[str, Any]:
    """The document of an example: laid over the base."""
    return _overlay(_document(EXAMPLE_BASE), _document(example))


def _document(text: str) -> dict[str, Any]:
    document, report = load(Source(name="example", text=text))
    if document is None or not isinstance(document, dict):
        raise ValueError(f"an example cannot be read: {[entry[1].message for entry in report.entries]}\n{text}")
    return document


def _overlay(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def main() -> None:
    """Write docs/checks.md."""
    path = Path(__file__).parents[3] / "docs" / "checks.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(render_checks(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
