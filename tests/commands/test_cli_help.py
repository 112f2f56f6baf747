"""Every command's --help: an example that works, in lines that fit."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from netwright.commands.main import netwright as group
from tests.importing.test_importing import REFERENCE
from tests.netwright import PROJECT, environment, netwright

COMMANDS = group.list_commands(click.Context(group))
SHIM = f'#!/bin/sh\nexec {sys.executable} -m netwright "$@"\n'


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=lambda words: " ".join(words) or "itself")
def test_help_goes_to_stdout_and_fits(tmp_path: Path, command: list[str]) -> None:
    run = netwright(*command, "--help", cwd=tmp_path)
    lines = run.stdout.splitlines()

    assert (run.status, run.stderr) == (0, "")
    assert run == netwright(*command, "-h", cwd=tmp_path)
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 40


def test_help_names_every_command_with_what_it_does(tmp_path: Path) -> None:
    commands = netwright("--help", cwd=tmp_path).stdout.partition("Commands:\n")[2]

    assert [line.split()[0] for line in commands.splitlines() if re.match(r"  \w", line)] == COMMANDS
    assert all(len(line.split()) > 3 for line in commands.splitlines())


ASKING = {"apply", "collect", "rollback", "status"}
"""Commands that ask machines."""


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A copy of the reference network, with its OUT."""
    shutil.copy(PROJECT / "topology.yaml", tmp_path)
    for folder in ("snippets", "out"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    (tmp_path / "live").mkdir()
    (tmp_path / "nodes.json").write_text(json.dumps({"items": REFERENCE}))
    shutil.copy(PROJECT / "out/kvm/libvirt/kube02.xml", tmp_path)
    for node, name in (("worker1", "worker1"), ("haproxy1", "lb1")):
        shutil.copytree(PROJECT / "out" / node / "rootfs/etc", tmp_path / name / "etc")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_work(reference: Path, command: str) -> None:
    programs, home = reference / "programs", reference / "home"
    programs.mkdir()
    (home / ".local/share/bash-completion/completions").mkdir(parents=True)
    (programs / "netwright").write_text(SHIM)
    (programs / "netwright").chmod(0o755)
    shown = netwright(command, "--help", cwd=reference).stdout
    examples = re.search(r"^  Examples?:\n((    .+\n)+)", shown, re.MULTILINE)
    assert examples is not None

    # No machine of the reference network answers here: that is what these commands tell. Without a network ssh tells
    # so at once, and does not wait for an answer.
    told = " || [ $? = 1 ]\n" if command in ASKING else "\n"
    alone = ["unshare", "--net"] if command in ASKING and os.geteuid() == 0 else []
    script = told.join(("git init -q . ", *examples[1].splitlines(), ""))

    finished = subprocess.run(
        [*alone, "bash", "-euo", "pipefail", "-c", script],
        env=environment(PATH=f"{programs}:{os.environ['PATH']}", HOME=str(home)),
        cwd=reference,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "netwright " in examples[1]
    assert finished.returncode == 0
    assert "error" not in finished.stderr
