"""Nothing is left of machines that boot, nor of a Debian half made, however the command ends."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.running import PROJECT, command

TOPOLOGY = """\
version: 1
name: pair
networks: {lan: {cidr: 10.7.1.0/24}}
nodes:
  asker: {os: unmanaged, interfaces: {eth0: {network: lan, address: 10.7.1.2}}}
  booted: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.7.1.3}}}
flows:
  there: {from: [asker], to: [booted], allow: [icmp]}
"""
pytestmark = pytest.mark.usefixtures("room")

LAYING_OUT, BOOTING, STARTED = "unshare", "systemd-nspawn", "systemd-network"
"""Programs that run from that moment on."""


_PATIENCE = 400.0
"""Seconds: on a busy computer to remove a Debian alone may take a minute."""


def _descendants(pid: int) -> set[int]:
    """The process and all that it has started, directly or not."""
    found, left = set(), [pid]
    while left:
        one = left.pop()
        found.add(one)
        with contextlib.suppress(OSError):  # it may end meanwhile
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                left += [int(child) for child in children.read_text().split()]
    return found


def _names(pids: set[int]) -> dict[str, int]:
    found = {}
    for pid in pids:
        try:
            found[Path(f"/proc/{pid}/comm").read_text().strip()] = pid
        except OSError:
            continue
    return found


def _control_groups(pid: int) -> list[Path]:
    return [path for path in Path("/sys/fs/cgroup").rglob(f"netwright-{pid}-*") if path.is_dir()]


def _await(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _end(process: subprocess.Popen[bytes], number: signal.Signals, is_time: Callable[[set[int]], bool]) -> set[int]:
    """Sends the signal when it is time; all processes that there were until then."""
    seen: set[int] = set()

    def look() -> bool:
        assert process.poll() is None
        now = _descendants(process.pid)
        seen.update(now)
        return is_time(now)

    try:
        assert _await(look)
        seen.update(_descendants(process.pid))
    except BaseException:
        process.terminate()
        raise
    process.send_signal(number)
    process.wait(_PATIENCE)
    return seen


def _alive(pids: set[int]) -> dict[str, int]:
    """Those that still run; another process may have got an old number, but none of these names."""
    return {name: pid for name, pid in _names(pids).items() if name not in ("python", "pytest")}


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (LAYING_OUT, signal.SIGINT),
        (LAYING_OUT, signal.SIGKILL),
        (BOOTING, signal.SIGTERM),
        (BOOTING, signal.SIGKILL),
        (STARTED, signal.SIGHUP),
        (STARTED, signal.SIGKILL),
    ],
)
def test_nothing_is_left_of_machines(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    topology, out = tmp_path / "topology.yaml", tmp_path / "out"
    topology.write_text(TOPOLOGY)
    subprocess.run([*command()[:-1], "generate", "-q", str(topology), "-o", str(out)], cwd=PROJECT, check=True)
    files = {*Path("/run").iterdir()}
    with subprocess.Popen(command("--boot", "-q", str(topology), "-o", str(out)), cwd=PROJECT) as process:
        seen = _end(process, number, lambda now: moment in _names(now))
        pid = process.pid

    assert process.returncode in (128 + number, -number)
    assert _await(lambda: not _alive(seen)), _alive(seen)
    assert _await(lambda: not _control_groups(pid))
    assert {*Path("/run").iterdir()} == files
    assert not [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(tmp_path) in line]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_of_a_debian_half_made(tmp_path: Path, number: signal.Signals) -> None:
    topology, out, cache = tmp_path / "topology.yaml", tmp_path / "out", tmp_path / "cache"
    topology.write_text(TOPOLOGY)
    cache.mkdir()
    subprocess.run([*command()[:-1], "generate", "-q", str(topology), "-o", str(out)], cwd=PROJECT, check=True)
    arguments = command("--boot", "-q", str(topology), "-o", str(out))
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    with subprocess.Popen(arguments, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL) as process:
        seen = _end(process, number, lambda _: any(cache.glob("netwright/lab-*.part/*")))

    assert _await(lambda: not _alive(seen)), _alive(seen)
    assert _await(lambda: not [*cache.glob("netwright/lab-*")])
