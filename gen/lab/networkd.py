"""The real systemd-networkd, applying a node's own files in its namespace."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gen.lab.boot import Guest
from gen.lab.namespaces import ENVIRONMENT, LabError, Namespaces
from gen.lab.programs import NETWORKD
from gen.verify.configuration import NETWORKD as FOLDER

_SECONDS = 20.0
_SETTLED = ("configured", "failed", "unmanaged")

# A read-only /sys of its own tells networkd that no udev will come; all mounts are gone when the process is.
_START = """
set -eu
mount -t tmpfs -o mode=755 tmpfs /run
install -d -o systemd-network -g systemd-network /run/systemd/netif
mount -t sysfs -o ro sysfs /sys
mount --bind "$0" /etc/systemd/network
echo started > /run/started
exec "$1"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A node's networkd."""

    guest: Guest
    process: subprocess.Popen[bytes]


def is_networkds(guest: Guest) -> bool:
    """Whether networkd configures the node's interfaces."""
    return any(link.manager == "networkd" for link in guest.configuration.links)


@contextlib.contextmanager
def started(spaces: Namespaces, guest: Guest, folder: str) -> Iterator[Running]:
    """networkd, running in the node's namespace until the block ends; what it configured stays."""
    home = Path(folder) / f"networkd-{guest.name}"
    home.mkdir(mode=0o755)
    for path, file in guest.delivery.files.items():
        if path.startswith(FOLDER):
            copy = home / path.removeprefix(FOLDER)
            copy.parent.mkdir(mode=0o755, exist_ok=True)
            copy.write_text(file.text, encoding="utf-8")
    command = ["unshare", "--mount", "--propagation=private", "sh", "-c", _START, str(home), NETWORKD]
    with spaces.enter(guest.name):
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
        )
    try:
        yield Running(guest=guest, process=process)
    finally:
        # Killed, it can't take its routes with it.
        process.kill()
        process.wait()


def await_settled(running: Running) -> None:
    """Returns when networkd has done what it can with every interface of the node. Raises LabError if it ended."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            raise LabError(f"{running.guest.name}: systemd-networkd ended at once; try --apply ip")
        if all(_state(running.process.pid, port.interface) in _SETTLED for port in running.guest.ports):
            return
        time.sleep(0.02)


def _state(pid: int, interface: str) -> str:
    """networkd's own word about an interface, "" while there is none."""
    root = f"/proc/{pid}/root"
    try:
        index = Path(f"{root}/sys/class/net/{interface}/ifindex").read_text(encoding="ascii").strip()
        # Before the process has a /run of its own, this is the host's.
        if not os.path.exists(f"{root}/run/started"):
            return ""
        text = Path(f"{root}/run/systemd/netif/links/{index}").read_text(encoding="utf-8")
    except OSError:
        return ""
    return next((line.partition("=")[2] for line in text.splitlines() if line.startswith("ADMIN_STATE=")), "")
