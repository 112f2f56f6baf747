"""Machines on which real programs read files: mounts, processes and a host name of their own, a nearly empty /etc.

Nothing outlives the `boot` that made it: the first process of a machine reads a pipe that this process holds, and when
it ends, by whatever cause, the kernel ends the machine's other processes, mounts and links.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Protocol

from msgspec import Struct

from netwright.lab.namespaces import ENVIRONMENT, LabError, Namespaces

PRIVATE = (
    *(
        "/etc",
        "/run",
        "/var/lib",
        "/var/log",
        "/usr/lib/sysctl.d",
        "/usr/local/lib/sysctl.d",
        "/usr/lib/systemd/network",
    ),
    *("/usr/local/lib/systemd", "/usr/lib/NetworkManager/conf.d", "/usr/lib/NetworkManager/system-connections"),
    *("/usr/lib/NetworkManager/dispatcher.d", "/usr/share/dbus-1/system-services"),
)
"""Folders of a machine's files, as far as the host has these at all: file systems of its own, empty but for what
programs need to start."""

# /proc is still that of the caller when the shell reads its own number there, so the caller knows the number too.
_BOOT = """
set -eu
printf %s "$0" > /proc/sys/kernel/hostname
read -r pid _ < /proc/self/stat
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/etc /run/etc/dbus-1
cp /etc/ld.so.cache /run/etc/
printf '%s\\n' root:x:0:0::/root:/bin/sh systemd-network:x:998:998::/:/bin/false > /run/etc/passwd
printf '%s\\n' root:x:0: adm:x:4: systemd-network:x:998: > /run/etc/group
# networkd makes the hardware addresses of bonds and bridges of it: no two machines may have the same.
printf %s "$0" | md5sum | cut -c 1-32 > /run/etc/machine-id
# Flatcar and Rocky both know these names; a nearly empty Debian does not.
printf '%s %s\\n' icmp 1 tcp 6 udp 17 gre 47 esp 50 ah 51 ipv6-icmp 58 vrrp 112 sctp 132 > /run/etc/protocols
mount -t tmpfs -o mode=755 tmpfs /etc
cp -a /run/etc/. /etc/
rm -r /run/etc
for directory; do
    case $directory in /etc | /run) continue ;; esac
    [ ! -d "$directory" ] || mount -t tmpfs -o mode=755 tmpfs "$directory"
done
# Read-only, /sys tells daemons that there is no udev to wait for; NetworkManager sets up bonds and bridges there.
mkdir /run/sysfs
mount -t sysfs sysfs /run/sysfs
mount -o bind /run/sysfs /sys
mount -o remount,bind,ro /sys
mount -o bind /run/sysfs/devices/virtual/net /sys/devices/virtual/net
mount -t proc proc /proc
ip link set lo up
echo "$pid"
exec cat
"""


class ProgramFailedError(LabError):
    """A program that must succeed did not; the text holds its command line and what it printed."""


def run(*command: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the program on the caller's own machine; raises ProgramFailedError like Machine.run."""
    done = subprocess.run(  # noqa: S603
        command, input=stdin, text=True, capture_output=True, check=False, timeout=60, env=ENVIRONMENT
    )
    if check and done.returncode != 0:
        raise ProgramFailedError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Installable(Protocol):
    """A file to lay on a machine: where, what is in it, permission bits, and owner as USER:GROUP."""

    @property
    def path(self) -> str: ...
    @property
    def content(self) -> bytes: ...
    @property
    def mode(self) -> int: ...
    @property
    def owner(self) -> str: ...


class File(Struct, frozen=True, kw_only=True):
    """Such a file."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root:root"


class Daemon(Struct, frozen=True, kw_only=True):
    """A running program of a machine and the file that takes its output."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def log(self) -> tuple[str, ...]:
        """The lines printed until now."""
        size = os.fstat(self.output.fileno()).st_size
        return tuple(os.pread(self.output.fileno(), size, 0).decode(errors="replace").splitlines())


class LabMachine(Struct, frozen=True, kw_only=True):
    """A running machine; `pid` is its first process as the caller counts."""

    name: str
    pid: int

    def run(self, *command: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the program on the machine; raises ProgramFailedError for an exit code that is not 0, if `check`."""
        return run(*self._enter(command), stdin=stdin, check=check)

    @contextlib.contextmanager
    def daemon(self, *command: str, environment: dict[str, str] | None = None) -> Iterator[Daemon]:
        """The program, running on the machine until the block ends."""
        pid_file = f"/run/{os.path.basename(command[0])}.rig.pid"
        write_pid = ("sh", "-c", 'echo "$$" > "$0"; exec "$@"', pid_file)
        # In memory: a temporary file may have a name for a moment, and a signal then would leave it.
        with open(os.memfd_create(pid_file), "r+b", buffering=0) as output:
            process = subprocess.Popen(  # noqa: S603
                self._enter((*write_pid, *command)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ENVIRONMENT | (environment or {}),
            )
            try:
                yield Daemon(process=process, output=output)
            finally:
                # Its parent nsenter is left alive to reap it: a machine does not end before its last process is reaped.
                self.run("sh", "-c", 'kill -KILL "$(cat "$0")"', pid_file, check=False)
                process.wait(timeout=30)

    def path(self, path: str) -> str:
        """Return the place of the machine's `path` for the caller."""
        return f"/proc/{self.pid}/root{path}"

    def read(self, path: str) -> bytes | None:
        """The bytes of a file of the machine, None if there is none."""
        try:
            with open(self.path(path), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def install(self, files: Iterable[Installable]) -> None:
        """Writes the files with their modes and owners, in the machine's private directories only."""
        private = tuple(f"{directory}/" for directory in _private_here())
        for file in files:
            if not file.path.startswith(private) or ".." in file.path:
                raise ValueError(f"{file.path} is not in a private directory of {self.name}: {', '.join(PRIVATE)}")
            place = self.path(file.path)
            os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, file.mode)
            with open(descriptor, "wb") as written:
                written.write(file.content)
                os.fchmod(descriptor, file.mode)
            if file.owner != "root:root":
                self.run("chown", file.owner, file.path)

    def _enter(self, command: Iterable[str]) -> list[str]:
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--uts", "--pid", "--", *command]


def _private_here() -> list[str]:
    return [directory for directory in PRIVATE if os.path.isdir(directory)]


@contextlib.contextmanager
def boot(*names: str, spaces: Namespaces | None = None) -> Iterator[tuple[LabMachine, ...]]:
    """One machine a name, booted side by side; all are gone when the block ends.

    Their networks are the namespaces of these names, or new ones, which go with them.
    """
    shells: list[subprocess.Popen[bytes]] = []
    try:
        for name in names:
            with spaces.enter(name) if spaces is not None else contextlib.nullcontext():
                shells.append(_start_shell(name, new_network=spaces is None))
        yield tuple(_await_shell(name, shell) for name, shell in zip(names, shells, strict=True))
    finally:
        for shell in shells:
            _hang_up(shell)
        for shell in shells:
            _await_end(shell)


def _start_shell(name: str, *, new_network: bool) -> subprocess.Popen[bytes]:
    namespaces = ["--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation=private"]
    namespaces += ["--net"] if new_network else []
    return subprocess.Popen(  # noqa: S603
        ["unshare", *namespaces, "sh", "-c", _BOOT, name, *PRIVATE],  # noqa: S607
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )


def _await_shell(name: str, shell: subprocess.Popen[bytes]) -> LabMachine:
    line = shell.stdout.readline() if shell.stdout is not None else b""
    if not line:
        errors = shell.stderr.read() if shell.stderr is not None else b""
        raise ProgramFailedError(f"{name} does not boot: {errors.decode(errors='replace').strip()}")
    machine = LabMachine(name=name, pid=int(line))
    shared = [path for path in _private_here() if os.stat(machine.path(path)).st_dev == os.stat(path).st_dev]
    if shared:
        raise ProgramFailedError(f"{name} would write to this machine's own {', '.join(shared)}")
    return machine


def _hang_up(shell: subprocess.Popen[bytes]) -> None:
    """Ends the pipe that keeps the machine alive. The kernel takes a while to clean up, for all machines at once."""
    if shell.stdin is not None:
        shell.stdin.close()
        shell.stdin = None


def _await_end(shell: subprocess.Popen[bytes]) -> None:
    try:
        shell.communicate(timeout=30)
    finally:
        shell.kill()
        shell.communicate()


def poll(condition: Callable[[], bool], *, seconds: float, interval: float = 0.02) -> bool:
    """Return whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
