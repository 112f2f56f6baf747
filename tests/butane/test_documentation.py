"""docs/butane.md: what it shows is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "butane.md"
ROOT = PAGE.parents[1]
_BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```\n", re.DOTALL)
_BLOCKS = list(_BLOCK.finditer(PAGE.read_text(encoding="utf-8")))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with every file that the page shows, and the command on the PATH."""
    for block in _BLOCKS:
        if block["file"]:
            file = tmp_path / block["file"]
            file.parent.mkdir(exist_ok=True)
            file.write_text(block["text"])
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "netwright"
    call = "from netwright.commands.butane import butane; butane(prog_name='netwright butane')"
    program.write_text(f'#!/bin/sh\nshift\nexec env PYTHONPATH={ROOT}/gen {sys.executable} -c "{call}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "block", [block for block in _BLOCKS if block["kind"] == "console"], ids=lambda block: block.start()
)
def test_commands_print_what_the_page_shows(block: re.Match[str], folder: Path) -> None:
    commands = re.findall(r"^\$ (.*)$", block["text"], re.MULTILINE)
    script = "\n".join(f"status=$?; echo '$ {command}'; (exit $status)\n{command}" for command in commands)

    result = subprocess.run(
        ["/bin/sh", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True
    )

    assert result.stdout.rstrip("\n") == block["text"].rstrip("\n")


def test_python_runs_as_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {}

    for block in _BLOCKS:
        if block["kind"] == "python":
            exec(compile(block["text"], f"{PAGE}:{block.start()}", "exec"), namespace)

    assert capsys.readouterr().out == ""


def test_every_block_is_a_file_or_run() -> None:
    assert all(block["file"] or block["kind"] in {"console", "python"} for block in _BLOCKS)
    assert len(_BLOCKS) == PAGE.read_text(encoding="utf-8").count("```") / 2
