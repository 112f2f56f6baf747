"""What the real Butane or the machine refuses is not accepted here, and findings stand where the mistake is."""

import json
from collections import UserList
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from netwright.butane import GivenFiles, compile_document, dump_ignition, transpile
from netwright.text.report import Severity, render_text
from netwright.text.source import Source

HEADER = "variant: flatcar\nversion: 1.1.0\n"
PLAIN: dict[str, Any] = {"variant": "flatcar", "version": "1.0.0"}
Found = list[tuple[int, int, str, str]]


def found(body: str, folder: Path | None = None) -> Found:
    """Line, column, severity and message of each finding."""
    report = transpile(Source(name="a.bu", text=body), files_dir=folder).report
    return [
        (one.position.line, one.position.column, str(one.diagnostic.severity), one.title.partition(": ")[2])
        for one in report.findings()
        if one.position is not None
    ]


def only(findings: Found, severity: str = "error") -> tuple[int, int, str]:
    [(line, column, _, title)] = [one for one in findings if one[2] == severity]
    return line, column, title


REFUSED = [
    pytest.param("storage: {files: [{path: /a, contents: {source: https://a/x?y=1}}]}", 3, 49, "in quotes", id="?"),
    pytest.param("storage: {files: [{path: /a, user:, mode: 1}]}", 3, 30, "a space behind the colon", id="colon"),
    pytest.param('storage: {files: [{path: "\\/a"}]}', 3, 27, "does not know the escape", id="escape"),
    pytest.param('storage:\n  files:\n    - path: "/a\n        \\/b"', 6, 9, "the escape", id="escape-on-a-later-line"),
    pytest.param("storage: {files: [!x,y {path: /a}]}", 3, 19, "part of the tag", id="comma-in-a-tag"),
    pytest.param("storage:\n  \ufefffiles: []", 4, 3, "byte order mark", id="byte-order-mark"),
    pytest.param("storage: {files: [? ]}", 3, 19, "no ? without a key", id="?-without-a-key"),
    pytest.param("x: [a, ? # b\n, c]", 3, 8, "no ? without a key", id="?-without-a-key-before-a-comment"),
    pytest.param("x: [? " + "# b \n" * 500 + "c, ? # d\r]", 503, 4, "no ? without a key", id="?-behind-comments"),
    pytest.param("? [storage]\n: {}", 3, 3, "a key is a list or a mapping", id="?-before-a-list"),
    pytest.param("storage:\n  ? files: []\n  : {}", 4, 5, "a key is a list or a mapping", id="?-before-a-mapping"),
    pytest.param("? storage\n: {}\n? storage\n: {}", 5, 3, "the key storage is already there", id="?-twice"),
    pytest.param("storage: {}\n? storage", 4, 3, "the key storage is already there", id="?-and-the-same-without"),
    pytest.param("? &s storage\n: {files: []}\n*s : {}", 5, 1, "to Butane the key is called s", id="key-is-an-alias"),
    pytest.param("!!binary c3RvcmFnZQ==: {}", 3, 1, "without !!binary", id="key-is-encoded"),
    pytest.param("storage: {files: [{path: !!timestamp 2001-01-01}]}", 3, 26, "the tag !!timestamp", id="timestamp"),
    pytest.param("!!timestamp storage: {}", 3, 1, "the tag !!timestamp", id="key-is-a-timestamp"),
    pytest.param(
        "passwd: {users: [{name: !<!!int> a}]}", 3, 25, "does not match its tag !!int", id="short-verbatim-tag"
    ),
    pytest.param(
        "passwd: {users: [{name: a, uid: !<int> 1}]}", 3, 33, "1 is text; a whole number", id="verbatim-foreign-tag"
    ),
    pytest.param(f"passwd: {{users: [{{name: !!float {2**63}}}]}}", 3, 25, "its tag !!float", id="long-float"),
]


@pytest.mark.parametrize(("body", "line", "column", "message"), REFUSED)
def test_what_gos_yaml_refuses_is_refused(body: str, line: int, column: int, message: str) -> None:
    findings = found(HEADER + body)

    place = only(findings)
    assert place[:2] == (line, column)
    assert message in place[2]


def test_only_yaml_1_1_may_be_declared() -> None:
    assert "YAML 1.1 only" in only(found(f"%YAML 1.2\n---\n{HEADER}"))[2]
    assert found(f"%YAML 1.1\n---\n{HEADER}") == []


def test_a_question_mark_outside_of_brackets_is_text() -> None:
    assert (
        found(HEADER + "storage:\n  files:\n    - path: /a\n      contents:\n        source: https://a/x?y=1\n") == []
    )


@pytest.mark.parametrize(("key", "column"), [("~:", 3), ("null:", 3), ("'':", 3), ("!!null ~:", 3), ("? ~\n  :", 5)])
def test_a_key_that_is_nothing_is_unknown(key: str, column: int) -> None:
    line, found_column, title = only(found(f"{HEADER}storage:\n  {key} x\n"), "warning")

    assert (line, found_column) == (4, column)
    assert "is unknown in version 1.1.0" in title


@pytest.mark.parametrize(
    "body",
    [
        "? storage\n: files:\n    - ? path\n      : /a\n      ? mode\n      # the owner reads\n      : 0400\n",
        "storage: {? files : [{? path : /a, ? mode : 0400}]}\n",
        "? !!str storage # c\n: ? |-\n    files\n  :\n  - ? !<tag:yaml.org,2002:str> path\n    : /a\n    mode: 0400\n",
    ],
    ids=["block", "flow", "tags"],
)
def test_a_key_behind_a_question_mark_is_a_key(body: str) -> None:
    result = transpile(Source(name="a.bu", text=HEADER + body))

    assert result.report.findings() == ()
    assert json.loads(result.ignition or "")["storage"] == {"files": [{"path": "/a", "mode": 0o400}]}


@pytest.mark.parametrize("entry", ["? [a]\n  : b", "[a]: b", "? {a: b}", "? - a\n  : b", "? ? a"])
def test_a_key_that_is_no_text_matters_only_where_keys_mean_something(entry: str) -> None:
    _, _, title = only(found(f"{HEADER}custom:\n  {entry}\n"), "warning")

    assert "the key custom is unknown" in title


def test_a_version_may_have_leading_zeros() -> None:
    assert found("variant: flatcar\nversion: 01.00.0\n") == []


EMBEDDED = [
    pytest.param('"storage":{"files":[{"path":"/a","mode":420.0}]}', "420.0 has a point", id="float"),
    pytest.param(
        '"passwd":{"groups":[{"name":"a","gid":18446744073709551616}]}', "does not fit into 64 bits", id="64-bits"
    ),
    pytest.param('"storage":{"files":[{"path":"/a","mode":NaN}]}', "is not JSON", id="not-a-number"),
    pytest.param('"Storage":{}', "the key Storage is written storage", id="case"),
    pytest.param('"\u017ftorage":{}', "is written storage", id="long-s"),
    pytest.param('"\u212aernelArguments":{}', "is written kernelArguments", id="kelvin"),
]


def embedded(config: str) -> str:
    return HEADER.replace("1.1.0", "1.0.0") + f"ignition:\n  config:\n    merge:\n      - inline: '{config}'\n"


@pytest.mark.parametrize(("config", "message"), EMBEDDED)
def test_an_ignition_config_that_the_machine_refuses_is_refused(config: str, message: str) -> None:
    findings = found(embedded('{"ignition":{"version":"3.3.0"},' + config + "}"))

    assert message in only(findings)[2]


@pytest.mark.parametrize("version", ["2.2.0", "3.0", "03.3.0", "3.3.0-experimental", "x"])
def test_a_version_that_no_ignition_has_is_refused(version: str) -> None:
    findings = found(embedded('{"ignition":{"version":"' + version + '"}}'))

    assert "is no version of an Ignition config" in only(findings)[2]


def test_nothing_as_a_value_of_an_ignition_config_is_a_warning() -> None:
    findings = found(embedded('{"ignition":{"version":"3.3.0"},"storage":null}'))

    assert "there is nothing here" in only(findings, "warning")[2]


def test_an_ignition_config_may_have_what_the_variant_denies() -> None:
    luks = '"storage":{"luks":[{"name":"a","device":"/dev/a","clevis":{"tpm2":true}}]}'

    assert found(embedded('{"ignition":{"version":"3.3.0"},' + luks + "}")) == []


@pytest.mark.parametrize(
    ("clevis", "refused"), [("{}", False), ("{tang: []}", False), ("{custom: {}}", False), ("{tpm2: false}", True)]
)
def test_clevis_is_refused_where_it_sets_anything(clevis: str, refused: bool) -> None:
    findings = found(HEADER + f"storage: {{luks: [{{name: a, device: /dev/a, clevis: {clevis}}}]}}")

    assert bool(findings) is refused


UNITS = "systemd:\n  units:\n    - name: a.service\n"


def test_a_finding_about_a_units_file_stands_at_its_name(tmp_path: Path) -> None:
    (tmp_path / "no-install").write_text("[Unit]\nDescription=x\n")
    (tmp_path / "broken").write_text("[Unit\n")

    warned = found(HEADER + UNITS + "      enabled: true\n      contents_local: no-install\n", tmp_path)
    broken = found(HEADER + UNITS + "      contents_local: broken\n", tmp_path)
    dropin = found(HEADER + UNITS + "      dropins: [{name: a.conf, contents_local: broken}]\n", tmp_path)

    assert only(warned, "warning")[:2] == (7, 23)
    assert only(broken)[:2] == (6, 23)
    assert "systemd.units[0].contents_local" in only(broken)[2]
    assert only(dropin)[:2] == (6, 48)


def test_an_unnamed_dropin_is_called_one() -> None:
    titles = [title for _, _, _, title in found(HEADER + UNITS + "      dropins: [{contents: '[Unit'}]\n")]

    assert any("the drop-in is not a unit file" in title for title in titles)


def test_findings_behind_an_empty_entry_stand_at_their_own() -> None:
    text = HEADER + "storage:\n  files:\n    -\n    - path: /b\n      mode: x\n    - path: c\n"
    behind = HEADER + "storage:\n  files:\n    -\n    - path: b\n    -\n    - path: /c\n"
    behind += "      contents: {inline: a, source: 'data:,'}\n"

    assert only(found(text))[:2] == (7, 13)
    assert [one[:2] for one in found(behind) if one[2] == "error"] == [(9, 37)]
    assert [one[:2] for one in found(behind.replace(", source: 'data:,'", "")) if one[2] == "error"] == [(6, 13)]


@pytest.mark.parametrize(
    "empty", ["      -\n", "      - ~\n", "      -\n      -\n", "      - {inline: '{}'}\n      -\n"]
)
@pytest.mark.parametrize("config", ["{", '{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"a"}]}}'])
def test_an_ignition_config_behind_an_empty_entry_is_told_about(empty: str, config: str) -> None:
    text = HEADER + f"ignition:\n  config:\n    merge:\n{empty}      - inline: '{config}'\n"

    report = transpile(Source(name="a.bu", text=text)).report

    assert f"a.bu, ignition.config.merge[{empty.count('-')}].inline:1:" in render_text(report)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("ignition: {version: 3.3.0}\n", "an Ignition config (ignition.version) needs no compiling"),
        ("networkd: {units: []}\n", "put each unit into storage.files, below /etc/systemd/network"),
        ("locksmith: {}\n", "/etc/flatcar/update.conf"),
        ("variant: fcos\nversion: 1.5.0\n", "it is Fedora CoreOS's; for Flatcar write variant: flatcar"),
        (HEADER + "storage: {files: [{path: /a, contents: {remote: {url: x}}}]}\n", "put its url into source"),
        (HEADER + "storage: {disks: [{device: /dev/a, partitions: [{number: 1, size: 1GiB}]}]}\n", "write size_mib"),
        (HEADER + "storage: {disks: [{device: /dev/a, partitions: [{number: 1, start: 1MiB}]}]}\n", "write start_mib"),
        (HEADER + "passwd: {users: [{name: a, create: {uid: 5}}]}\n", "write its keys next to name"),
        (HEADER + "ignition: {config: {append: [{source: 'http://x/'}]}}\n", "write merge"),
        (HEADER + "storage: {filesystems: [{name: a, device: /dev/a}]}\n", "leave it out: files need none"),
        (HEADER + "storage: {files: [{path: /a, filesystem: root}]}\n", "leave it out: paths are those of the whole"),
        (HEADER + "networkd: {}\n", "one of Container Linux Configs"),
    ],
)
def test_what_was_meant_for_another_program_gets_a_sentence_that_helps(body: str, message: str) -> None:
    assert any(message in title for _, _, _, title in found(body))


DATA = [
    pytest.param({"storage": {"files": [{"path": "/a", "mode": 420.0}]}}, ("storage", "files", 0, "mode"), id="float"),
    pytest.param({"passwd": {"groups": [{"name": "a", "gid": 2**70}]}}, ("passwd", "groups", 0, "gid"), id="64-bits"),
    pytest.param(
        {"storage": {"files": [{"path": "/a", "contents": {"inline": "\ud800"}}]}},
        ("storage", "files", 0, "contents", "inline"),
        id="surrogate",
    ),
    pytest.param(
        {"passwd": {"users": [{"name": "a", "groups": ["\udfff"]}]}}, ("passwd", "users", 0, "groups"), id="in-a-list"
    ),
]


@pytest.mark.parametrize(("data", "path"), DATA)
def test_data_that_ignition_refuses_is_a_finding(data: dict[str, Any], path: tuple[Any, ...]) -> None:
    compiled = compile_document(PLAIN | data)

    assert compiled.ignition is None
    assert [(one.severity, one.path) for one in compiled.diagnostics] == [(Severity.ERROR, path)]


def test_bytes_that_are_no_text_are_kept() -> None:
    data = {"storage": {"files": [{"path": "/a", "contents": {"inline": "\udcff"}}]}}

    compiled = compile_document(PLAIN | data)

    assert compiled.ignition is not None
    assert compiled.ignition["storage"]["files"][0]["contents"]["source"] == "data:,%FF"


def test_any_mapping_and_sequence_is_data() -> None:
    files = ({"path": "/a", "mode": 0o644},)

    compiled = compile_document(MappingProxyType({**PLAIN, "storage": MappingProxyType({"files": files})}))

    assert compiled.ignition is not None, compiled.diagnostics
    assert json.loads(dump_ignition(compiled.ignition))["storage"] == {"files": [{"path": "/a", "mode": 420}]}


def test_mappings_and_sequences_inside_of_data_are_data() -> None:
    files = ({"path": "/a", "contents": MappingProxyType({"inline": "x"})},)
    users = UserList([{"name": "a", "groups": ("\udfff",)}])

    compiled = compile_document({**PLAIN, "storage": MappingProxyType({"files": files})})
    half = compile_document({**PLAIN, "passwd": {"users": tuple(users)}})

    assert compiled.ignition is not None, compiled.diagnostics
    assert [one.path for one in half.diagnostics] == [("passwd", "users", 0, "groups")]


FOREIGN = [
    pytest.param(Decimal(420), "420 is of the Python type Decimal", id="decimal"),
    pytest.param(iter([]), "is of the Python type list_iterator", id="iterator"),
    pytest.param(b"x", "what stands here is of the Python type bytes", id="bytes"),
    pytest.param(date(2026, 1, 2), "2026-01-02 is of the Python type date", id="date"),
    pytest.param({1}, "is of the Python type set", id="set"),
]


@pytest.mark.parametrize("field", ["mode", "path", "overwrite", "contents", "append"])
@pytest.mark.parametrize(("value", "message"), FOREIGN)
def test_what_no_document_has_is_a_finding(field: str, value: Any, message: str) -> None:
    compiled = compile_document(PLAIN | {"storage": {"files": [{"path": "/a", field: value}]}})

    assert compiled.ignition is None
    assert [one.path for one in compiled.diagnostics] == [("storage", "files", 0, field)]
    assert message in compiled.diagnostics[0].message


def test_data_may_contain_itself_where_nothing_is_read() -> None:
    itself: dict[str, Any] = {}
    itself["a"] = itself

    compiled = compile_document(PLAIN | {"custom": itself})

    assert compiled.ignition is not None
    assert "the key custom is unknown" in compiled.diagnostics[0].message


@pytest.mark.parametrize("local", ["a", "."])
@pytest.mark.parametrize("contents", [None, "text", [1], 5])
def test_given_files_that_are_no_bytes_are_a_finding(local: str, contents: Any) -> None:
    storage = {"trees": [{"local": "."}]} if local == "." else {"files": [{"path": "/a", "contents": {"local": "a"}}]}

    compiled = compile_document(PLAIN | {"storage": storage}, local=GivenFiles({"a": contents}))

    assert compiled.ignition is None
    assert f"a is given as {type(contents).__name__}; give its contents as bytes" in compiled.diagnostics[0].message


@pytest.mark.parametrize("document", [None, [], "x", 1])
def test_what_is_no_mapping_is_a_finding(document: Any) -> None:
    compiled = compile_document(document)

    assert compiled.ignition is None
    assert "not a mapping" in compiled.diagnostics[0].message


def test_a_tree_that_is_not_among_the_files_is_an_error() -> None:
    data = {"storage": {"trees": [{"local": "no-such"}]}}

    compiled = compile_document(PLAIN | data, local=GivenFiles({"tree/a": b"1"}))

    assert compiled.ignition is None
    assert "no-such is no folder of the files" in compiled.diagnostics[0].message
