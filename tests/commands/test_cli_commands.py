"""Every command: exit status, what goes to stdout and what to stderr, JSON, --quiet."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.netwright import TOPOLOGY, environment, netwright
from tests.trees import read_tree

WRONG = TOPOLOGY.replace("address: 10.1.0.3", "address: 10.9.0.3")
WARNED = TOPOLOGY.replace("os: flatcar,", "os: flatcar, routes: [{to: 10.5.0.0/16, via: 10.1.0.77}],")
CHANGED = TOPOLOGY.replace("address: 10.1.0.3", "address: 10.1.0.4")


def rewrite(project: Path, topology: str) -> None:
    (project / "topology.yaml").write_text(topology)


def test_generate_writes_out_and_sums_up_on_stdout(tmp_path: Path) -> None:
    rewrite(tmp_path, TOPOLOGY)

    run = netwright("generate", cwd=tmp_path)

    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.splitlines() == [
        "+ out/gw/manifest.json",
        "+ out/gw/handoff.md",
        "+ out/lb1  7 files",
        "+ out/master1  5 files",
        "3 nodes, 14 files: 14 added, 0 changed, 0 pruned; 0 warnings",
    ]


def test_generate_again_changes_nothing(project: Path) -> None:
    before = read_tree(project)

    run = netwright("generate", cwd=project)

    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == "3 nodes, 14 files: 0 added, 0 changed, 0 pruned; 0 warnings\n"
    assert read_tree(project) == before


def test_generate_lists_changed_files_one_by_one_and_pruned_nodes_as_one(project: Path) -> None:
    rewrite(project, "".join(line for line in CHANGED.splitlines(keepends=True) if "lb1" not in line))

    run = netwright("generate", cwd=project)

    assert run.stdout.splitlines() == [
        "~ out/master1/manifest.json",
        "~ out/master1/rootfs/etc/systemd/network/10-eth0.network",
        "~ out/master1/master1.ign",
        "- out/lb1  7 files",
        "2 nodes, 7 files: 0 added, 3 changed, 7 pruned; 0 warnings",
    ]


@pytest.mark.parametrize("command", ["generate", "validate", "check", "diff"])
def test_wrong_topology_is_refused_on_stderr_and_out_stays(project: Path, command: str) -> None:
    rewrite(project, WRONG)
    before = read_tree(project / "out")

    run = netwright(command, cwd=project)

    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("topology.yaml:8:69: error: nodes.master1.interfaces.eth0.address: 10.9.0.3 ")
    assert read_tree(project / "out") == before


def test_markdown_of_wrong_topology_says_nothing_about_differences(project: Path) -> None:
    rewrite(project, WRONG)

    run = netwright("diff", "--format", "markdown", cwd=project)

    assert (run.status, run.stdout) == (2, "")


@pytest.mark.parametrize("command", ["generate", "validate", "check", "diff"])
def test_warnings_go_to_stderr_and_are_counted(project: Path, command: str) -> None:
    rewrite(project, WARNED)
    netwright("generate", cwd=project)

    run = netwright(command, cwd=project)

    assert run.status == 0
    assert "warning: nodes.master1.routes[0].via: no node has the address 10.1.0.77" in run.stderr
    assert "warning:" not in run.stdout
    assert command not in {"generate", "validate"} or "1 warning\n" in run.stdout


def test_validate_counts_nodes(project: Path) -> None:
    run = netwright("validate", cwd=project)

    assert (run.status, run.stdout, run.stderr) == (0, "topology.yaml: 3 nodes, 0 warnings\n", "")


def test_check_of_what_generate_wrote_is_fine(project: Path) -> None:
    run = netwright("check", cwd=project)

    assert (run.status, run.stdout, run.stderr) == (0, "out: 3 nodes, 14 files, all as generated\n", "")


def test_check_names_what_differs(project: Path) -> None:
    rewrite(project, CHANGED)
    before = read_tree(project)

    run = netwright("check", cwd=project)

    assert run.status == 1
    assert run.stdout == "out: 3 files not as generated\n"
    assert "out/master1/rootfs/etc/systemd/network/10-eth0.network: error: is not as generated" in run.stderr
    assert read_tree(project) == before


def test_diff_shows_what_differs_on_stdout(project: Path) -> None:
    rewrite(project, CHANGED)

    run = netwright("diff", cwd=project)

    assert (run.status, run.stderr) == (1, "")
    assert "-Address=10.1.0.3/24\n+Address=10.1.0.4/24\n" in run.stdout


def test_diff_of_what_generate_wrote_is_empty(project: Path) -> None:
    assert netwright("diff", cwd=project) == netwright("diff", "--quiet", cwd=project)
    assert netwright("diff", cwd=project).stdout == ""
    assert netwright("diff", "--format", "markdown", cwd=project).stdout == "No differences.\n"


def test_dry_run_says_and_writes_nothing(project: Path) -> None:
    rewrite(project, CHANGED)
    before = read_tree(project)

    run = netwright("generate", "--dry-run", cwd=project)

    assert run.status == 0
    assert run.stdout.endswith("0 would be added, 3 would be changed, 0 would be pruned; 0 warnings\n")
    assert read_tree(project) == before


def test_hand_edited_file_is_kept_unless_forced(project: Path) -> None:
    edited = project / "out/master1/rootfs/etc/hostname"
    edited.write_text("mine\n")

    refused = netwright("generate", cwd=project)
    kept = edited.read_text()
    forced = netwright("generate", "--force", cwd=project)

    assert refused.status == 2
    assert refused.stdout == ""
    assert "out/master1/rootfs/etc/hostname: error: edited by hand" in refused.stderr
    assert kept == "mine\n"
    assert forced.status == 0
    assert edited.read_text() == "master1\n"


KEYS = {
    "generate": {"version", "dry_run", "nodes", "files", "added", "changed", "pruned", "warnings", "findings"},
    "check": {"version", "nodes", "files", "differences", "findings"},
    "diff": {"version", "nodes", "files", "differences", "findings"},
}
FINDING_KEYS = {"file", "line", "column", "severity", "path", "rule", "message", "related"}
STATES = {"fine": TOPOLOGY, "changed": CHANGED, "warned": WARNED, "wrong": WRONG, "broken": "a: [", "empty": ""}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", KEYS)
def test_json_has_the_same_keys_in_every_state(project: Path, command: str, state: str) -> None:
    rewrite(project, STATES[state])

    run = netwright(command, "--format", "json", cwd=project)
    document = json.loads(run.stdout)

    assert run.stderr == ""
    assert set(document) == KEYS[command]
    assert {key for finding in document["findings"] for key in finding} <= FINDING_KEYS
    assert bool(document["findings"]) == (state not in {"fine", "changed"})
    assert (run.status == 2) == (state in {"wrong", "broken", "empty"})


@pytest.mark.parametrize("state", STATES)
def test_validate_prints_findings_as_json(project: Path, state: str) -> None:
    rewrite(project, STATES[state])

    run = netwright("validate", "--format", "json", cwd=project)
    findings = json.loads(run.stdout)["findings"]

    assert run.stderr == ""
    assert all(set(finding) == FINDING_KEYS for finding in findings)
    assert [finding["severity"] for finding in findings] == {"fine": [], "changed": [], "warned": ["warning"]}.get(
        state, ["error"] * len(findings)
    )


def test_json_of_diff_holds_each_difference(project: Path) -> None:
    rewrite(project, CHANGED)

    run = netwright("diff", "--format", "json", cwd=project)
    difference = json.loads(run.stdout)["differences"][-1]

    assert run.status == 1
    assert difference.keys() == {"node", "path", "kind", "message", "added", "removed", "diff"}
    assert difference["path"] == "master1/rootfs/etc/systemd/network/10-eth0.network"
    assert difference["kind"] == "outdated"


@pytest.mark.parametrize("command", ["generate", "validate", "check", "diff"])
def test_quiet_prints_errors_only(project: Path, command: str) -> None:
    rewrite(project, WARNED)
    warned = netwright(command, "--quiet", cwd=project)
    rewrite(project, WRONG)
    wrong = netwright(command, "--quiet", cwd=project)

    assert warned.stdout == ""
    assert "warning:" not in warned.stderr
    assert wrong.stdout == ""
    assert wrong.stderr.startswith("topology.yaml:8:69: error:")


def test_init_writes_a_topology_that_generates_without_findings(tmp_path: Path) -> None:
    run = netwright("init", cwd=tmp_path)
    generated = netwright("generate", cwd=tmp_path)

    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == "wrote topology.yaml\nwrote topology.schema.json\n"
    assert (generated.status, generated.stderr) == (0, "")
    assert (tmp_path / "topology.yaml").read_text().startswith("# yaml-language-server: $schema=topology.schema.json\n")


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    rewrite(tmp_path, "mine")

    run = netwright("init", cwd=tmp_path)

    assert (run.status, run.stdout) == (2, "")
    assert run.stderr == "topology.yaml: error: exists already; name another file, or move it away [starter_is_new]\n"
    assert [path.name for path in tmp_path.iterdir()] == ["topology.yaml"]
    assert (tmp_path / "topology.yaml").read_text() == "mine"


def test_init_leaves_nothing_behind_where_the_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "topology.schema.json").write_text("mine")

    run = netwright("init", cwd=tmp_path)

    assert run.status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["topology.schema.json"]


def test_schema_is_json_schema_that_the_topology_conforms_to(tmp_path: Path) -> None:
    run = netwright("schema", cwd=tmp_path)
    schema = json.loads(run.stdout)

    assert (run.status, run.stderr) == (0, "")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(TOPOLOGY))


@pytest.mark.parametrize(
    ("shell", "check"), [("bash", ["bash", "-n"]), ("zsh", []), ("fish", [])], ids=["bash", "zsh", "fish"]
)
def test_completion_prints_a_script_for_the_shell(tmp_path: Path, shell: str, check: list[str]) -> None:
    run = netwright("completion", shell, cwd=tmp_path)

    assert (run.status, run.stderr) == (0, "")
    assert f"_NETWRIGHT_COMPLETE={shell}_complete" in run.stdout
    if check:
        subprocess.run(check, input=run.stdout.encode(), check=True)


@pytest.mark.parametrize(
    ("words", "completed"),
    [("netwright ge", "generate"), ("netwright bu", "butane"), ("netwright generate --in", "--in-place")],
    ids=["command", "late command", "option"],
)
def test_completion_completes(tmp_path: Path, words: str, completed: str) -> None:
    asked = environment(
        _NETWRIGHT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1)
    )

    run = netwright(cwd=tmp_path, env=asked)

    assert run.stdout == f"plain,{completed}\n"


@pytest.mark.parametrize("words", ["explain --flow d", "verify --flow d", "graph --flow d", "lab --flow d"])
def test_names_of_flows_are_completed(tmp_path: Path, words: str) -> None:
    flows = "flows:\n  database: {from: lb1, to: master1}\n  web: {from: lb1, to: master1}\n"
    (tmp_path / "topology.yaml").write_text(TOPOLOGY + flows)

    assert _completed(tmp_path, f"netwright {words}") == ["plain,database"]


def test_lines_of_a_file_are_completed_with_their_text(tmp_path: Path) -> None:
    (tmp_path / "a.network").write_text("[Match]\nName=eth0\n\n[Network]\n")

    assert _completed(tmp_path, "netwright explain a.network:") == [f"plain,a.network:{line}" for line in (1, 2, 4)]
    assert _completed(tmp_path, "netwright explain a.netw") == ["file,a.netw"]


def test_completion_of_a_wrong_topology_is_none(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("flows: [\n")

    assert _completed(tmp_path, "netwright verify --flow d") == []


def _completed(folder: Path, words: str) -> list[str]:
    count = str(len(words.split(" ")) - 1)
    run = netwright(
        cwd=folder, env=environment(_NETWRIGHT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count)
    )
    assert run.stderr == ""
    return [line for line in run.stdout.splitlines() if line]


@pytest.mark.parametrize(
    "arguments",
    [
        ["generat"],
        ["generate", "--wrong"],
        ["generate", "a.yaml", "b.yaml"],
        ["generate", "--format", "markdown"],
        ["check", "--out"],
        ["completion", "tcsh"],
        ["completion"],
        [],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_with_a_hint_on_stderr(tmp_path: Path, arguments: list[str]) -> None:
    run = netwright(*arguments, cwd=tmp_path)

    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(("Usage: netwright", "Error: "))


def test_version_needs_no_command_line_library(tmp_path: Path) -> None:
    script = (
        "import os, sys, netwright.__main__\n"
        "os._exit = sys.exit\n"  # which ends without a word on what is loaded
        "sys.argv = ['netwright', '--version']\n"
        "try: netwright.__main__.main()\n"
        "finally: print(*sys.modules)"
    )

    finished = subprocess.run(
        [sys.executable, "-c", script], env=environment(), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    version, modules = finished.stdout.splitlines()

    assert version.startswith("netwright ")
    assert not {"click", "yaml", "jinja2", "netaddr"} & {*modules.split()}


def test_version_is_the_same_by_either_way(tmp_path: Path) -> None:
    quick = netwright("--version", cwd=tmp_path)

    assert quick == netwright("--version", "generate", cwd=tmp_path)
    assert quick.status == 0


def test_butane_compiles_what_generate_wrote(project: Path) -> None:
    node = "out/master1"

    run = netwright("butane", "--strict", "--pretty", "-d", f"{node}/rootfs", f"{node}/master1.bu", cwd=project)

    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == (project / node / "master1.ign").read_text()
