"""The Debian that machines boot where the user has no root file system of their own: made once, kept in the cache."""

import contextlib
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from netwright.files.cache import cache_directory
from netwright.lab.applying import Progress
from netwright.lab.booted import world
from netwright.lab.namespaces import LabError

SUITE = "bookworm"
_PACKAGES = (
    *("systemd", "systemd-sysv", "libpam-systemd", "dbus", "iproute2", "nftables", "network-manager", "cloud-init"),
    *("cron", "procps", "netbase", "firewalld", "keepalived", "haproxy", "curl"),
    # debootstrap does not know who provides what another package asks for
    "python3-cffi-backend",
)
_NEEDLESS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/apt/lists", "var/cache/apt")


def debian(progress: Progress) -> tuple[Path, bool]:
    """The folder of the Debian, and whether it had to be made. Raises LabError."""
    cache = own_cache()
    digest = hashlib.sha256(" ".join((SUITE, *_PACKAGES, *_NEEDLESS)).encode()).hexdigest()[:12]
    folder = cache / f"lab-{SUITE}-{digest}"
    with _locked(cache / "lab.lock"):
        if folder.is_dir():
            return folder, False
        progress(f"making {folder}, once: a Debian {SUITE} by debootstrap, about a minute", 0, 0)
        part = cache / f"lab-{SUITE}.part"
        with world.opened(str(part)) as place:
            place.run("rm", "-rf", str(part))
            _make(place, part)
            place.run("rm", "-rf", *(str(part / path) for path in _NEEDLESS))
            part.rename(folder)
    return folder, True


def _make(place: world.OuterMachine, part: Path) -> None:
    options = ("--variant=minbase", "--force-check-gpg", f"--include={','.join(_PACKAGES)}")
    done = place.run("debootstrap", *options, SUITE, str(part), check=False)
    if done.returncode != 0:
        complaints = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("E:", "W:"))]
        raise LabError(f"debootstrap can't make {part}: {' '.join(complaints[-2:]) or done.stderr.strip()}")


def own_cache() -> Path:
    """The cache, if no other user can change what is in it: machines run as root from there. Raises LabError."""
    found = cache_directory()
    if found is None:
        raise LabError(
            "the cache folder is not root's alone, and machines run as root from there;"
            " set XDG_CACHE_HOME to a folder that only root may write to"
        )
    folder = Path(os.path.realpath(found))
    for parent in folder.parents:
        status = parent.stat()
        is_shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
        if status.st_uid != 0 or is_shared:
            raise LabError(
                f"{folder}: {parent} is not root's alone, and machines run as root from there;"
                " set XDG_CACHE_HOME to a folder that only root may write to"
            )
    return folder


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """A while in which no other process makes the same."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
