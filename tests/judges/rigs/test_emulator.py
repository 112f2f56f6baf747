"""The rig of the emulated machine tells what is missing and what went wrong, and ends with whoever started it.

Its boot is what tests/judges/test_devices.py stands on; here a script stands in for QEMU.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.netwright import PROJECT
from tests.rigs.emulator import EmulatorError, emulate, missing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shared folder of a machine."""
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that is found before QEMU; it runs in the machine's shared folder."""
    program = tmp_path / "bin" / "qemu-system-x86_64"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/sbin:/usr/bin:/sbin:/bin")
    return program


def say(program: Path, folder: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\ncd {folder}\n{script}\n")
    program.chmod(0o755)


def test_this_computer_lacks_nothing() -> None:
    assert missing() == ()


def test_each_missing_program_is_named_with_its_package(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EmulatorError) as raised:
        emulate("true", folder)

    assert str(raised.value) == (
        "there is no qemu-system-x86_64 (Debian's package qemu-system-x86), "
        "no busybox (Debian's package busybox-static), no modprobe (Debian's package kmod), "
        "no setpriv (Debian's package util-linux): install it by tests/install-programs"
    )


def test_the_output_of_the_script_is_returned(qemu: Path, folder: Path) -> None:
    say(qemu, folder, "echo done > output; echo 0 > status")

    assert emulate("true", folder) == "done\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        pytest.param("echo 'qemu: no memory' >&2; exit 1", ("ended with no status", "qemu: no memory"), id="QEMU"),
        pytest.param("echo 'Kernel panic'", ("ended with no status", "Kernel panic"), id="kernel"),
        pytest.param("echo 'ip: no such' > output; echo 2 > status", ("ended with 2", "ip: no such"), id="script"),
        pytest.param("echo working > output; exec sleep 60", ("still on after 1 s", "working"), id="time"),
    ],
)
def test_a_failure_is_told_with_what_was_printed(qemu: Path, folder: Path, script: str, told: tuple[str, str]) -> None:
    say(qemu, folder, script)

    with pytest.raises(EmulatorError) as raised:
        emulate("true", folder, seconds=1)

    assert all(text in str(raised.value) for text in told)


def test_the_machine_ends_with_a_caller_that_is_killed(qemu: Path, folder: Path) -> None:
    say(qemu, folder, "echo $$ > pid; exec sleep 600")
    code = "import sys, pathlib; from tests.rigs.emulator import emulate; emulate('true', pathlib.Path(sys.argv[1]))"
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=PROJECT) as caller:
        while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():
            time.sleep(0.05)
        caller.kill()

    machine = Path("/proc", (folder / "pid").read_text().strip())
    deadline = time.monotonic() + 20
    while machine.exists() and "sleep" in (machine / "cmdline").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not machine.exists() or "sleep" not in (machine / "cmdline").read_text()
