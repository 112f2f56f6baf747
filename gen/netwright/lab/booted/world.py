"""A place for machines that boot: mounts, processes and control groups of its own, gone when this process ends.

Everything that a machine writes lies in memory, below /run of the world. A guard outside of it waits for the end of a
pipe that this process holds, so that the kernel ends the machines, and the guard removes what the kernel keeps,
however this process ends.
"""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from netwright.lab.namespaces import ENVIRONMENT, LabError, Namespaces

NETWORKS = "/run/netns"
"""Folder of the world for the machines' network namespaces."""

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_FOREVER = 3600

# /proc is still that of the caller when the shell reads its own number there, so the caller knows the number too.
_WORLD = f"""
set -eu
read -r pid _ < /proc/self/stat
mount -t tmpfs -o mode=755 netwright /run
mount -t proc proc /proc
mkdir {NETWORKS}
echo "$pid"
exec cat
"""

# A control group can be removed once the last of its processes is reaped, which may take the kernel a moment.
_GUARD = """
trap '' HUP INT QUIT TERM
unshare --mount --pid --fork --kill-child --propagation=private sh -c "$1"
shift
for folder; do
    turns=0
    while [ -e "$folder" ] && [ $turns -lt 100 ]; do
        case $folder in
            /sys/*) find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null ;;
            *) rm -rf --one-file-system "$folder" ;;
        esac
        [ ! -e "$folder" ] || sleep 0.1
        turns=$((turns + 1))
    done
done
"""

_ENTER_GROUPS = """
groups=$1; shift
for folder in $groups; do echo 0 > "$folder/cgroup.procs"; done
exec "$@"
"""


class OuterMachine(Struct, frozen=True, kw_only=True):
    """The place; `pid` is its first process as the caller counts, `groups` the folders of its control groups."""

    pid: int
    groups: tuple[str, ...]

    def run(
        self, *command: str, stdin: str = "", check: bool = True, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program there, and return its output. Raises LabError for an exit code that is not 0, if `check`."""
        done = subprocess.run(  # noqa: S603
            self.enter(command),
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            env=ENVIRONMENT | (environment or {}),
            timeout=_FOREVER,
        )
        if check and done.returncode != 0:
            message = (done.stderr.strip() or done.stdout.strip() or str(done.returncode)).splitlines()[-1]
            raise LabError(f"{' '.join(command[:3])} failed: {message}")
        return done

    def enter(self, command: Sequence[str]) -> list[str]:
        """The command line that runs a program there."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--", *command]

    def enter_group(self, name: str, command: Sequence[str]) -> list[str]:
        """The command line that runs a program there in control groups of that name."""
        groups = [f"{folder}/{name}" for folder in self.groups]
        for folder in groups:
            os.makedirs(folder, exist_ok=True)
        return self.enter(["sh", "-c", _ENTER_GROUPS, "sh", " ".join(groups), *command])

    def path(self, path: str) -> Path:
        """Return the place of the world's `path` for the caller."""
        return Path(f"/proc/{self.pid}/root{path}")

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Writes a file below /run, which is the world's own."""
        if not path.startswith("/run/") or ".." in path.split("/"):
            raise ValueError(f"{path} is not the world's own")
        place = self.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(mode)

    def attach(self, spaces: Namespaces, name: str) -> str:
        """The path of one of our network namespaces, as programs of the world take it."""
        place = f"{NETWORKS}/{name}"
        with spaces.enter(name):
            self.run("sh", "-c", 'touch "$0" && mount --bind /proc/self/ns/net "$0"', place)
        return place

    def detach(self, names: Sequence[str]) -> None:
        """Lets go of network namespaces, so that they end with the file that this process holds."""
        self.run("umount", "--lazy", *(f"{NETWORKS}/{name}" for name in names))


@contextlib.contextmanager
def opened(*temporary: str) -> Iterator[OuterMachine]:
    """A world until the block ends; then the folders named as temporary are removed as well."""
    run = f"netwright-{os.getpid()}-{secrets.token_hex(3)}"
    groups = tuple(f"{folder}/{run}" for folder in _own_groups())
    with subprocess.Popen(  # noqa: S603
        ["sh", "-c", _GUARD, "netwright-guard", _WORLD, *groups, *temporary],  # noqa: S607
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        start_new_session=True,
    ) as guard:
        try:
            yield OuterMachine(pid=_await_world(guard), groups=groups)
        finally:
            guard.communicate()


def _await_world(guard: subprocess.Popen[bytes]) -> int:
    line = guard.stdout.readline() if guard.stdout is not None else b""
    if not line:
        message = guard.stderr.read().decode(errors="replace").strip() if guard.stderr is not None else ""
        raise LabError(f"the kernel refuses mounts of our own ({message}); in a container, CAP_SYS_ADMIN is needed")
    return int(line)


def _own_groups() -> Iterator[str]:
    """The folders of this process's control groups in which systemd keeps its own: version 2's, and version 1's."""
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        number, controllers, path = line.split(":", 2)
        if controllers == "name=systemd":
            yield _folder(_CONTROL_GROUPS / "systemd", path)
        elif number == "0":
            unified = _CONTROL_GROUPS / "unified"
            root = unified if unified.is_dir() else _CONTROL_GROUPS
            if (root / "cgroup.procs").exists():
                yield _folder(root, path)


def _folder(root: Path, path: str) -> str:
    return str(root / path.lstrip("/"))
