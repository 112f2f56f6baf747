"""systemd's own reading of unit files."""

import shlex
from collections.abc import Sequence

from netwright.files.artifact import NodeFile
from netwright.lab.machine import boot


def unit_complaints(files: Sequence[NodeFile], unit: str) -> str:
    """Return systemd-analyze's complaints about the unit on a machine with the files. It exits 0 for unknown keys."""
    with boot("node") as (machine,):
        machine.install(files)
        done = machine.run("systemd-analyze", "verify", "--man=no", f"/etc/systemd/system/{unit}", check=False)
    return done.stdout + done.stderr or ("" if done.returncode == 0 else f"exit code {done.returncode}")


def commands(unit: bytes, key: str) -> tuple[tuple[str, ...], ...]:
    """The command lines of a service's Exec key, such as ExecStart, in words."""
    lines = (line.partition("=") for line in unit.decode().splitlines())
    return tuple(tuple(shlex.split(value)) for name, _, value in lines if name == key)
