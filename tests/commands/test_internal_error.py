"""Unforeseen errors: one line, a file to attach, and a status that means nothing about OUT."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.netwright import PROJECT, Run, command, environment

CRASH = """
import sys
import netwright.write, netwright.commands.main
def crash(*arguments, **named):
    {action}
netwright.write.generate = netwright.write.compare = crash
from netwright.__main__ import main
sys.argv = ["netwright", *sys.argv[1:]]
main()
"""


def crash(action: str, *arguments: str, cwd: Path, env: Mapping[str, str]) -> Run:
    """The run of a command that does something unforeseen."""
    script = CRASH.format(action=action)
    done = subprocess.run(
        [command()[0], "-c", script, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    return Run(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment whose temporary files can be found."""
    (tmp_path / "tmp").mkdir()
    return environment(TMPDIR=str(tmp_path / "tmp"), TOKEN="hunter2")


@pytest.mark.parametrize("name", ["generate", "check", "diff"])
def test_an_unforeseen_error_has_a_status_of_its_own_and_a_file(
    project: Path, tmp_path: Path, env: dict[str, str], name: str
) -> None:
    run = crash("raise KeyError('lb9')", name, cwd=project, env=env)

    (file,) = (tmp_path / "tmp").iterdir()
    assert (run.status, run.stdout) == (70, "")
    assert re.fullmatch(
        r"netwright: internal error \(KeyError in .*:\d+\), please report it and attach "
        rf"{re.escape(str(file))}, which has the traceback\n",
        run.stderr,
    )
    text = file.read_text()
    assert text.startswith("netwright ")
    assert "Traceback (most recent call last)" in text
    assert text.endswith("KeyError: 'lb9'\n")
    assert "hunter2" not in text
    assert name not in text.splitlines()[0]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_can_not_be_written_is_said(project: Path, env: dict[str, str]) -> None:
    script = "import tempfile; tempfile.mkstemp = lambda **_: open('/nonexistent/x'); raise KeyError('lb9')"

    run = crash(script, "check", cwd=project, env=env)

    assert (run.status, run.stdout) == (70, "")
    assert "please report it; a file with the traceback can't be written: No such file or directory\n" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "action", ["raise RecursionError", "raise OSError(5, 'Input/output error')", "raise GeneratorExit", "1 / 0"]
)
def test_any_error_is_one(project: Path, env: dict[str, str], action: str) -> None:
    run = crash(action, "check", cwd=project, env=env)

    assert run.status == 70
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize("action", ["raise MemoryError", "raise OSError(12, 'Cannot allocate memory')"])
def test_too_little_memory_is_no_mistake_of_ours(
    project: Path, tmp_path: Path, env: dict[str, str], action: str
) -> None:
    run = crash(action, "check", cwd=project, env=env)

    assert run.status == 2
    assert run.stderr == (
        "netwright: there is not enough memory; allow more of it (ulimit -v), or split the topology\n"
    )
    assert [*(tmp_path / "tmp").iterdir()] == []


@pytest.mark.parametrize("words", ["x.so: failed to map segment from shared object", "x.so: cannot allocate memory"])
def test_a_library_that_has_no_memory_is_said_where_the_rest_can_not_be_loaded_either(
    project: Path, env: dict[str, str], words: str
) -> None:
    action = f"sys.modules['netwright.commands.internal_error'] = None; raise ImportError('{words}')"

    run = crash(action, "check", cwd=project, env=env)

    assert (run.status, run.stderr.startswith("netwright: there is not enough memory; ")) == (2, True), run.stderr


def test_an_interrupted_run_has_the_status_of_shells(project: Path, env: dict[str, str]) -> None:
    assert crash("raise KeyboardInterrupt", "check", cwd=project, env=env).status == 130


@pytest.mark.parametrize(("limit", "status"), [("resource.RLIM_INFINITY", 70), ("1 << 40", 2)])
def test_what_ends_without_a_word_is_too_little_memory_where_that_is_limited(
    project: Path, env: dict[str, str], limit: str, status: int
) -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit}, -1))"

    run = crash(f"{limited}; raise SystemError('unknown opcode')", "check", cwd=project, env=env)

    assert run.status == status


LIMITED = """
import resource, sys
from netwright.__main__ import main
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + ({megabytes} << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.argv = ["netwright", *sys.argv[1:]]
main()
"""
"""The limit counts from what the interpreter takes, which starts in any case: without it, Python's own words come."""


@pytest.mark.parametrize("megabytes", [1, 4, 8, 16, 30, 60, 90])
def test_a_limit_of_memory_is_said(project: Path, env: dict[str, str], megabytes: int) -> None:
    script = LIMITED.format(megabytes=megabytes)

    done = subprocess.run(
        [command()[0], "-c", script, "check"], cwd=project, env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode in ({2} if megabytes < 16 else {0, 2}), done.stderr
    if done.returncode == 2:
        assert done.stderr == (
            "netwright: there is not enough memory; allow more of it (ulimit -v), or split the topology\n"
        )


ERRORS = ("EIO", "EACCES", "ENOENT", "EIO")
SOURCES = (
    "gen/netwright/commands/check.py",
    "gen/netwright/write/comparison.py",
    "schema/topology.schema.yaml",
    "templates/common/header.j2",
)


@pytest.mark.parametrize(("source", "error"), [*zip(SOURCES, ERRORS, strict=True), (SOURCES[3], "EACCES")])
def test_a_source_of_ours_that_can_not_be_read_is_named(
    project: Path, tmp_path: Path, env: dict[str, str], source: str, error: str
) -> None:
    path = PROJECT / source
    strace = ["strace", "-f", "-qq", "-o", str(tmp_path / "log"), "-P", str(path), "-e", "trace=openat"]

    done = subprocess.run(
        [*strace, "-e", f"inject=openat:error={error}", *command("check")],
        cwd=project,
        env={**env, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(tmp_path / "none"),
             "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2, done.stderr
    assert "install it again" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [*(tmp_path / "tmp").iterdir()] == []
