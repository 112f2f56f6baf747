"""YAML as Butane reads it."""

import json
from typing import Any

import pytest

from netwright.butane import transpile
from netwright.text.report import Severity, render_text
from netwright.text.source import Source

HEADER = "variant: flatcar\nversion: 1.0.0\n"


def _compiled(body: str) -> Any:
    result = transpile(Source(name="a.bu", text=HEADER + body))
    assert result.ignition is not None, render_text(result.report)
    return json.loads(result.ignition)


def _errors(text: str) -> list[tuple[int, int, str]]:
    result = transpile(Source(name="a.bu", text=text))
    assert result.ignition is None
    return [
        (finding.position.line, finding.position.column, finding.diagnostic.message)
        for finding in result.report.findings()
        if finding.position is not None and finding.diagnostic.severity is Severity.ERROR
    ]


NUMBERS = {
    "0644": 0o644, "0o600": 0o600, "-0o17": -0o17, "0x1A4": 420, "0b110": 6, "-0b11": -3, "4_2_0": 420, "+7": 7,
    "08": 8, "1e2": 100, "420.9": 420, "-1.9": -1, ".5": 0, "0": 0, "!!int '0644'": 0o644, "!!float 3": 3,
    "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63), "-.inf": -(2**63), "0O17": 0o17, "0X1f": 31,
}  # fmt: skip


@pytest.mark.parametrize(("written", "value"), NUMBERS.items(), ids=NUMBERS.keys())
def test_numbers_are_gos(written: str, value: int) -> None:
    compiled = _compiled(f"passwd: {{users: [{{name: a, uid: {written}}}]}}")

    assert compiled["passwd"]["users"][0]["uid"] == value


@pytest.mark.parametrize(
    "written", ["1a", "'1'", "0b2", "1:30", "2001-01-01", ".nan", ".inf", "9223372036854775808", "yes", "0x", "1__e"]
)
def test_other_words_are_no_numbers(written: str) -> None:
    errors = _errors(f"{HEADER}passwd: {{users: [{{name: a, uid: {written}}}]}}")

    assert [(line, column) for line, column, _ in errors] == [(3, 33)]


TRUTH = dict.fromkeys("true True TRUE y Y yes Yes YES on On ON 'yes'".split(), True)  # noqa: SIM905
TRUTH |= dict.fromkeys('false False FALSE n N no No NO off Off OFF "off"'.split(), False)  # noqa: SIM905


@pytest.mark.parametrize(("written", "value"), TRUTH.items(), ids=TRUTH.keys())
def test_truth_values_are_those_of_both_versions_of_yaml(written: str, value: bool) -> None:
    compiled = _compiled(f"systemd: {{units: [{{name: a.service, mask: {written}}}]}}")

    assert compiled["systemd"]["units"][0]["mask"] is value


@pytest.mark.parametrize("written", ["tRUE", "'true'", "1", "yES", "!!bool 'x'", "!!bool yes"])
def test_other_words_are_no_truth_values(written: str) -> None:
    errors = _errors(f"{HEADER}systemd: {{units: [{{name: a.service, mask: {written}}}]}}")

    assert [(line, column) for line, column, _ in errors] == [(3, 43)]


TEXTS = {
    "0644": "0644", "yes": "yes", "1e3": "1e3", "2001-01-01": "2001-01-01", "'~'": "~", "!!str null": "null",
    "!own 5": "5", "!!int 5": "5", ".inf": ".inf", "0x_1": "0x_1", "!!binary aGk=": "hi", "|\n      a\n": "a\n",
}  # fmt: skip


@pytest.mark.parametrize(("written", "text"), TEXTS.items(), ids=TEXTS.keys())
def test_text_fields_take_any_scalar_as_written(written: str, text: str) -> None:
    compiled = _compiled(f"passwd:\n users:\n  - name: a\n    gecos: {written}")

    assert compiled["passwd"]["users"][0]["gecos"] == text


@pytest.mark.parametrize("written", ["", "~", "null", "Null", "NULL", "!!null ''"])
def test_nothing_leaves_the_field_out(written: str) -> None:
    compiled = _compiled(f"passwd:\n users:\n  - name: a\n    gecos: {written}\n    uid: {written}\n")

    assert compiled["passwd"]["users"] == [{"name": "a"}]


def test_entries_without_anything_are_left_out_of_lists() -> None:
    compiled = _compiled("passwd: {users: [{name: a, groups: [~, b, null]}, {name: c}, ~]}")

    assert compiled["passwd"]["users"] == [{"groups": ["b"], "name": "a"}, {"name": "c"}]


def test_binary_that_is_not_text_stays_as_it_is_in_contents() -> None:
    compiled = _compiled("storage: {files: [{path: /a, contents: {inline: !!binary '//4='}}]}")

    assert compiled["storage"]["files"][0]["contents"]["source"] == "data:,%FF%FE"


def test_merge_keys_bring_what_is_not_written() -> None:
    compiled = _compiled(
        "passwd:\n  users:\n    - &a {name: a, uid: 1, shell: x}\n    - &b {name: b, gid: 2, uid: 2}\n"
        "    - {<<: [*a, *b], name: c, gecos: d}\n"
    )

    assert compiled["passwd"]["users"][2] == {"gecos": "d", "name": "c", "shell": "x", "uid": 1}


def test_only_the_first_document_counts() -> None:
    assert _compiled("---\n]broken").keys() == {"ignition"}


@pytest.mark.parametrize("start", ["\ufeff", "# comment\n%YAML 1.1\n---\n"], ids=["byte-order-mark", "directive"])
def test_beginnings_of_a_stream_are_accepted(start: str) -> None:
    result = transpile(Source(name="a.bu", text=start + HEADER))

    assert result.ignition == '{"ignition":{"version":"3.3.0"}}\n'


BROKEN = {
    "empty": ("", 1, 1, "the variant is missing"),
    "list": ("- a\n", 1, 1, "the document is not a mapping"),
    "word": ("a\n", 1, 1, "the document is not a mapping"),
    "other-variant": ("variant: fcos\nversion: 1.4.0\n", 1, 10, "the variant fcos is not supported"),
    "version-missing": ("variant: flatcar\n", 1, 1, "the version is missing"),
    "version-of-wrong-type": ("variant: flatcar\nversion: [1]\n", 2, 10, "the version is not text"),
    "unclosed-quote": (HEADER + "storage: 'a\n", 3, 10, "unexpected end of stream"),
    "unclosed-list": (HEADER + "a: [\n", 3, 1, "did not find expected node content"),
    "bad-indentation": (HEADER + "storage:\n  files: []\n links: []\n", 4, 1, "did not find expected"),
    "unknown-anchor": (HEADER + "storage: *a\n", 3, 10, "the anchor &a is not known here"),
    "anchor-in-itself": (HEADER + "storage: &a {<<: *a}\n", 3, 18, "the anchor &a contains itself"),
    "merge-of-text": (HEADER + "storage: {<<: a}\n", 3, 15, "only mappings can be merged"),
    "key-twice": (HEADER + "systemd: {}\nsystemd: {}\n", 4, 1, "the key systemd is already there, at line 3"),
    "key-is-a-list": (HEADER + "[a]: b\n", 3, 1, "a key is a list or a mapping"),
    "tag-does-not-fit": (HEADER + "passwd: {users: [{name: a, uid: !!int b}]}", 3, 33, "does not match its tag"),
    "truth-is-no-number": (HEADER + "passwd: {users: [{name: a, uid: !!int true}]}", 3, 33, "match its tag !!int"),
    "bad-base64": (HEADER + "passwd: {users: [{name: !!binary '*'}]}", 3, 25, "the text after !!binary is not base64"),
    "control-character": (HEADER + "# \x07\n", 3, 3, "the character U+0007 is not allowed in YAML"),
    "null-byte": (HEADER + "# a\x00\n", 3, 4, "the character U+0000 is not allowed in YAML"),
    "not-utf-8": (HEADER + "# \udcff\n", 3, 3, "the byte 0xff is not UTF-8"),
    "too-deep": (HEADER + "a: " + "[" * 30_000, 3, 103, "the document is nested more than 100 levels deep"),
    "too-deep-in-blocks": (HEADER + "a:\n " + "- " * 30_000, 4, 200, "the document is nested more than 100"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_text_is_told_with_its_place(text: str, line: int, column: int, words: str) -> None:
    [(found_line, found_column, message)] = _errors(text)

    assert words in message
    assert (found_line, found_column) == (line, column)


def test_a_bomb_of_users_is_refused() -> None:
    groups = ", ".join(["b"] * 200)
    users = ", ".join(["*u"] * 2000)
    text = f"{HEADER}x: &u {{name: a, groups: [{groups}]}}\npasswd: {{users: [{users}]}}\n"

    [(_, _, message)] = _errors(text)

    assert message == "the document repeats itself excessively by aliases; write it out"


def test_a_place_other_than_where_the_parser_gave_up_is_told_with_that_place() -> None:
    [(_, _, indented)] = _errors(HEADER + "storage:\n  files: []\n links: []\n")
    [(_, _, tab)] = _errors("variant: flatcar\n\tversion: 1.0.0\n")

    assert indented.endswith("(noticed at line 5, column 2)")
    assert "noticed" not in tab
