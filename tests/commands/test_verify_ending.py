"""`netwright verify`, ended by somebody else."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netwright.lab.machine import poll
from tests.netwright import command, environment, netwright
from tests.proving.small import TOPOLOGY

# Stands before the real git: once netwright has made a folder for what it reads, it waits to be let on.
GIT = """#!/bin/sh
case " $* " in
    *" ls-tree "*) touch "$0.waits"; while [ ! -e "$0.goes-on" ]; do sleep 0.02; done
esac
exec {git} "$@"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The small network, generated and committed."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    for words in (["init", "-q"], ["add", "topology.yaml", "out"], [*identity, "commit", "-q", "-m", "state"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


@contextmanager
def verify_that_waits(project: Path, *prefix: str) -> Iterator[subprocess.Popen[str]]:
    """`verify` of a revision, in the midst of its work; its temporary files lie in `temporary`."""
    git = project / "bin/git"
    git.parent.mkdir()
    git.write_text(GIT.format(git=shutil.which("git")))
    git.chmod(0o755)
    (project / "temporary").mkdir()
    with subprocess.Popen(
        [*prefix, *command("verify", "--against", "HEAD", "--quiet")],
        cwd=project,
        env=environment(TMPDIR=str(project / "temporary"), PATH=f"{git.parent}:{os.environ['PATH']}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert poll(git.with_name("git.waits").exists, seconds=60)
            assert os.listdir(project / "temporary")
            yield process
        finally:
            git.with_name("git.goes-on").touch()  # whatever the signal did, the false git ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_no_temporary_file_is_left(project: Path, number: signal.Signals) -> None:
    with verify_that_waits(project) as process:
        process.send_signal(number)
        _, complaint = process.communicate(timeout=60)

    assert process.returncode == 128 + number, complaint
    assert "Traceback" not in complaint
    assert os.listdir(project / "temporary") == []


def test_an_ignored_hangup_stays_ignored(project: Path) -> None:
    with verify_that_waits(project, "nohup") as process:
        process.send_signal(signal.SIGHUP)
        (project / "bin/git.goes-on").touch()
        process.communicate(timeout=60)

    assert process.returncode == 0
