"""A machine that boots: systemd as its first process, in a network namespace that is cabled already."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from netwright.lab.booted.world import OuterMachine
from netwright.lab.namespaces import ENVIRONMENT, LabError

PATIENCE = 150.0
"""Seconds that a machine gets for its start: NetworkManager alone waits a minute for a network that does not come."""

_OFF_PATIENCE = 15.0
_NSPAWN = (
    *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--settings=no"),
    *("--link-journal=no", "--timezone=off", "--resolv-conf=off", "--capability=CAP_NET_ADMIN,CAP_NET_RAW"),
)
# Without this, /proc/sys/net is read-only, and NetworkManager takes no card.
_SETTING = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
_STARTED = ("running", "degraded", "maintenance", "stopping")
_BUS = "run/systemd/private"


class BootedMachine(Struct, frozen=True, kw_only=True):
    """A machine that runs; `pid` is its systemd as the caller counts."""

    name: str
    pid: int
    process: subprocess.Popen[bytes]

    def command(self, command: Sequence[str]) -> list[str]:
        """The command line that runs a program on the machine."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *command]

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the program on the machine, and return its result, whatever the exit code."""
        return subprocess.run(  # noqa: S603
            self.command(command),
            input=stdin,
            text=True,
            errors="replace",
            capture_output=True,
            check=False,
            env=ENVIRONMENT,
            timeout=PATIENCE,
        )

    def begin(self, *command: str) -> subprocess.Popen[bytes]:
        """Start the program on the machine, and return it as it runs."""
        return subprocess.Popen(  # noqa: S603
            self.command(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )

    def has(self, program: str) -> bool:
        """Return whether the program is installed there."""
        return self.run("sh", "-c", 'command -v "$1"', "sh", program).returncode == 0

    def is_active(self, unit: str) -> bool:
        """Return whether systemd runs the unit."""
        return self.run("systemctl", "is-active", "--quiet", unit).returncode == 0

    def failed_units(self) -> tuple[str, ...]:
        """The units that systemd could not start."""
        listed = self.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager").stdout
        return tuple(line.split()[0] for line in listed.splitlines() if line.strip())

    def waiting_jobs(self) -> tuple[str, ...]:
        """The units that systemd has still to start."""
        listed = self.run("systemctl", "list-jobs", "--no-legend", "--no-pager").stdout
        return tuple(line.split()[1] for line in listed.splitlines() if len(line.split()) > 1)


@contextlib.contextmanager
def booting(
    world: OuterMachine, roots: dict[str, str], networks: dict[str, str], binds: dict[str, str]
) -> Iterator["Startup"]:
    """Machines that start, by the folders of their roots; when the block ends all are switched off."""
    boot = Startup(world=world, starting={}, machines={})
    patience = 0.0
    try:
        for name, root in roots.items():
            boot.starting[name] = _start(world, name, root, networks[name], binds.get(name, ""))
        yield boot
        patience = _OFF_PATIENCE
    finally:
        _switch_off(boot, patience)


class Startup(Struct, frozen=True, kw_only=True):
    """Machines on their way: those that are starting, with what their consoles print, and those that have started."""

    world: OuterMachine
    starting: dict[str, "_Starting"]
    machines: dict[str, BootedMachine]

    def waiting(self) -> tuple[str, ...]:
        """The names of those that have not started yet. Raises LabError for one that ends."""
        for name, starting in self.starting.items():
            starting.machine = starting.machine or starting.look()
            if starting.machine is not None:
                self.machines[name] = starting.machine
        return tuple(name for name, starting in self.starting.items() if not starting.has_started())


class _Starting(Struct):
    """A machine's container, the file that takes its console, and the program that waits for the end of its start."""

    name: str
    process: subprocess.Popen[bytes]
    console: int
    machine: BootedMachine | None = None
    waiter: subprocess.Popen[str] | None = None
    started: bool = False

    def look(self) -> BootedMachine | None:
        """The machine, once systemd can be asked. Raises LabError where the container has ended."""
        if self.process.poll() is not None:
            raise LabError(f"{self.name} does not boot: {self._last_words()}")
        for spawn in _children(self.process.pid):
            for pid in _children(spawn):
                if os.path.exists(f"/proc/{pid}/root/{_BUS}"):
                    return BootedMachine(name=self.name, pid=pid, process=self.process)
        return None

    def has_started(self) -> bool:
        """Return whether systemd has nothing more to start."""
        if self.started or self.machine is None:
            return self.started
        if self.waiter is None:
            self.waiter = subprocess.Popen(  # noqa: S603
                self.machine.command(["systemctl", "is-system-running", "--wait"]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=ENVIRONMENT,
            )
        elif self.waiter.poll() is not None:
            state, _ = self.waiter.communicate()
            self.waiter, self.started = None, state.strip() in _STARTED
        return self.started

    def _last_words(self) -> str:
        size = os.fstat(self.console).st_size
        lines = os.pread(self.console, size, 0).decode(errors="replace").split("\n")
        return " / ".join([line.strip() for line in lines if line.strip()][-3:]) or "it printed nothing"


def _start(world: OuterMachine, name: str, root: str, network: str, bind: str) -> _Starting:
    options = [f"--machine={name}", f"--directory={root}", f"--network-namespace-path={network}"]
    options += [f"--bind-ro={bind}"] if bind else []
    console = os.memfd_create(name)
    process = subprocess.Popen(  # noqa: S603
        world.enter_group(name, [*_NSPAWN, *options]),
        stdin=subprocess.DEVNULL,
        stdout=console,
        stderr=console,
        env=ENVIRONMENT | _SETTING,
    )
    return _Starting(name=name, process=process, console=console)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in text.split()]


def _switch_off(boot: Startup, patience: float) -> None:
    """Asks every machine to end, and ends those that do not in time."""
    if patience:
        for machine in boot.machines.values():
            machine.run("systemctl", "poweroff", "--no-wall")
    deadline = time.monotonic() + patience
    for starting in boot.starting.values():
        if starting.waiter is not None:
            starting.waiter.kill()
            starting.waiter.communicate()
        left = deadline - time.monotonic() if starting.name in boot.machines else 0.0
        try:
            starting.process.wait(max(0.0, left))
        except subprocess.TimeoutExpired:
            _kill(starting)
        os.close(starting.console)


def _kill(starting: _Starting) -> None:
    """Ends a container; the kernel ends what its first process leaves."""
    for spawn in _children(starting.process.pid):
        for pid in _children(spawn):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    starting.process.kill()
    starting.process.wait()
