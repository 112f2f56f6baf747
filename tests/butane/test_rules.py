"""Each rule of Butane and Ignition: a document that breaks it, and where it is told."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gen.butane import transpile
from gen.source import Source, format_path

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8"))


def _found(body: str, version: str) -> list[str]:
    body = body.replace("3.3.0", "3.4.0") if version == "1.1.0" else body
    result = transpile(Source(name="a.bu", text=f"variant: flatcar\nversion: {version}\n{body}"))
    shown = []
    for finding in result.report.findings():
        assert finding.position is not None
        place = f"{finding.position.line}:{finding.position.column}"
        shown.append(f"{finding.diagnostic.severity} {place} {format_path(finding.diagnostic.path)}")
    assert (result.ignition is None) == any(line.startswith("error") for line in shown)
    return shown


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_messages_say_what_is_wrong_and_what_would_be_right(case: dict[str, Any]) -> None:
    result = transpile(Source(name="a.bu", text=f"variant: flatcar\nversion: 1.0.0\n{case['body']}"))

    messages = [finding.diagnostic.message for finding in result.report.findings()]
    assert [message for message in messages if not re.fullmatch(r"\S.*; \S.*[^.\s]", message)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_what_breaks_a_rule_is_told_where_it_stands(case: dict[str, Any], version: str) -> None:
    assert _found(case["body"], version) == case["found"]


ARNS = {
    "bucket": ("arn:aws:s3:::bucket/key", True),
    "access-point": ("arn:aws:s3:us-west-1:123456789012:accesspoint/point/object/key", True),
    "no-key": ("arn:aws:s3:::bucket", False),
    "other-service": ("arn:aws:ec2:::bucket/key", False),
    "too-short": ("arn:aws:s3", False),
    "empty-version": ("arn:aws:s3:::bucket/key?versionId=", False),
}


@pytest.mark.parametrize(("arn", "valid"), ARNS.values(), ids=ARNS.keys())
def test_s3_arns_are_known_since_1_1_0(arn: str, valid: bool) -> None:
    body = f"storage: {{files: [{{path: /a, contents: {{source: '{arn}'}}}}]}}"

    assert _found(body, "1.0.0") == ["error 3:49 storage.files[0].contents.source"]
    assert _found(body, "1.1.0") == ([] if valid else ["error 3:49 storage.files[0].contents.source"])
