"""Hostile arguments, closed and full outputs, interruption: a plain word on stderr, no traceback, no half of an OUT."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from netwright.lab.machine import poll
from tests.netwright import TOPOLOGY, command, environment, netwright
from tests.trees import read_tree

WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
"""Root without capabilities has to obey permission bits, as everybody else."""

ARGUMENTS = {
    "missing topology": ("validate", "missing.yaml"),
    "empty name": ("validate", ""),
    "topology below a file": ("validate", "topology.yaml/x"),
    "topology is a directory": ("validate", "."),
    "topology is a loop of links": ("validate", "loop"),
    "name is not UTF-8": ("validate", os.fsdecode(b"\xff\xfe.yaml")),
    "name has a line break": ("validate", "a\nb.yaml"),
    "name is too long": ("validate", "x" * 300),
    "OUT is a file": ("generate", "-o", "topology.yaml"),
    "OUT is below a file": ("generate", "-o", "topology.yaml/out"),
    "OUT is a link": ("generate", "-o", "link"),
    "OUT is below a loop of links": ("generate", "-o", "loop/out"),
    "OUT is the root": ("generate", "-o", "/"),
    "OUT is here": ("generate", "-o", "."),
    "OUT is a device": ("generate", "-o", "/dev/null"),
    "OUT is in /proc": ("generate", "-o", "/proc/out"),
    "OUT's name is too long": ("generate", "-o", "x" * 300),
    "OUT to check is a file": ("check", "-o", "topology.yaml"),
    "OUT to check is a link": ("check", "-o", "link"),
    "OUT to compare is below a loop": ("diff", "-o", "loop/out"),
    "OUT to compare has too long a name": ("diff", "-o", "x" * 300),
    "line of no file": ("explain", "missing:1"),
    "line of a file outside OUT": ("explain", "../topology.yaml:1"),
    "line zero": ("explain", "out/lb1/rootfs/etc/hostname:0"),
    "line beyond all numbers": ("explain", "out/lb1/rootfs/etc/hostname:" + "9" * 5000),
    "no line": ("explain", "out/lb1/rootfs/etc/hostname"),
    "starter below a file": ("init", "topology.yaml/x.yaml"),
    "starter in a missing directory": ("init", "missing/topology.yaml"),
    "starter is a directory": ("init", "."),
    "starter is a dangling link": ("init", "dangling"),
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
def test_hostile_argument_is_refused_in_one_line(project: Path, arguments: tuple[str, ...]) -> None:
    (project / "link").symlink_to("out")
    (project / "loop").symlink_to("loop")
    (project / "dangling").symlink_to("nowhere")
    before = read_tree(project)

    run = netwright(*arguments, cwd=project)

    assert (run.status, run.stdout) == (2, "")
    assert len(run.stderr.splitlines()) == 1
    assert ": error: " in run.stderr
    assert read_tree(project) == before


@pytest.mark.parametrize(
    ("path", "mode", "arguments"),
    [
        ("topology.yaml", 0o000, ["validate"]),
        (".", 0o555, ["generate"]),
        (".", 0o555, ["generate", "-o", "new"]),
        ("out", 0o000, ["generate"]),
        ("out", 0o000, ["check"]),
        ("out/lb1", 0o000, ["diff"]),
        ("out/lb1/manifest.json", 0o000, ["check"]),
        (".", 0o555, ["init", "new.yaml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_may_not_be_touched_is_named(project: Path, path: str, mode: int, arguments: list[str]) -> None:
    (project / "topology.yaml").write_text(TOPOLOGY.replace("10.1.0.3", "10.1.0.4"))
    before = read_tree(project)
    usual = (project / path).stat().st_mode
    (project / path).chmod(mode)

    run = netwright(*arguments, cwd=project, prefix=WITHOUT_PRIVILEGES)
    (project / path).chmod(usual)

    assert (run.status, run.stdout) == (2, "")
    assert "ermission denied" in run.stderr
    assert ": error: " in run.stderr
    assert read_tree(project) == before


@pytest.mark.parametrize("name", ["generate", "check", "schema"])
def test_removed_current_directory_is_named(tmp_path: Path, name: str) -> None:
    script = f'cd gone && rmdir ../gone && exec "$@" {name}'
    (tmp_path / "gone").mkdir()

    finished = subprocess.run(
        ["sh", "-c", script, "sh", *command()], cwd=tmp_path, env=environment(), capture_output=True, check=False
    )

    assert (finished.returncode, finished.stdout) == (2, b"")
    assert finished.stderr == b"netwright: the current directory does not exist any more; change to another one\n"


@pytest.mark.parametrize("arguments", ["schema", "generate --help", "--version", "diff", "completion bash"])
def test_reader_that_stops_reading_is_no_error(project: Path, arguments: str) -> None:
    (project / "topology.yaml").write_text(TOPOLOGY.replace("10.1.0.3", "10.1.0.4"))
    reading, writing = os.pipe()
    os.close(reading)

    finished = subprocess.run(
        command(*arguments.split()), cwd=project, env=environment(), stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)

    assert finished.stderr == b""


def redirected(project: Path, arguments: str, redirection: str) -> tuple[int, str]:
    """The status of the command with its streams redirected as a shell does it, and what it says on stderr."""
    script = f'exec "$@" {arguments} {redirection}'
    finished = subprocess.run(
        ["sh", "-c", script, "sh", *command()], cwd=project, env=environment(), capture_output=True, check=False
    )
    return finished.returncode, finished.stderr.decode()


TALKATIVE = [
    *("--version", "--help", "verify --help", "generate", "validate", "check", "check --format json", "schema"),
    *("verify", "verify --format sarif", "lab --help", "explain out/lb1/manifest.json:1", "graph", "init new.yaml"),
    *("completion bash", "butane -d out/master1/rootfs out/master1/master1.bu"),
]


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("> /dev/full", "No space left on device"), (">&-", "standard output is closed")],
    ids=["full disk", "closed"],
)
@pytest.mark.parametrize("arguments", TALKATIVE)
def test_output_that_cannot_be_written_is_named(project: Path, arguments: str, redirection: str, reason: str) -> None:
    status, stderr = redirected(project, arguments, redirection)

    assert (status, stderr) == (2, f"netwright: the output can't be written: {reason}\n")


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
@pytest.mark.parametrize("arguments", ["diff", "generate --quiet", "verify --quiet", "lab list"])
def test_where_nothing_is_to_be_printed_nothing_fails(project: Path, arguments: str, redirection: str) -> None:
    status, stderr = redirected(project, arguments, redirection)

    assert status == 0
    assert "output" not in stderr


@pytest.mark.parametrize("redirection", ["<&-", "2>&-", "2> /dev/full", "<&- 2>&-"])
@pytest.mark.parametrize("name", ["generate", "check", "verify"])
def test_streams_that_nobody_uses_change_nothing(project: Path, redirection: str, name: str) -> None:
    assert redirected(project, name, redirection) == (0, "")


@pytest.mark.parametrize("redirection", ["<&- >&- 2>&-", "> /dev/full 2> /dev/full"])
@pytest.mark.parametrize("arguments", ["check", "verify", "--help"])
def test_status_tells_where_no_stream_can(project: Path, arguments: str, redirection: str) -> None:
    assert redirected(project, arguments, redirection) == (2, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
def test_output_is_utf8_in_any_locale(project: Path, encoding: str) -> None:
    (project / "topology.yaml").write_text(f"{TOPOLOGY}ä: ö\n", encoding="utf-8")

    usual = netwright("validate", cwd=project)
    other = netwright("validate", cwd=project, env=environment(PYTHONIOENCODING=encoding, LC_ALL="C"))

    assert other == usual
    assert "ä: ö" in usual.stderr


SLOW_TEMPLATE = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("group", [False, True], ids=["alone", "with its processes, as a terminal does"])
def test_interrupted_run_leaves_out_as_it_was(project: Path, group: bool) -> None:
    """The Flatcar node is staged and the Rocky one still rendering when the signal comes."""
    (project / "overrides/rocky").mkdir(parents=True)
    (project / "overrides/rocky/interface.nmconnection.j2").write_text(SLOW_TEMPLATE)
    changed = TOPOLOGY.replace("10.1.0.3", "10.1.0.4").replace("lb1", "worker1")
    (project / "topology.yaml").write_text(f"templates: overrides\n{changed}")
    before = read_tree(project)

    with subprocess.Popen(
        command("generate"), cwd=project, env=environment(), stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        child = wait_for_child(process)
        os.kill(-process.pid if group else process.pid, signal.SIGINT)
        _, stderr = process.communicate()

    assert (process.returncode, stderr) == (130, b"netwright: interrupted\n")
    assert read_tree(project) == before
    # The kernel ends it with the command; who reaps it then takes a moment.
    assert poll(lambda: not Path(f"/proc/{child}").exists(), seconds=10)


def wait_for_child(process: "subprocess.Popen[bytes]") -> int:
    """The first child of a process, which renders templates."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        if pids := children.read_text().split():
            return int(pids[0])
        time.sleep(0.01)
    raise AssertionError(f"ended with exit status {process.returncode}")
