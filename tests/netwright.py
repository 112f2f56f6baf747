"""The command netwright as a process, as people and CI run it."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

PROJECT = Path(__file__).parent.parent

TOPOLOGY = """\
version: 1
name: small
networks:
  lan: {cidr: 10.1.0.0/24, router: gw}
nodes:
  gw: {os: unmanaged, forward: true, interfaces: {lan0: {network: lan, address: 10.1.0.1}}}
  lb1: {os: rocky10, interfaces: {eth0: {network: lan, address: 10.1.0.2}}}
  master1: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.1.0.3}}}
"""
"""Three nodes, one of each kind, without a finding."""


class Run(Struct, frozen=True, kw_only=True):
    """Result of a command: exit status and output."""

    status: int
    stdout: str
    stderr: str


def environment(**variables: str) -> dict[str, str]:
    """The least that a command needs, and some variables more."""
    least = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "PYTHONPATH": str(PROJECT / "gen")}
    return least | variables


def command(*arguments: str) -> tuple[str, ...]:
    """The command line of netwright with these arguments."""
    return (sys.executable, "-m", "netwright", *arguments)


def netwright(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, stdin: bytes = b"", prefix: Sequence[str] = ()
) -> Run:
    """The run of netwright with these arguments, its output in pipes; a traceback fails the test at once."""
    finished = subprocess.run(
        [*prefix, *command(*arguments)],
        cwd=cwd,
        env=env or environment(),
        input=stdin,
        capture_output=True,
        check=False,
    )
    run = Run(status=finished.returncode, stdout=finished.stdout.decode(), stderr=finished.stderr.decode())
    assert "Traceback" not in run.stderr, run.stderr
    assert "Exception ignored" not in run.stderr, run.stderr
    return run


def on_terminal(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Run:
    """The run of a command line whose stdout and stderr are terminals, one each."""
    streams = [pty.openpty(), pty.openpty()]
    with subprocess.Popen(
        arguments,
        cwd=cwd,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        stdout=streams[0][1],
        stderr=streams[1][1],
    ) as process:
        for _, terminal in streams:
            os.close(terminal)
        # A pty holds at least 4 KiB, more than a test's second stream gets before the first one ends.
        stdout, stderr = (read_terminal(master) for master, _ in streams)
    return Run(status=process.returncode, stdout=stdout, stderr=stderr)


def read_terminal(master: int) -> str:
    """Return all that is written to a terminal until it is closed, which Linux reports as EIO."""
    chunks = []
    try:
        while chunk := os.read(master, 65536):
            chunks.append(chunk)
    except OSError:
        pass
    finally:
        os.close(master)
    return b"".join(chunks).decode().replace("\r\n", "\n")
