"""Texts that a topology may not hold are found, all of them, with their places."""

import subprocess
import sys
from pathlib import Path

import pytest

from netwright.files.resources import read_schema_file
from netwright.text.load import DEEPEST_NESTING, load
from netwright.text.report import Report, render_text
from netwright.text.source import Position, Source
from netwright.text.yaml_events import BOUNDS


def findings(text: str) -> list[str]:
    """LINE:COLUMN rule of everything that is found."""
    document, report = load(Source(name="t.yaml", text=text))
    assert (document is None) == bool(report.entries)
    return [f"{f.position.line}:{f.position.column} {f.diagnostic.rule}" for f in report.findings() if f.position]


def messages(text: str) -> list[str]:
    _, report = load(Source(name="t.yaml", text=text))
    return [finding.title for finding in report.findings()]


def test_a_document_is_plain_values_in_the_order_of_the_text() -> None:
    document, report = load(Source(name="t.yaml", text="b: [1, {c: x}]\na:\n  - y\n  -\n"))

    assert report == Report()
    assert document == {"b": [1, {"c": "x"}], "a": ["y", None]}
    assert isinstance(document, dict)
    assert list(document) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["3:1 keys_are_unique"]),
        ("x: [{a: 1, 'a': 2}]", ["1:12 keys_are_unique"]),
        ("a: &x 1\nb: *x\n", ["1:4 no_anchors", "2:4 no_anchors"]),
        ("a: &x [1]\n", ["1:4 no_anchors"]),
        ("a: {<<: {b: 1}}\n", ["1:5 no_anchors"]),
        ("a: !!str 1\nb: ! c\nc: !x {}\n", ["1:4 no_tags", "2:4 no_tags", "3:4 no_tags"]),
        ("a: 1\n---\nb: 2\n", ["2:1 one_document"]),
        ("a: 1\n...\nb: 2\n", ["3:1 text_is_yaml"]),
        ("%YAML 1.1\n---\na: 1\n", ["1:1 one_document"]),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", ["1:1 one_document"]),
        ("1: a\n", ["1:1 keys_are_text"]),
        ("true: a\n", ["1:1 keys_are_text"]),
        ("~: a\n", ["1:1 keys_are_text"]),
        ("? [a]\n: b\n", ["1:3 keys_are_text"]),
        ("? {a: b}\n: {c: c, c: d}\n", ["1:3 keys_are_text", "2:10 keys_are_unique"]),
        ("", ["1:1 document_is_not_empty"]),
        ("# only a comment\n", ["1:1 document_is_not_empty"]),
        ("---\n", ["1:1 document_is_not_empty"]),
        ("null\n", ["1:1 document_is_not_empty"]),
        ("[" * (DEEPEST_NESTING + 1), [f"1:{DEEPEST_NESTING + 1} nesting_is_bounded"]),
        ("[" * 30_000, [f"1:{DEEPEST_NESTING + 1} nesting_is_bounded"]),
        ("- " * 30_000, [f"1:{2 * DEEPEST_NESTING + 1} nesting_is_bounded"]),
        ("{a: " * 30_000, [f"1:{4 * DEEPEST_NESTING + 1} nesting_is_bounded"]),
    ],
)
def test_what_yaml_has_and_a_topology_has_not_is_refused(text: str, expected: list[str]) -> None:
    assert findings(text) == expected


def test_the_deepest_allowed_nesting_is_loaded() -> None:
    assert findings("[" * DEEPEST_NESTING + "]" * DEEPEST_NESTING) == []


def test_everything_wrong_is_found_at_once() -> None:
    text = 'a: *x\nb: !t 1\nb: "\\t"\n2: 3\nc: [1, 2\n'

    assert findings(text) == [
        "1:4 no_anchors",
        "2:4 no_tags",
        "3:1 keys_are_unique",
        "3:4 characters_are_visible",
        "4:1 keys_are_text",
        "5:9 text_is_yaml",
    ]


def test_a_duplicate_key_names_both_lines() -> None:
    _, report = load(Source(name="t.yaml", text="nodes:\n  n1: 1\n  n2: 2\n  n1: 3\n"))

    assert render_text(report) == (
        't.yaml:4:3: error: nodes.n1: key "n1" stands here a second time; the first is on line 2, keep one of them '
        "[keys_are_unique]\n"
        "    4 |   n1: 3\n"
        "      |   ^\n"
        "  see t.yaml:2:3: nodes.n1\n"
        "    2 |   n1: 1\n"
        "      |   ^\n"
    )


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\x00", "U+0000 (NUL)"),
        ("\x07", "U+0007"),
        ("\x1b", "U+001B (ESC)"),
        ("\x7f", "U+007F"),
        ("\r", "U+000D (a carriage return)"),
        ("\x85", "U+0085 (NEXT LINE)"),
        ("\u2028", "U+2028 (LINE SEPARATOR)"),
        ("\u2029", "U+2029 (PARAGRAPH SEPARATOR)"),
        ("\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("\u2066", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
        ("\u200b", "U+200B (ZERO WIDTH SPACE)"),
        ("\u00ad", "U+00AD (SOFT HYPHEN)"),
        ("\u3164", "U+3164 (HANGUL FILLER)"),
        ("\ufeff", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
        ("\ufe0f", "U+FE0F (VARIATION SELECTOR-16)"),
        ("\U000e0041", "U+E0041 (TAG LATIN CAPITAL LETTER A)"),
        ("\ue000", "U+E000"),
        ("\uffff", "U+FFFF"),
        ("\U0001fffe", "U+1FFFE"),
        ("\ud800", "U+D800"),
    ],
)
def test_an_unseen_character_is_refused_where_it_stands(character: str, name: str) -> None:
    text = f"a: b # {character} in a comment\nc: d\n"

    _, report = load(Source(name="t.yaml", text=text))

    (finding,) = report.findings()
    assert finding.position == Position(line=1, column=8)
    assert finding.diagnostic.message.startswith(f"{name} " if "(" in name else name)
    assert "is not allowed" in finding.diagnostic.message


@pytest.mark.parametrize("character", "\x00\x1b\x7f\x85\u200b\u202e\u2028\ufeff\uffff\U000e0041")
def test_an_unseen_character_is_refused_as_an_escape_in_a_value_and_a_key(character: str) -> None:
    text = f'"\\U{ord(character):08x}": "\\U{ord(character):08x}"\n'

    assert findings(text) == ["1:1 characters_are_visible", "1:15 characters_are_visible"]


def test_an_escaped_surrogate_is_refused() -> None:
    assert findings('a: "\\ud800"\n') == ["1:7 text_is_yaml"]


@pytest.mark.parametrize(
    "value",
    ['"a\\nb"', '"a\\tb"', '"a\\_b"', "a\u00a0b", "a\u3000b", "|\n  a\n  b\n", ">\n  a\n"],
    ids=["line-break", "tab", "no-break-space", "plain-no-break-space", "ideographic-space", "literal", "folded"],
)
def test_blanks_other_than_the_space_are_refused_in_values(value: str) -> None:
    assert findings(f"a: {value}") == ["1:4 characters_are_visible"]


def test_letters_of_every_script_are_loaded() -> None:
    text = "a: ñandú Zürich Ελλάδα 東京 עברית हिन्दी 🙂\n"

    document, _ = load(Source(name="t.yaml", text=text))

    assert document == {"a": text[3:-1]}


def test_a_no_break_space_in_a_comment_does_no_harm() -> None:
    assert findings("a: b #\u00a0note\n") == []


def test_byte_order_mark_and_crlf_make_no_difference() -> None:
    document, report = load(Source(name="t.yaml", text="\ufeffa: b\r\nc:\r\n  - d\r\n"))

    assert (document, report.errors) == ({"a": "b", "c": ["d"]}, 0)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("a: b: c\n", "t.yaml:1:5: error: a colon can't stand here; check the indentation of this line"),
        ("a: 'b\nc: d\n", "t.yaml:2:5: error: the closing quote is missing (the text began on line 1)"),
        (
            "a: [1\nb: 2\n",
            "t.yaml:2:2: error: a comma or the closing ] of the list is expected here (the list began on",
        ),
        (
            "a: {b: 1\n",
            "t.yaml:1:9: error: a comma or the closing } of the mapping is expected here (the mapping began",
        ),
        ("a:\n\tb: 1\n", "t.yaml:2:1: error: a tab can't indent; use spaces"),
        ("a: `b`\n", "t.yaml:1:4: error: a value can't start with `; put it in quotes"),
        ("a: @b\n", "t.yaml:1:4: error: a value can't start with @; put it in quotes"),
        ("- a\nb: c\n", "t.yaml:2:1: error: a list entry (`- `) is expected here; check the indentation"),
        ("  a: 1\n b: 2\n", "t.yaml:2:2: error: nothing may follow the topology; check the indentation of this line"),
        ("a: - b\n", "t.yaml:1:4: error: a list can't start here; put its first `- ` on a line of its own"),
        ("%FOO\n---\na: 1\n", "t.yaml:1:5: error: a % can't start a line here; put the value in quotes"),
        ('a: "\\q"\n', "t.yaml:1:5: error: no such escape in double quotes; for a backslash use single quotes"),
    ],
)
def test_a_syntax_error_is_explained_where_it_stands(text: str, title: str) -> None:
    (message,) = messages(text)

    assert message.startswith(title)


def test_a_long_value_is_not_repeated_in_full() -> None:
    (message,) = messages("k: " + "7" * 500)

    assert len(message) < 200


def test_deep_nesting_does_not_end_python() -> None:
    """The C parser's composer would die of SIGSEGV, which no test in this process could survive."""
    script = (
        "from netwright.text.load import load; from netwright.text.source import Source\n"
        "for text in ('[' * 300_000, '{' * 300_000, '- ' * 300_000, '? ' * 300_000, '[{' * 300_000):\n"
        "    document, report = load(Source(name='t', text=text)); assert document is None; report.findings()\n"
    )

    outcome = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, cwd=Path(__file__).parents[2]
    )

    assert (outcome.returncode, outcome.stderr) == (0, b"")


def test_ten_thousand_nodes_are_loaded() -> None:
    nodes = "".join(
        f"  worker{n}:\n    interfaces: {{eth0: {{network: lan, address: 10.{n // 256}.{n % 256}.7}}}}\n"
        for n in range(10_000)
    )

    document, report = load(Source(name="t.yaml", text=f"nodes:\n{nodes}"))

    assert report.entries == ()
    assert isinstance(document, dict)
    assert isinstance(document["nodes"], dict)
    assert len(document["nodes"]) == 10_000


@pytest.mark.parametrize(
    ("section", "cure"), [("nodes", "split the topology"), ("flows", "name groups or networks as their ends")]
)
def test_an_entry_too_many_is_refused_before_the_rest_is_read(
    monkeypatch: pytest.MonkeyPatch, section: str, cure: str
) -> None:
    monkeypatch.setitem(BOUNDS, section, 3)
    monkeypatch.setattr("netwright.text.yaml_events.SMALLEST_BOUND", 3)
    head = f"version: 1\ngroups: {{a: {{}}, b: {{}}, c: {{}}, d: {{}}}}\n{section}:\n"
    text = head + "".join(f"  n{number}: {{{section}: {{a: 1, b: 2, c: 3, d: 4}}}}\n" for number in range(3))

    fits, report = load(Source(name="t", text=text))
    refused, refusal = load(Source(name="t", text=f"{text}  n3: 1\n  n4: [broken\n"))

    assert fits is not None
    assert not report.entries
    assert refused is None
    assert [finding.title for finding in refusal.findings()] == [
        f"t:7:3: error: {section}: takes 3 {section} at most; {cure}"
    ]


@pytest.mark.parametrize("section", BOUNDS)
def test_as_many_entries_are_read_as_the_schema_allows(section: str) -> None:
    schema = read_schema_file("topology.schema.yaml")

    assert schema["properties"][section]["maxProperties"] == BOUNDS[section]
