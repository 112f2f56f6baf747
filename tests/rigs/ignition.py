"""The real Ignition, from Debian's package: it validates configs and applies them to a directory."""

import os
import subprocess
import tempfile
from pathlib import Path

_PROGRAM = Path("/usr/lib/dracut/modules.d/30ignition/ignition")
"""Ignition is one program that looks at the name it is called by. Debian's knows configs up to version 3.3.0."""


class IgnitionError(Exception):
    """Ignition refused a config; the text is what it said."""


def validate_ignition(config: str) -> str:
    """The warnings of ignition-validate, "" if there are none; raises IgnitionError for errors."""
    result = subprocess.run(
        ["/usr/bin/ignition-validate", "-"], input=config.encode(), capture_output=True, check=False, timeout=60
    )
    said = (result.stdout + result.stderr).decode(errors="replace")
    if result.returncode != 0:
        raise IgnitionError(said)
    return said


def apply_ignition(config: str, root: Path, *, ignore_unsupported: bool = False) -> None:
    """Write what the config says below `root`; raises IgnitionError.

    `ignore_unsupported` passes over disks and the like instead of refusing them. Nothing is fetched.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "ignition-apply"
        program.symlink_to(_PROGRAM)
        file = Path(folder) / "config.ign"
        file.write_text(config, encoding="utf-8")
        command = [str(program), "--root", str(root), "--offline", str(file)]
        if ignore_unsupported:
            command.insert(-1, "--ignore-unsupported")
        if os.geteuid() != 0:
            command = ["unshare", "-Ur", *command]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "container": "podman"}
        result = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environment)
    if result.returncode != 0:
        raise IgnitionError((result.stdout + result.stderr).decode(errors="replace"))
