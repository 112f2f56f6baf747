"""Each rule of Butane and Ignition: a document that breaks it, and where it is told."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from netwright.butane import transpile
from netwright.text.source import Source, format_path

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


@pytest.mark.parametrize(("form", "longest"), [("ext4", 16), ("btrfs", 256), ("xfs", 12), ("swap", 15), ("vfat", 11)])
def test_labels_are_as_long_as_the_file_system_allows(form: str, longest: int) -> None:
    body = "storage: {{filesystems: [{{device: /dev/a, format: {}, label: {}}}]}}"

    assert _found(body.format(form, "a" * longest), "1.0.0") == []
    assert len(_found(body.format(form, "a" * (longest + 1)), "1.0.0")) == 1


TYPES = {
    "mapping-for-text": ("passwd: {users: [{name: {a: 1}}]}", "{a: ...} is a mapping; text is expected here"),
    "empty-mapping-for-text": ("passwd: {users: [{name: {}}]}", "{} is a mapping; text is expected here"),
    "list-for-text": ("passwd: {users: [{name: [a]}]}", "[...] is a list; text is expected here"),
    "empty-list-for-text": ("passwd: {users: [{name: []}]}", "[] is a list; text is expected here"),
    "text-for-number": ("passwd: {users: [{uid: a}]}", "a is text; a whole number is expected here"),
    "truth-for-number": ("passwd: {users: [{uid: true}]}", "true is a truth value; a whole number is expected here"),
    "text-for-truth": ("passwd: {users: [{system: a}]}", "a is text; true or false is expected here"),
    "number-for-truth": ("passwd: {users: [{system: 1}]}", "1 is a whole number; true or false is expected here"),
    "text-for-list": ("passwd: {users: a}", "a is text; a list is expected here"),
    "text-for-mapping": ("passwd: a", "a is text; a mapping is expected here"),
    "long-text": (f"passwd: {'a' * 70}", f"{'a' * 57}... is text; a mapping is expected here"),
}


@pytest.mark.parametrize(("body", "message"), TYPES.values(), ids=TYPES.keys())
def test_wrong_types_are_told_in_words(body: str, message: str) -> None:
    result = transpile(Source(name="a.bu", text=f"variant: flatcar\nversion: 1.0.0\n{body}"))

    assert [finding.diagnostic.message for finding in result.report.findings()] == [message]
