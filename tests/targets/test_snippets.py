"""Snippets of the user's: merged into what a node is provisioned with, or refused by name and place."""

import subprocess
from pathlib import Path

import pytest

from netwright.production.production import prepare
from netwright.text.report import Report, render_text

TOPOLOGY = """\
version: 1
name: snippets
networks: {{front: {{cidr: 10.1.0.0/24}}}}
nodes:
  node1:
    os: {os}
    {key}: [{files}]
    interfaces: {{eth0: {{network: front, address: 10.1.0.11}}}}
"""
BUTANE = "storage: {{files: [{{path: {path}, contents: {{inline: x}}}}]}}\n"


def report_of(root: Path, *, os: str, key: str, snippets: dict[str, str]) -> str:
    for name, text in snippets.items():
        (root / name).write_text(text)
    topology = root / "topology.yaml"
    topology.write_text(TOPOLOGY.format(os=os, key=key, files=", ".join(snippets)))
    production, report = prepare(str(topology))
    assert production is not None, render_text(report)
    built: Report = production.build("node1").report
    return render_text(built)


def test_two_butane_snippets_with_one_path_are_refused_naming_both_places(tmp_path: Path) -> None:
    both = {"a.bu": BUTANE.format(path="/etc/a"), "b.bu": BUTANE.format(path="/etc/a")}

    text = report_of(tmp_path, os="flatcar", key="butane", snippets=both)

    assert text.startswith(
        "b.bu:1:19: error: storage.files[0]: /etc/a is already defined at a.bu:1:19; keep one of them"
    )


def test_a_butane_snippet_may_not_replace_what_netwright_writes(tmp_path: Path) -> None:
    text = report_of(tmp_path, os="flatcar", key="butane", snippets={"a.bu": BUTANE.format(path="/etc/hostname")})

    assert "a.bu:1:19: error: storage.files[0]: /etc/hostname is already defined at netwright itself" in text


def test_an_unknown_key_of_a_butane_snippet_is_an_error(tmp_path: Path) -> None:
    text = report_of(tmp_path, os="flatcar", key="butane", snippets={"a.bu": "storage: {flies: []}\n"})

    assert "a.bu:1:11: error: " in text


CLOUD_CONFIG_ERRORS = [
    pytest.param(
        {"a.yaml": "write_files: [{path: /etc/x}]\n", "b.yaml": "write_files:\n- {path: /etc/x}\n"},
        "b.yaml:2:10: error: write_files[0].path: /etc/x is already written by a.yaml:1:22 (write_files[0].path)",
        id="one-path-twice",
    ),
    pytest.param(
        {"a.yaml": "write_files: [{path: /etc/hostname}]\n"},
        "a.yaml:1:22: error: write_files[0].path: /etc/hostname is already written by what netwright writes itself",
        id="our-own-path",
    ),
    pytest.param(
        {"a.yaml": "timezone: UTC\n", "b.yaml": "timezone: CET\n"},
        "b.yaml:1:11: error: timezone: is already given by a.yaml:1:11 (timezone); keep one of them",
        id="one-value-twice",
    ),
    pytest.param({"a.yaml": "hostname: other\n"}, "hostname: is already given by netwright itself", id="our-hostname"),
    pytest.param({"a.yaml": "a: 1\na: 2\n"}, "a.yaml:2:1: error: the key a stands here a second time", id="key-twice"),
    pytest.param({"a.yaml": "a: &x 1\nb: *x\n"}, "a.yaml:1:4: error: anchors and aliases are not taken", id="alias"),
    pytest.param({"a.yaml": "[" * 30000}, "a.yaml:1:33: error: is nested more than 32 levels deep", id="deep"),
    pytest.param({"a.yaml": "- a\n"}, "a.yaml:1:1: error: a cloud-config is a mapping", id="list"),
    pytest.param({"a.yaml": "a: [\n"}, "a.yaml:2:1: error: ", id="broken"),
    pytest.param({"a.yaml": "a: 2024-13-45\n"}, "a.yaml:1:1: error: ", id="impossible-date"),
]


@pytest.mark.parametrize(("snippets", "message"), CLOUD_CONFIG_ERRORS)
def test_a_cloud_config_that_contradicts_is_refused(tmp_path: Path, snippets: dict[str, str], message: str) -> None:
    text = report_of(tmp_path, os="rocky10", key="cloud_init", snippets=snippets)

    assert message in text


def test_a_missing_snippet_is_reported_at_the_topology(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.format(os="flatcar", key="butane", files="no.bu"))
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None

    text = render_text(production.build("node1").report)

    assert ":7:14: error: nodes.node1.butane[0]: there is no file no.bu below the topology's folder" in text


def test_a_snippet_that_two_groups_name_is_merged_once(tmp_path: Path) -> None:
    (tmp_path / "a.bu").write_text(BUTANE.format(path="/etc/a"))
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.format(os="flatcar", key="butane", files="a.bu, a.bu"))
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None

    assert render_text(production.build("node1").report) == ""


LOCAL = "storage: {{files: [{{path: /opt/{name}, contents: {{local: {name}}}}}]}}\n"


@pytest.mark.parametrize(
    ("setting", "sizes", "message"),
    [
        pytest.param("", [8, 8, 8, 8], "", id="fits"),
        pytest.param("", [9], "a.bu:1:52: error: storage.files[0].contents.local: a is larger than 8 MiB", id="file"),
        pytest.param(
            "",
            [7, 7, 7, 7, 7],
            "the local files of node1's snippets are larger than 32 MiB together; make them smaller, or raise local_",
            id="node",
        ),
        pytest.param("local_files_mib: 64", [9, 9, 9, 9], "", id="raised"),
        pytest.param("local_files_mib: 1", [1], "a is larger than 0.25 MiB", id="lowered"),
    ],
)
def test_local_files_have_a_size(tmp_path: Path, setting: str, sizes: list[int], message: str) -> None:
    snippets = {f"{name}.bu": LOCAL.format(name=name) for name in "abcde"[: len(sizes)]}
    for name, size in zip("abcde", sizes, strict=False):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size << 20)

    text = report_of(tmp_path, os=f"flatcar\n    {setting}", key="butane", snippets=snippets)

    assert message in text
    assert bool(text) == bool(message)


def test_an_ignored_local_file_is_not_published(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("\n\n.env\n")
    (tmp_path / "tree").mkdir()
    for name in (".env", "tree/.env"):
        (tmp_path / name).write_text("TOKEN=hunter2")
    tree = "storage: {trees: [{local: tree, path: /opt/tree}]}\n"

    text = report_of(tmp_path, os="flatcar", key="butane", snippets={"a.bu": LOCAL.format(name=".env"), "b.bu": tree})

    assert "storage.files[0].contents.local: .env is ignored by git (.gitignore:3: .env)" in text
    assert "b.bu:1:19: error: storage.trees[0]: .env is ignored by git (.gitignore:3: .env)" in text
    assert "hunter2" not in text
