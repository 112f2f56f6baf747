"""What only a terminal gets to see: colours and progress."""

import sys
from pathlib import Path

import pytest

from tests.netwright import TOPOLOGY, Run, command, environment, netwright, on_terminal

WRONG = TOPOLOGY.replace("address: 10.1.0.3", "address: 10.9.0.3")
CHANGED = TOPOLOGY.replace("address: 10.1.0.3", "address: 10.1.0.4")

SLOW_RUN = """
import time
from gen.progress import progress_bar
with progress_bar(4, quiet={quiet}) as advance:
    advance(1)
    time.sleep(1.1)
    advance(2)
"""


def test_findings_are_coloured_on_a_terminal(project: Path) -> None:
    (project / "topology.yaml").write_text(WRONG)

    run = on_terminal(*command("validate"), cwd=project)

    assert run.status == 2
    assert "\x1b[31merror:\x1b[0m" in run.stderr


def test_findings_about_butane_are_coloured_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "wrong.bu").write_text("variant: nothing\n")

    coloured = on_terminal(*command("butane", "wrong.bu"), cwd=tmp_path)
    plain = [
        on_terminal(*command("butane", "wrong.bu"), cwd=tmp_path, env=environment(**variable))
        for variable in ({"NO_COLOR": "1"}, {"TERM": "dumb"})
    ]

    assert "\x1b[31merror:\x1b[0m" in coloured.stderr
    assert {run.stderr for run in plain} == {coloured.stderr.replace("\x1b[31m", "").replace("\x1b[0m", "")}


def test_differences_are_coloured_on_a_terminal(project: Path) -> None:
    (project / "topology.yaml").write_text(CHANGED)

    run = on_terminal(*command("diff"), cwd=project)

    assert run.status == 1
    assert "\x1b[32m+Address=10.1.0.4/24\x1b[0m" in run.stdout


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb terminal"])
@pytest.mark.parametrize("name", ["validate", "diff"])
def test_colours_are_left_out_where_unwelcome(project: Path, name: str, variable: dict[str, str]) -> None:
    (project / "topology.yaml").write_text(WRONG if name == "validate" else CHANGED)

    run = on_terminal(*command(name), cwd=project, env=environment(**variable))

    assert run.stdout + run.stderr
    assert "\x1b" not in run.stdout + run.stderr


@pytest.mark.parametrize("name", ["validate", "check", "diff", "generate"])
def test_pipes_get_plain_text(project: Path, name: str) -> None:
    (project / "topology.yaml").write_text(CHANGED if name == "diff" else WRONG)

    run = netwright(name, cwd=project)

    assert run.stdout + run.stderr
    assert "\x1b" not in run.stdout + run.stderr
    assert "\r" not in run.stdout + run.stderr


def test_quick_run_shows_no_progress(project: Path) -> None:
    run = on_terminal(*command("generate"), cwd=project)

    assert (run.status, run.stderr) == (0, "")


def slow_run(cwd: Path, *, quiet: bool = False, **variables: str) -> Run:
    """A run that takes longer than a second."""
    return on_terminal(sys.executable, "-c", SLOW_RUN.format(quiet=quiet), cwd=cwd, env=environment(**variables))


def test_slow_run_shows_progress_and_clears_it(tmp_path: Path) -> None:
    run = slow_run(tmp_path)

    assert run.stdout == ""
    assert run.stderr == f"\r[{'#' * 30}{'.' * 10}] 3/4 nodes\r\x1b[K"


def test_slow_run_is_silent_where_asked_to(tmp_path: Path) -> None:
    assert slow_run(tmp_path, quiet=True).stderr == ""
    assert slow_run(tmp_path, TERM="dumb").stderr == ""
