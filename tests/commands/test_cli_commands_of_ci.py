"""Nothing from a topology or the files beside it reaches a CI service as one of its commands."""

import contextlib
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from netwright.commands.main import netwright
from tests.netwright import TOPOLOGY

PAYLOADS = ("::error::taken", "##[error]taken", "##vso[task.complete]taken")
OBEYED = re.compile(r"^\s*::|##\[|##vso\[", re.MULTILINE)
"""GitHub reads :: at the start of a line and ##[ anywhere; Azure ##[ and ##vso[ anywhere."""

COMMANDS = (
    *(("generate", "--format", form) for form in ("text", "json")),
    *(("validate", "--format", form) for form in ("text", "json")),
    *(("check", "--format", form) for form in ("text", "json")),
    *(("diff", "--format", form) for form in ("text", "markdown", "json")),
    *(("explain", "out/lb1/cloud-init/user-data:9", "--format", form) for form in ("text", "json")),
)
commands = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


def say(project: Path, *arguments: str) -> str:
    """Everything that a command prints."""
    with contextlib.chdir(project):
        result = CliRunner().invoke(netwright, arguments)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return f"{result.stdout}\n{result.stderr}"


@commands
def test_values_and_comments_are_inert(project: Path, command: tuple[str, ...]) -> None:
    keys = "".join(f'"{payload}": "{payload}"  # {payload}\n' for payload in PAYLOADS)
    (project / "topology.yaml").write_text(TOPOLOGY.replace("small", PAYLOADS[0]) + keys)

    said = say(project, *command)

    assert "error" in said
    assert not OBEYED.search(said)


@commands
def test_syntax_errors_are_inert(project: Path, command: tuple[str, ...]) -> None:
    (project / "topology.yaml").write_text("".join(f"{payload}\n" for payload in PAYLOADS) + "a: [\n")

    said = say(project, *command)

    assert "error" in said
    assert not OBEYED.search(said)


@commands
def test_texts_of_snippets_are_inert(project: Path, command: tuple[str, ...]) -> None:
    lines = "".join(f"      {payload}\n" for payload in PAYLOADS)
    (project / "snippet.yaml").write_text(f"write_files:\n  - path: /etc/motd\n    content: |\n{lines}")
    (project / "topology.yaml").write_text(TOPOLOGY.replace("os: rocky10,", "os: rocky10, cloud_init: [snippet.yaml],"))
    if command[0] == "diff":  # the payloads become lines that do not change, which a diff begins with a blank
        say(project, "generate")
        text = (project / "snippet.yaml").read_text()
        (project / "snippet.yaml").write_text(f"{text}      one line more\n")

    said = say(project, *command)

    assert command[0] != "diff" or "taken" in said
    assert not OBEYED.search(said)


@commands
def test_names_of_files_are_inert(project: Path, command: tuple[str, ...]) -> None:
    (project / "overrides").mkdir()
    for payload in PAYLOADS:
        (project / "overrides" / payload).touch()
        (project / "out/lb1" / payload).touch()
    (project / "topology.yaml").write_text(f"templates: overrides\n{TOPOLOGY}")

    said = say(project, *command)
    (project / "topology.yaml").write_text(TOPOLOGY)
    said += say(project, *command)

    assert "error" in said
    assert not OBEYED.search(said)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("command", ["generate", "validate", "check", "diff", "init"])
def test_arguments_are_inert(project: Path, command: str, payload: str) -> None:
    (project / f"{payload}.yaml").write_text(TOPOLOGY)

    said = say(project, command, f"{payload}.yaml")
    said += say(project, command, f"{payload}.missing")
    if command not in {"validate", "init"}:
        said += say(project, command, "-o", payload)

    assert said.strip()
    assert not OBEYED.search(said)
