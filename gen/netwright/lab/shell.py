"""A person's own shell on a node."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys

from netwright.lab.namespaces import LabError, die_with_me

# The name that a prompt shows, and only the node's own cards and processes: as on the machine.
_START = """
printf %s "$0" > /proc/sys/kernel/hostname
mount -t sysfs sysfs /sys
mount -t proc proc /proc
exec "$@"
"""
_SHELL = ["unshare", "--mount", "--propagation=slave", "--uts", "--pid", "--fork", "--kill-child", "sh", "-ec"]


def run_shell(name: str, there: contextlib.AbstractContextManager[None]) -> int:
    """The exit status of the person's shell, run inside the namespace `there`; what it started is gone with it.

    Raises LabError where there is no such shell.
    """
    shell = os.environ.get("SHELL") or "/bin/sh"
    if shutil.which(shell) is None:
        raise LabError(f"the shell {shell} can't be run; set SHELL to one that is here, such as /bin/sh")
    with there:
        status = subprocess.run(  # noqa: S603
            [*_SHELL, _START, name, shell],
            check=False,
            preexec_fn=die_with_me,
        ).returncode
    _take_terminal_back()
    return status


def _take_terminal_back() -> None:
    """A shell with process numbers of its own can't give the terminal back: it does not know whom it had it from."""
    if sys.stdin is None or not sys.stdin.isatty():
        return
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
    signal.signal(signal.SIGTTOU, before)
