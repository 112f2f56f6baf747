"""A document is passed, or everything in which it differs from the schema is found, whichever validator runs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netwright.schema.findings import find_violations
from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, conforms, read_schema, validate
from netwright.text.load import load
from netwright.text.source import Source
from tests.schema.topology import BASE, titles


def test_a_conforming_document_is_passed() -> None:
    assert titles(BASE) == []


def test_everything_is_found_at_once_in_the_order_of_the_text() -> None:
    text = "version: 3\nnmae: x\nnetworks: []\nnodes:\n  a: {interfaces: 1}\n  b: {}\n"

    assert [title.split(" ")[0] for title in titles(text)] == ["1:10", "2:1", "3:11", "5:19", "6:6"]


def test_the_same_finding_is_said_once() -> None:
    found = validate({"version": 1, "name": "x" * 100}, TOPOLOGY_SCHEMA)

    assert len(found) == len({(diagnostic.path, diagnostic.message) for diagnostic in found})


@pytest.mark.parametrize("document", [None, [], "text", 5, True, {}], ids=repr)
def test_a_document_that_is_no_mapping_is_reported(document: Any) -> None:
    assert validate(document, TOPOLOGY_SCHEMA) != ()


@pytest.mark.parametrize(
    "secret",
    [
        "$6$rounds=4096$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789",
        "K10a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8::server:A1b2C3d4",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0",
        "long " * 30,
    ],
    ids=["password-hash", "k3s-token", "jwt", "long"],
)
def test_no_long_or_secret_looking_value_is_repeated_in_full(secret: str) -> None:
    (diagnostic,) = validate({**_document(), "domain": secret}, TOPOLOGY_SCHEMA)

    assert secret not in diagnostic.message
    assert len(diagnostic.message) < 150


def _document(text: str = BASE) -> dict[str, Any]:
    document, _ = load(Source(name="t.yaml", text=text))
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("name", ["n1\n", "n1\n\n", "\nn1"], ids=["at-the-end", "twice-at-the-end", "before"])
def test_a_name_with_a_line_break_is_refused_by_both_validators(name: str) -> None:
    document = {**_document(), "name": name}

    assert [diagnostic.path for diagnostic in validate(document, TOPOLOGY_SCHEMA)] == [("name",)]
    assert [diagnostic.path for diagnostic in find_violations(document, read_schema(TOPOLOGY_SCHEMA))] == [("name",)]


def test_no_message_is_jsonschema_s_own() -> None:
    text = "".join(said for said in titles(_every_kind_of_mistake()))

    for phrase in (
        "is not valid under",
        "does not match",
        "is not of type",
        "required property",
        "is too",
        "unexpected",
    ):
        assert phrase not in text


def _every_kind_of_mistake() -> str:
    return BASE + (
        "  n2: {interfaces: {eth0: {}, lo: 3, e: {network: lan, address: 1, mtu: x, sysctl: {A: [1]}}}, dns: [[]],\n"
        "    firewall: {input: {rules: [{}, {allow: any, deny: any}, {allow: [x]}, 1], policy: reject}}, hostname: -}\n"
        "  n3: {policy_rules: [{}, {priority: 0, table: main, from: x}], routes: [{}, {to: 1}, x], butane: [/etc]}\n"
        "kubernetes: {pods: [], api: {vip: x, holders: []}, cni: {plugin: calico}}\n"
    )


def test_both_validators_agree_on_every_mistake() -> None:
    nodes = _document(_every_kind_of_mistake())["nodes"]
    parts = [{**_document(), "nodes": {name: node}} for name, node in nodes.items()]

    for part in parts:
        assert conforms(part, TOPOLOGY_SCHEMA) == (find_violations(part, read_schema(TOPOLOGY_SCHEMA)) == ())


def test_without_the_compiled_validator_the_findings_are_the_same() -> None:
    script = (
        "import sys; sys.modules['jsonschema_rs'] = None\n"
        "from netwright.schema.topology_schema import validate\n"
        "print([d.message for d in validate({'version': 1, 'name': 'x', 'networks': {}}, 'topology.schema.yaml')])\n"
    )

    outcome = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, cwd=Path(__file__).parents[2]
    )

    assert outcome.stdout.strip() == str(
        [d.message for d in validate({"version": 1, "name": "x", "networks": {}}, TOPOLOGY_SCHEMA)]
    )


def test_a_conforming_document_needs_no_jsonschema() -> None:
    script = (
        "import sys; from netwright.text.load import load, read_source\n"
        "from netwright.schema.topology_schema import starter_topology, validate\n"
        "from netwright.text.source import Source\n"
        "document, _ = load(Source(name='t', text=starter_topology()))\n"
        "assert validate(document, 'topology.schema.yaml') == ()\n"
        "assert 'jsonschema' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_ten_thousand_wrong_nodes_are_all_reported() -> None:
    node: Any = {"interfaces": {"eth0": {"network": "lan", "adress": "192.168.0.2"}}}

    found = validate({**_document(), "nodes": {f"n{number}": node for number in range(10_000)}}, TOPOLOGY_SCHEMA)

    assert len(found) == 10_000
    assert {diagnostic.message for diagnostic in found} == {'unknown key "adress"; did you mean "address"?'}
