"""A lab that outlives the command: its namespaces under names that `ip netns` knows."""

import os
import secrets
import subprocess
from collections.abc import Sequence

from gen.lab.cabling import SWITCH
from gen.lab.namespaces import ENVIRONMENT, LabError, Namespaces
from gen.lab.surroundings import OUTSIDE

PREFIX = "netwright-"
FOLDER = "/run/netns"


def keep(spaces: Namespaces) -> dict[str, str]:
    """The names under which the namespaces stay, by node; no two labs share one."""
    run = secrets.token_hex(3)
    plain = {SWITCH: "SWITCH", OUTSIDE: "INTERNET"}
    labels = {name: f"{PREFIX}{run}-{plain.get(name, name)}" for name in spaces.names}
    published = []
    try:
        for name, label in labels.items():
            published.append(label)
            spaces.publish(name, label)
    except BaseException:
        _delete(published)
        raise
    return labels


def remove() -> int:
    """How many namespaces of kept labs were removed. Raises LabError."""
    names = sorted(os.listdir(FOLDER)) if os.path.isdir(FOLDER) else []
    kept = [name for name in names if name.startswith(PREFIX)]
    _delete(kept)
    return len(kept)


def _delete(labels: Sequence[str]) -> None:
    for label in labels:
        if not os.path.exists(f"{FOLDER}/{label}"):
            continue
        command = ["ip", "netns", "delete", label]
        done = subprocess.run(command, text=True, capture_output=True, check=False, env=ENVIRONMENT)  # noqa: S603
        if done.returncode != 0:
            raise LabError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def enter_shell(spaces: Namespaces, node: str) -> int:
    """The exit status of the person's own shell, run in the node's namespace."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    with spaces.enter(node):
        return subprocess.run([shell], check=False).returncode  # noqa: S603
