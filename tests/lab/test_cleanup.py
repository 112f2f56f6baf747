"""Nothing is left of a lab, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netwright.lab import LabError, Namespaces, built, find_kept, inside, keep, plan_conversations, read_plans, remove
from netwright.verify import Assumptions
from tests.lab.running import PROJECT, command
from tests.verify.reference import INGRESS_TO_PODS, reference_wiring

# With process numbers of its own, this shell sees what the lab leaves, and nothing of anybody else's. The lab is ended
# by a signal once the moment has come; then the kernel has half a minute for what it does by itself.
WATCH = r"""
signal=$1; moment=$2; shift 2
count() { readlink /proc/[0-9]*/exe | grep -vc '/\(dash\|bash\|readlink\|grep\)$'; }
"$@" &
lab=$!
if [ -n "$signal" ]; then
    until eval "$moment"; do kill -0 $lab || break; done
    kill -s "$signal" $lab
fi
wait $lab
echo "status $?"
turns=0
while [ "$(count)" -gt 0 ] && [ $turns -lt 300 ]; do sleep 0.1; turns=$((turns + 1)); done
echo "processes $(count)"
echo "namespaces $(readlink /proc/[0-9]*/ns/net | sort -u | wc -l)"
echo "files $(ls -A "$TMPDIR" | wc -l)"
"""
CLEAN = "processes 0\nnamespaces 1\nfiles 0\n"

RUNS = 'grep -qx "{}" /proc/[0-9]*/comm'
MOMENTS = {
    "applying": RUNS.format("NetworkManager"),
    "sending": '[ "$(ls /proc/$lab/fd | wc -l)" -gt 70 ]',
}


_SMALL = PROJECT / "tests/golden/flows-shared-segment"
SMALL = (str(_SMALL / "topology.yaml"), "-o", str(_SMALL / "out"))
"""Four machines, whose files networkd and NetworkManager apply."""


def watch(
    folder: Path, *arguments: str, number: signal.Signals | None = None, moment: str = "", shell: str = "/bin/true"
) -> str:
    """Return how the lab ended, and what was left."""
    (folder / "files").mkdir()
    name = number.name.removeprefix("SIG") if number is not None else ""
    prefix = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", WATCH, "sh", name, moment]
    done = subprocess.run(
        [*prefix, *command(*arguments)],
        cwd=PROJECT,
        env={**os.environ, "SHELL": shell, "TMPDIR": str(folder / "files")},
        stdin=subprocess.DEVNULL,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return done.stdout[done.stdout.index("status") :]


@pytest.mark.parametrize(
    "arguments", [SMALL, (*SMALL, "--apply", "ip"), ("shell", "lb1", *SMALL)], ids=["trial", "ip", "shell"]
)
def test_nothing_is_left_behind(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert watch(tmp_path, *arguments) == f"status 0\n{CLEAN}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left_behind_after_a_signal(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    left = watch(tmp_path, number=number, moment=MOMENTS[moment])

    assert left == f"status {128 + number}\n{CLEAN}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_of_a_server_that_leases_addresses(tmp_path: Path, number: signal.Signals) -> None:
    leases = PROJECT / "tests/golden/leases"

    left = watch(
        tmp_path, str(leases / "topology.yaml"), "-o", str(leases / "out"), number=number, moment=RUNS.format("dnsmasq")
    )

    assert left == f"status {128 + number}\n{CLEAN}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_of_a_shell_that_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    shell = tmp_path / "shell"
    shell.write_text("#!/bin/sh\nsleep 1234 &\nexec sleep 4321\n")
    shell.chmod(0o755)

    left = watch(tmp_path, "shell", "worker1", *SMALL, number=number, moment=RUNS.format("sleep"), shell=str(shell))

    assert left == f"status {128 + number}\n{CLEAN}"


def test_no_temporary_file_is_made(tmp_path: Path) -> None:
    """Even one without a name has one for a moment where the file system knows no better."""
    nowhere = str(tmp_path / "nowhere")
    without = f"import tempfile; tempfile.tempdir = {nowhere!r}; from netwright.__main__ import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", without, "lab", "--quiet", *SMALL],
        cwd=PROJECT,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )

    assert (run.returncode, run.stderr) == (0, "")


def test_nothing_is_left_behind_after_an_interrupt() -> None:
    environment = os.environ | {"SHELL": "/bin/cat"}
    with subprocess.Popen(
        command("shell", "worker1", *SMALL),
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"ready\n")
        process.stdin.flush()
        process.stdout.readline()
        shell = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        status = process.wait(timeout=30)

    assert status == 130
    assert not os.path.exists(f"/proc/{shell}/ns")


def test_nothing_is_left_behind_after_an_exception() -> None:
    plan, *_ = read_plans(PROJECT / "out", reference_wiring(), Assumptions())
    before = set(os.listdir("/proc/self/fd")), os.readlink("/proc/thread-self/ns/net")

    with (
        pytest.raises(LabError, match="worker1: false failed"),
        built(plan, plan_conversations(plan.network, [INGRESS_TO_PODS]), lambda *_: None) as standing,
    ):
        standing.spaces.run("worker1", ["false"])

    assert (set(os.listdir("/proc/self/fd")), os.readlink("/proc/thread-self/ns/net")) == before


def test_kept_lab_can_be_entered_until_it_is_removed() -> None:
    spaces = Namespaces(["one"])
    kept = keep(spaces)
    spaces.close()
    try:
        with inside(find_kept(kept.id), "one"):
            shown = subprocess.run(["ip", "-br", "link"], text=True, capture_output=True, check=True)
    finally:
        remove(kept)

    assert shown.stdout.split()[0] == "lo"
    assert not os.path.exists(f"/run/netns/{kept.label('one')}")
