"""What is said of a document that differs from the schema: in the user's words, all of it, at the right place."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gen.load import load
from gen.report import Report
from gen.schema import TOPOLOGY_SCHEMA, conforms, read_schema, validate
from gen.schema_findings import find_violations
from gen.source import Source

BASE = """\
version: 1
name: kube-lab
networks:
  lan: {cidr: 192.168.0.0/24}
nodes:
  n1: {interfaces: {eth0: {network: lan, address: 192.168.0.2}}}
"""


def titles(text: str) -> list[str]:
    source = Source(name="t.yaml", text=text)
    document, report = load(source)
    assert report == Report()
    found = Report.about(source, validate(document, TOPOLOGY_SCHEMA)).findings()
    return [finding.title.removeprefix("t.yaml:").replace(": error: ", " ", 1) for finding in found]


def said_of(replaced: str, by: str) -> list[str]:
    assert replaced in BASE
    return titles(BASE.replace(replaced, by))


def test_a_conforming_document_is_passed() -> None:
    assert titles(BASE) == []


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        pytest.param(
            "address: 192.168.0.2",
            "adress: 192.168.0.2",
            '6:42 nodes.n1.interfaces.eth0.adress: unknown key "adress"; did you mean "address"?',
            id="misspelt-key-and-not-that-it-is-missing",
        ),
        pytest.param(
            "{cidr: 192.168.0.0/24}",
            "{CIDR: 192.168.0.0/24}",
            '4:9 networks.lan.CIDR: unknown key "CIDR"; did you mean "cidr"?',
            id="key-in-capitals",
        ),
        pytest.param(
            "24}",
            "24, libvirt: {bridge: br0, vlan: 7}}",
            '4:54 networks.lan.libvirt.vlan: unknown key "vlan"; known keys here: bridge, dns, forward',
            id="key-like-no-other",
        ),
        pytest.param(
            "{cidr: 192.168.0.0/24}",
            "{}",
            '4:8 networks.lan: "cidr" is missing; add it, such as cidr: 10.17.4.0/24',
            id="missing-key",
        ),
        pytest.param(
            "n1: {interfaces",
            "n1: {interface",
            '6:8 nodes.n1.interface: unknown key "interface"; did you mean "interfaces"?',
            id="misspelt-key-beside-those-of-settings",
        ),
        pytest.param(
            "name: kube-lab",
            "name: kube-lab\ndns: 10.17.3.11",
            '3:6 dns: must be a list of IPv4 addresses, not "10.17.3.11"; put it in brackets',
            id="text-for-a-list",
        ),
        pytest.param(
            "192.168.0.0/24",
            "192.168.0.0",
            '4:15 networks.lan.cidr: must be an IPv4 network such as 10.17.4.0/24, not "192.168.0.0"',
            id="pattern",
        ),
        pytest.param(
            "192.168.0.0/24",
            "192168",
            "4:15 networks.lan.cidr: must be an IPv4 network such as 10.17.4.0/24, not the number 192168;"
            " put it in quotes if it is meant as text",
            id="number-for-text",
        ),
        pytest.param(
            "{cidr: 192.168.0.0/24}",
            "",
            "4:7 networks.lan: is empty, but must be a mapping",
            id="nothing-for-a-mapping",
        ),
        pytest.param(
            "{interfaces",
            "{os: rokcy9, interfaces",
            "6:12 nodes.n1.os: must be flatcar, rocky8, rocky9, rocky10, almalinux8, almalinux9, almalinux10 or"
            ' unmanaged, not "rokcy9"; did you mean "rocky9"?',
            id="misspelt-choice",
        ),
        pytest.param(
            "{interfaces",
            "{forward: yes, interfaces",
            '6:17 nodes.n1.forward: must be true or false, not "yes"; write true',
            id="boolean-of-yaml-1.1",
        ),
        pytest.param(
            "24}",
            "24, mtu: 70000}",
            "4:36 networks.lan.mtu: must be a number of bytes from 576 to 65535, not the number 70000",
            id="number-out-of-range",
        ),
        pytest.param(
            "24}",
            '24, mtu: "1450"}',
            '4:36 networks.lan.mtu: must be a number of bytes from 576 to 65535, not "1450"; remove the quotes',
            id="quoted-number",
        ),
        pytest.param(
            "address: 192.168.0.2",
            "address: 192.168.0.2/24",
            "6:51 nodes.n1.interfaces.eth0.address: must be an IPv4 address such as 10.17.4.21, without prefix"
            ' length and leading zeros, not "192.168.0.2/24"',
            id="the-alternative-of-the-same-type",
        ),
        pytest.param(
            "address: 192.168.0.2",
            "address: [192.168.0.2, 192.168.0]",
            "6:65 nodes.n1.interfaces.eth0.address[1]: must be an IPv4 address such as 10.17.4.21, without prefix"
            ' length and leading zeros, not "192.168.0"',
            id="inside-the-alternative-of-the-same-type",
        ),
        pytest.param(
            "address: 192.168.0.2",
            "address: {}",
            "6:51 nodes.n1.interfaces.eth0.address: must be an IPv4 address, or a list of them, not a mapping",
            id="no-alternative-of-this-type",
        ),
        pytest.param(
            "{interfaces",
            "{default_route: nome, interfaces",
            '6:23 nodes.n1.default_route: must be none, or a mapping such as {via: router}, not "nome"; did you mean'
            ' "none"?',
            id="misspelt-alternative",
        ),
        pytest.param(
            "{interfaces",
            "{default_route: {vai: x}, interfaces",
            '6:24 nodes.n1.default_route.vai: unknown key "vai"; did you mean "via"?',
            id="misspelt-key-in-an-alternative",
        ),
        pytest.param(
            "n1:",
            "N1:",
            "6:3 nodes.N1: the name must be lower-case letters, digits and hyphens, 63 at most, starting and ending"
            ' with a letter or digit, not "N1"',
            id="name",
        ),
        pytest.param(
            "{network: lan, address: 192.168.0.2}",
            "{}",
            "6:27 nodes.n1.interfaces.eth0: needs network and address, or networks",
            id="choice-of-keys",
        ),
        pytest.param(
            ", address: 192.168.0.2",
            "",
            '6:27 nodes.n1.interfaces.eth0: "address" is missing; it is an IPv4 address, or a list of them',
            id="choice-of-keys-begun",
        ),
        pytest.param(
            "192.168.0.2}",
            "192.168.0.2, networks: {lan: 192.168.0.3}}",
            "6:27 nodes.n1.interfaces.eth0: has network, address and networks, but takes only one of these: network"
            " and address, or networks",
            id="choice-of-keys-made-twice",
        ),
        pytest.param(
            "address: 192.168.0.2}",
            "networks: {lan: 192.168.0.3}}",
            "6:27 nodes.n1.interfaces.eth0: has network and networks, but takes only one of these: network and address,"
            " or networks",
            id="choice-of-keys-made-twice-by-halves",
        ),
        pytest.param(
            "{eth0: {network: lan, address: 192.168.0.2}}",
            "{}",
            "6:20 nodes.n1.interfaces: needs at least one entry, has none",
            id="empty-mapping",
        ),
        pytest.param(
            "{interfaces",
            "{groups: [a, b, a], interfaces",
            '6:16 nodes.n1.groups: lists "a" twice',
            id="twice-in-a-list",
        ),
        pytest.param("version: 1", "version: 2", "1:10 version: must be 1, not the number 2", id="constant"),
    ],
)
def test_what_is_wrong_is_said_in_the_user_s_words(replaced: str, by: str, said: str) -> None:
    assert said_of(replaced, by) == [said]


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
        "from gen.schema import validate\n"
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
        "import sys; from gen.load import load, read_source; from gen.schema import starter_topology, validate\n"
        "from gen.source import Source\n"
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
