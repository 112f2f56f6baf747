"""Network namespaces that live only as long as this process holds them open."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


Running = subprocess.Popen[bytes]
"""A program that runs."""

# A signal at a parent's end is missed where the parent ends first, and lost where a program changes its user.
_UNTIL_CLOSED = 'exec 3<&0; { cat <&3; kill -KILL -1; } & "$@" 3<&- & wait $!'


class LabError(Exception):
    """The lab can't be built; the text gives the reason, in the user's words."""


class Namespaces:
    """Network namespaces by name, made by this thread, which is back in its own when this returns.

    Nothing but open files of this process keeps them: when it ends, by whatever cause, the kernel takes them down.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """One a name."""
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._inside: dict[str, int] = {}
        try:
            for name in names:
                _make()
                self._inside[name] = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except BaseException:
            if self._inside:
                _check(_LIBC.setns(self._home, _CLONE_NEWNET))
            self.close()
            raise
        _check(_LIBC.setns(self._home, _CLONE_NEWNET))

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, in the order in which they were made."""
        return tuple(self._inside)

    def close(self) -> None:
        """Lets the kernel take them down."""
        for descriptor in (*self._inside.values(), self._home):
            os.close(descriptor)
        self._inside = {}

    def path(self, name: str) -> str:
        """The namespace as iproute2 takes it."""
        return f"/proc/{os.getpid()}/fd/{self._inside[name]}"

    def enter(self, name: str) -> contextlib.AbstractContextManager[None]:
        """This thread, and what it starts, inside the namespace."""
        return entered(self._inside[name])

    def run(self, name: str, command: Sequence[str], stdin: str = "") -> str:
        """Run the program inside the namespace, and return its standard error. Raises LabError if it fails."""
        return self._succeed(name, command, stdin).stderr

    def output(self, name: str, command: Sequence[str]) -> str:
        """Run the program inside the namespace, and return its standard output. Raises LabError if it fails."""
        return self._succeed(name, command, "").stdout

    def attempt(self, name: str, command: Sequence[str], stdin: str = "") -> str:
        """Run the program inside the namespace, and return its complaint if it fails, "" if it does not."""
        done = self._run(name, command, stdin)
        return done.stderr.strip() or str(done.returncode) if done.returncode else ""

    def attempt_output(self, name: str, command: Sequence[str]) -> str:
        """Run the program inside the namespace, and return its standard output, "" if it fails."""
        done = self._run(name, command, "")
        return "" if done.returncode else done.stdout

    def _succeed(self, name: str, command: Sequence[str], stdin: str) -> subprocess.CompletedProcess[str]:
        done = self._run(name, command, stdin)
        if done.returncode != 0:
            raise LabError(f"{name}: {' '.join(command)} failed: {done.stderr.strip() or done.returncode}")
        return done

    def ip(self, name: str, lines: Sequence[str], *, force: bool = False) -> None:
        """Runs ip's commands; with `force` those that the kernel refuses are left out, as a daemon would do it."""
        if not lines:
            return
        batch = "\n".join(lines) + "\n"
        if force:
            self._run(name, ["ip", "-force", "-batch", "-"], batch)
        else:
            self.run(name, ["ip", "-batch", "-"], batch)

    def start(self, name: str, command: Sequence[str]) -> Running:
        """Starts a program inside the namespace that ends when its stdin is closed, and so when this process ends, by
        whatever cause."""
        with self.enter(name):
            return subprocess.Popen(  # noqa: S603
                ["unshare", "--pid", "--fork", "sh", "-c", _UNTIL_CLOSED, "sh", *command],  # noqa: S607
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
            )

    def publish(self, name: str, label: str) -> None:
        """Keeps the namespace beyond this process, under a name that `ip netns` knows."""
        with self.enter(name):
            command = ["ip", "netns", "attach", label, str(threading.get_native_id())]
            done = subprocess.run(  # noqa: S603
                command, text=True, capture_output=True, check=False, env=ENVIRONMENT
            )
        if done.returncode != 0:
            raise LabError(f"{name}: {' '.join(command)} failed: {done.stderr.strip()}")

    def _run(self, name: str, command: Sequence[str], stdin: str) -> subprocess.CompletedProcess[str]:
        with self.enter(name):
            return subprocess.run(  # noqa: S603
                command, input=stdin, text=True, capture_output=True, check=False, env=ENVIRONMENT, timeout=60
            )


def run_here(command: Sequence[str], stdin: str = "") -> str:
    """Run the program on the caller's own machine, and return its standard output. Raises LabError if it fails."""
    done = subprocess.run(  # noqa: S603
        command, input=stdin, text=True, capture_output=True, check=False, env=ENVIRONMENT, timeout=60
    )
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)} failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


@contextlib.contextmanager
def entered(descriptor: int) -> Iterator[None]:
    """This thread, and what it starts, inside the namespace of an open file; afterwards back where it was."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_LIBC.setns(descriptor, _CLONE_NEWNET))
        try:
            yield
        finally:
            _check(_LIBC.setns(home, _CLONE_NEWNET))
    finally:
        os.close(home)


def die_with_me() -> None:
    """Has the kernel kill this process when the one that started it ends, by whatever cause."""
    _check(_LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL)))


def _make() -> None:
    """Moves this thread to a new namespace. Raises LabError."""
    try:
        _check(_LIBC.unshare(_CLONE_NEWNET))
    except OSError as error:
        message = f"the kernel refuses a network namespace: {error.strerror}; in a container, CAP_SYS_ADMIN is needed"
        raise LabError(message) from error


def _check(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
