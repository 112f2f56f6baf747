"""Snippets that are templates: the values that they see, findings at their own lines, and secrets that stay literal."""

from pathlib import Path

import pytest

from netwright.files.artifact import NodeTree
from netwright.production.production import prepare
from netwright.text.report import render_text
from tests.netwright import PROJECT
from tests.rigs.ignition import IgnitionError, apply_ignition

TOPOLOGY = """\
version: 1
name: lab
networks: {{front: {{cidr: 10.1.0.0/24}}}}
nodes:
  node1:
    os: {os}
    {key}: [{files}]
    interfaces: {{eth0: {{network: front, address: 10.1.0.11}}}}
"""


def build(root: Path, text: str, *, os: str = "rocky10", key: str = "cloud_init", **others: str) -> NodeTree:
    """The tree of a node with a template as its snippet, and with `others`, by name without .yaml."""
    files = {"snippet.j2": text, **{f"{name}.yaml": other for name, other in others.items()}}
    for name, content in files.items():
        (root / name).write_text(content)
    (root / "topology.yaml").write_text(TOPOLOGY.format(os=os, key=key, files=", ".join(files)))
    production, report = prepare(str(root / "topology.yaml"))
    assert production is not None, render_text(report)
    try:
        return production.build("node1")
    finally:
        production.close()


def artifact(tree: NodeTree, path: str) -> str:
    return next(one.content.decode() for one in tree.artifacts if one.path == path)


def test_absent_values_are_undefined_and_not_printed(tmp_path: Path) -> None:
    tree = build(tmp_path, "final_message: x\nhostname_comment: '{{ node.domain }}'\n")

    assert render_text(tree.report).startswith(
        "snippet.j2:2:28: error: the snippet makes no text: 'dict object' has no attribute 'domain'; correct it"
    )


ENDLESS = "{% for n in range(99999) %}{% for m in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("a: 1\n{{ nothing }}: 2\n", "snippet.j2:2:4", id="undefined"),
        pytest.param("a: 1\n{% if %}\n", "snippet.j2:2:1", id="syntax"),
        pytest.param("a: 1\n{{ secret('a-b') }}\n", "snippet.j2:2:1", id="name-of-a-secret"),
        pytest.param("a: {{ secret(5) }}\n", "snippet.j2:1:1", id="no-name"),
        pytest.param("a: 1\n{{ range(10 ** 9) | list }}\n", "snippet.j2:2:1", id="long"),
        pytest.param(ENDLESS, "snippet.j2:1:1", id="time"),
        pytest.param("{{ 'x' * 10 ** 9 }}", "snippet.j2:1:1", id="memory"),
        pytest.param("a: {{ node.name.__class__ }}\n", "snippet.j2:1:", id="sandbox"),
    ],
)  # fmt: skip
def test_a_template_that_fails_is_told_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    tree = build(tmp_path, text)

    shown = render_text(tree.report)
    assert shown.startswith(place)
    assert " error: the snippet makes no text: " in shown
    assert "[snippets_render]" in shown


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("{% for n in [1, 2] %}\n{% endfor %}\nhostname: {{ node.name }}\n", "snippet.j2:3:11", id="plain"),
        pytest.param("{% for n in [1] %}\na: {{ n }}\n{{ 'hostname' }}: x\n{% endfor %}", "snippet.j2:3:1", id="loop"),
        pytest.param("{% set x = 'a: 1\n' %}\n{{ x }}b: 2\n  hostname: 2\n", "snippet.j2:4:11", id="lines-of-a-value"),
        pytest.param("{# one\ntwo #}\nhostname: x\n", "snippet.j2:3:11", id="comment"),
    ],
)  # fmt: skip
def test_findings_point_at_the_templates_line(tmp_path: Path, text: str, place: str) -> None:
    tree = build(tmp_path, text)

    assert render_text(tree.report).startswith(f"{place}: error: ")


def test_another_snippet_names_the_templates_line(tmp_path: Path) -> None:
    text = "{% if node.name %}\n\n\n{% endif %}\nlocale: {{ node.name }}\n"

    tree = build(tmp_path, text, other="locale: C\n")

    assert "other.yaml:1:9: error: locale: is already given by snippet.j2:5:9 (locale)" in render_text(tree.report)


def test_a_secret_is_literal_in_user_data(tmp_path: Path) -> None:
    tree = build(tmp_path, "password: {{ secret('PASSWORD') }}\nlocale: {{ secret('LOCALE') }}\n")

    assert (tree.secrets, render_text(tree.report)) == (("PASSWORD", "LOCALE"), "")
    assert 'password: "${PASSWORD}"\n' in artifact(tree, "cloud-init/user-data")


FILE = "storage: {{files: [{{path: /etc/token, contents: {{inline: '{}'}}}}]}}\n"


def test_a_secret_is_literal_in_butane_and_ignition_and_filled_in_there(tmp_path: Path) -> None:
    token = "K10ab::server:0+/=$!&()*,-.;?@_~"
    tree = build(tmp_path, FILE.format("é {{ secret('TOKEN') }} # %41"), os="flatcar", key="butane")

    assert 'inline: "é ${TOKEN} # %41"' in artifact(tree, "node1.bu")
    ignition = artifact(tree, "node1.ign")
    assert "data:,%C3%A9%20${TOKEN}%20%23%20%2541" in ignition
    apply_ignition(ignition.replace("${TOKEN}", token), tmp_path / "root")
    assert (tmp_path / "root/etc/token").read_text() == f"é {token} # %41"


def test_ignition_refuses_what_nothing_filled_in(tmp_path: Path) -> None:
    tree = build(tmp_path, FILE.format("{{ secret('TOKEN') }}"), os="flatcar", key="butane")

    with pytest.raises(IgnitionError, match="invalid data character"):
        apply_ignition(artifact(tree, "node1.ign"), tmp_path / "root")


def test_long_contents_with_a_secret_are_never_in_base64(tmp_path: Path) -> None:
    many = "äöü" * 200
    tree = build(tmp_path, FILE.format(many + "{{ secret('TOKEN') }}"), os="flatcar", key="butane")

    assert "${TOKEN}" in artifact(tree, "node1.ign")
    assert render_text(tree.report) == ""


@pytest.mark.parametrize("change", ["upper", "urlencode", "length", "replace('$', '')"])
def test_a_secret_that_a_filter_hides_is_refused(tmp_path: Path, change: str) -> None:
    tree = build(tmp_path, f"locale: '{{{{ secret('Name') | {change} }}}}'\n")

    assert "error: nodes.node1.cloud_init[0]: ${Name}, which secret() gives, is not found in" in render_text(
        tree.report
    )


@pytest.mark.parametrize(
    ("text", "is_warned"), [("${HOME}", True), ("%{if}", True), ("$${HOME}", False), ("$HOME", False)]
)
def test_what_terraform_would_take_for_its_own_is_warned_of(tmp_path: Path, text: str, is_warned: bool) -> None:
    tree = build(tmp_path, f"locale: '{{{{ secret('L') }}}}'\nruncmd: ['echo {text}']\n")

    assert ("[secrets_stand_alone]" in render_text(tree.report)) is is_warned
    assert not tree.report.errors


def test_without_secrets_nobody_fills_in_and_nothing_is_warned_of(tmp_path: Path) -> None:
    tree = build(tmp_path, "runcmd: ['echo ${HOME} {{ node.name }}']\n")

    assert render_text(tree.report) == ""


def test_secrets_of_one_node_are_not_those_of_the_next(tmp_path: Path) -> None:
    snippet = "locale: {% if node.name == 'node1' %}{{ secret('ONE') }}{% else %}{{ secret('TWO') }}{% endif %}\n"
    build(tmp_path, snippet)
    text = (tmp_path / "topology.yaml").read_text()
    other = text[text.index("  node1:") :].replace("node1", "node2").replace("10.1.0.11", "10.1.0.12")
    (tmp_path / "topology.yaml").write_text(text + other)
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None

    trees = [production.build(node) for node in production.nodes]

    production.close()
    assert [tree.secrets for tree in trees] == [("ONE",), ("TWO",)]


def test_the_documented_example_renders(tmp_path: Path) -> None:
    page = (PROJECT / "docs/snippets.md").read_text(encoding="utf-8")
    example = page.partition("```jinja\n")[2].partition("```")[0]
    build(tmp_path, example)
    topology = (tmp_path / "topology.yaml").read_text()
    api = "kubernetes: {pods: {cidr: 10.42.0.0/16}, api: {vip: 10.1.0.100, holders: [node1]}}\n"
    settings = "    kubernetes: agent\n    pod_cidr: 10.42.0.0/24\n    os:"
    (tmp_path / "topology.yaml").write_text(topology.replace("nodes:\n", f"{api}nodes:\n").replace("    os:", settings))
    production, report = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None, render_text(report)

    tree = production.build("node1")

    production.close()
    assert render_text(tree.report) == ""
    assert "node1 (agent) at 10.1.0.11\n      API: 10.1.0.100:6443\n" in artifact(tree, "cloud-init/user-data")
