"""Names of files are anybody's: none of them acts on a terminal, or is a command to a CI service."""

import json
from pathlib import Path

import pytest

from tests.netwright import TOPOLOGY, netwright

EVIL = "a\x1b[2J\r\u202eb\x9bc##[error]d"
ABSENT = f"absent/{EVIL}"

COMMANDS = {
    "generate": ("generate", ABSENT),
    "generate to": ("generate", "-o", EVIL),
    "validate": ("validate", ABSENT),
    "validate what is right": ("validate", EVIL),
    "validate --against": ("validate", "--against", ABSENT),
    "check": ("check", ABSENT),
    "check against": ("check", "-o", EVIL),
    "diff": ("diff", "-o", EVIL),
    "diff as markdown": ("diff", "-o", EVIL, "--format", "markdown"),
    "plan": ("plan", ABSENT),
    "plan to": ("plan", "-o", EVIL),
    "plan --against": ("plan", "--against", EVIL),
    "apply": ("apply", "-t", ABSENT),
    "apply from": ("apply", "-o", EVIL),
    "apply to": ("apply", EVIL),
    "rollback of": ("rollback", EVIL),
    "init": ("init", f"drafts/{EVIL}"),
    "init twice": ("init", EVIL),
    "init --from-kubectl": ("init", "new.yaml", "--from-kubectl", ABSENT),
    "init --from-libvirt": ("init", "new.yaml", "--from-libvirt", ABSENT),
    "explain": ("explain", EVIL),
    "secrets": ("secrets", ABSENT),
    "explain a line": ("explain", f"kept{EVIL}/lb1/manifest.json:1", "-o", f"kept{EVIL}"),
    "explain with": ("explain", "x:1", "-t", ABSENT),
    "explain --flow": ("explain", "--flow", EVIL),
    "graph": ("graph", ABSENT),
    "graph to": ("graph", "-o", ABSENT),
    "graph --flow": ("graph", "--flow", EVIL),
    "report": ("report", ABSENT),
    "report to": ("report", "-o", ABSENT),
    "report from": ("report", "--out", EVIL),
    "report --against": ("report", "--against", EVIL),
    "verify": ("verify", ABSENT),
    "verify from": ("verify", "-o", EVIL),
    "verify --against": ("verify", "--against", EVIL),
    "lab": ("lab", ABSENT),
    "lab from": ("lab", "-o", EVIL),
    "butane": ("butane", ABSENT),
    "butane with": ("butane", EVIL),
    "butane to": ("butane", "-o", ABSENT, "right.bu"),
    "butane, files below": ("butane", "-d", ABSENT, "local.bu"),
    "another command": (EVIL,),
    "another option": ("generate", f"--{EVIL}"),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A topology under two names, what was generated, and Butane files."""
    for name in ("topology.yaml", EVIL):
        (tmp_path / name).write_text(TOPOLOGY)
    (tmp_path / "drafts").mkdir()
    (tmp_path / "right.bu").write_text("variant: flatcar\nversion: 1.0.0\n")
    (tmp_path / "local.bu").write_text(
        "variant: flatcar\nversion: 1.0.0\nstorage: {files: [{path: /a, contents: {local: b}}]}\n"
    )
    return tmp_path


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_no_command_prints_a_name_as_it_is(project: Path, arguments: tuple[str, ...]) -> None:
    if arguments[0] == "explain" and "-o" in arguments:
        netwright("generate", "-o", arguments[-1], cwd=project)

    run = netwright(*arguments, cwd=project)

    printed = run.stdout + run.stderr
    assert printed
    assert not set(printed) & set("\x1b\r\u202e\x9b"), repr(printed)
    assert "##[" not in printed


@pytest.mark.parametrize("command", ["validate", "butane"])
def test_findings_as_json_hold_the_name_and_no_command(project: Path, command: str) -> None:
    (project / EVIL).write_text("variant: nothing\n")

    run = netwright(command, "--format", "json", EVIL, cwd=project)

    findings = run.stderr if command == "butane" else run.stdout
    assert {finding["file"] for finding in json.loads(findings)["findings"]} == {EVIL}
    assert "##[" not in findings
    assert findings.isascii()
