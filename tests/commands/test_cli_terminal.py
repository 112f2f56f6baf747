"""Output for terminals only: colours and progress."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.netwright import TOPOLOGY, Run, command, environment, netwright, on_terminal

WRONG = TOPOLOGY.replace("address: 10.1.0.3", "address: 10.9.0.3")
CHANGED = TOPOLOGY.replace("address: 10.1.0.3", "address: 10.1.0.4")

SLOW_RUN = """
import time
from netwright.parallel.progress import progress_bar
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
    assert run.stderr == f"\r[{'#' * 30}{'.' * 10}] 3/4 nodes\x1b[K\r\x1b[K"


SLOW_STAGES = """
import time
from netwright.parallel.progress import progress_stages
with progress_stages(quiet={quiet}) as stage:
    stage("reading it")
    time.sleep(0.5)
    stage("reading more")
    time.sleep(1)
    stage("writing it")
    stage("")
"""


def test_what_takes_long_is_named_without_a_count(tmp_path: Path) -> None:
    script = SLOW_STAGES.format(quiet=False)

    run = on_terminal(sys.executable, "-c", script, cwd=tmp_path)

    assert run.stderr == "\r\x1b[Kreading more ...\r\x1b[Kwriting it ...\r\x1b[K"


@pytest.mark.parametrize(("quiet", "variables"), [(True, {}), (False, {"TERM": "dumb"})], ids=["quiet", "dumb"])
def test_stages_are_kept_back_where_they_are_unwelcome(tmp_path: Path, quiet: bool, variables: dict[str, str]) -> None:
    script = SLOW_STAGES.format(quiet=quiet)

    run = on_terminal(sys.executable, "-c", script, cwd=tmp_path, env=environment(**variables))

    assert run.stderr == ""


@pytest.mark.parametrize("name", ["verify", "lab"])
def test_a_topology_that_takes_long_to_read_is_named(project: Path, name: str) -> None:
    master, terminal = pty.openpty()
    with subprocess.Popen(
        command(name, "-"), cwd=project, env=environment(), stdin=PIPE, stdout=subprocess.DEVNULL, stderr=terminal
    ) as process:
        os.close(terminal)
        shown, _, _ = select.select([master], [], [], 60)
        named = os.read(master, 1024) if shown else b""
        process.communicate((project / "topology.yaml").read_bytes())
    os.close(master)

    assert named == b"\r\x1b[Kreading <stdin> ..."


@pytest.mark.parametrize("arguments", ["verify -q -", "lab -q -", "lab --format json -"])
def test_where_nobody_looks_it_is_not_named(project: Path, arguments: str) -> None:
    line = f'(sleep 1.3; cat topology.yaml) | "$@" {arguments}'

    run = on_terminal("sh", "-c", line, "sh", *command(), cwd=project)

    assert "reading" not in run.stderr


def test_a_quick_proof_shows_no_progress(project: Path) -> None:
    run = on_terminal(*command("verify"), cwd=project)

    assert (run.status, run.stderr) == (0, "")


def test_slow_run_is_silent_where_asked_to(tmp_path: Path) -> None:
    assert slow_run(tmp_path, quiet=True).stderr == ""
    assert slow_run(tmp_path, TERM="dumb").stderr == ""


def test_long_messages_are_broken_at_the_last_column_of_a_terminal(project: Path) -> None:
    (project / "topology.yaml").write_text(WRONG)

    shown = on_terminal(*command("validate"), cwd=project).stderr.replace("\x1b[31m", "").replace("\x1b[0m", "")
    piped = netwright("validate", cwd=project).stderr

    assert max(map(len, shown.splitlines())) <= 80
    assert max(map(len, piped.splitlines())) > 80
    title = piped.splitlines()[0]
    assert " ".join(line.strip() for line in shown.splitlines()[:-2]) == title
    assert shown.splitlines()[1].startswith("    ")


def test_a_proof_of_many_flows_fits_on_a_terminal(project: Path) -> None:
    flows = "".join(f"  flow{number}: {{from: lb1, to: master1, allow: [tcp/{number}]}}\n" for number in range(1, 31))
    (project / "topology.yaml").write_text(
        f"{TOPOLOGY}flows:\n{flows}".replace("os: rocky10", "os: rocky10, firewalld: absent")
    )
    netwright("generate", cwd=project)

    run = on_terminal(*command("verify"), cwd=project)
    full = netwright("verify", "--assumptions", cwd=project)

    assert run.status == 0, run.stdout
    assert len(run.stdout.splitlines()) < 12
    assert max(len(line.replace("\x1b[32m", "").replace("\x1b[0m", "")) for line in run.stdout.splitlines()) <= 80
    assert "and 24 flows more, all proved (--assumptions lists them)" in run.stdout
    assert sum(line.startswith("flow") for line in full.stdout.splitlines()) == 30


def test_a_usage_error_is_as_wide_as_the_terminal(tmp_path: Path) -> None:
    run = on_terminal(*command("export", "--format", "x"), cwd=tmp_path)
    piped = netwright("export", "--format", "x", cwd=tmp_path)

    assert run.status == piped.status == 2
    assert max(map(len, run.stderr.splitlines())) <= 80
    assert run.stderr.split() == piped.stderr.split()
    assert any(len(line) > 80 for line in piped.stderr.splitlines())
