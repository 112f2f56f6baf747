"""Delivery to a node, laid into its root: by the real Ignition before the boot, or as cloud-init's seed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from netwright.lab.booted.world import OuterMachine
from netwright.lab.namespaces import LabError

SEED = "/var/lib/cloud/seed/nocloud"
"""Folder where cloud-init looks for a seed."""

IGNITIONS = ("/usr/lib/dracut/modules.d/30ignition/ignition", "/usr/libexec/ignition-apply", "/usr/bin/ignition-apply")
"""Places of the program that applies an Ignition config to a folder, by distribution."""

_APPLY = "/run/ignition-apply"
_MOST = 64 << 20


class NodeSeed(Struct, frozen=True, kw_only=True):
    """Delivery to a node: an Ignition config, or the files of a seed, by name."""

    ignition: bytes | None = None
    seed: tuple[tuple[str, bytes], ...] = ()


def read_delivery(out: Path, node: str) -> NodeSeed | None:
    """Return the delivery to the node, None if there is none. Raises LabError."""
    config = out / node / f"{node}.ign"
    if os.path.lexists(config):
        return NodeSeed(ignition=_read(config))
    seed = out / node / "cloud-init"
    if seed.is_dir():
        return NodeSeed(seed=tuple((path.name, _read(path)) for path in sorted(seed.iterdir()) if path.is_file()))
    return None


def _read(path: Path) -> bytes:
    if path.is_symlink():
        raise LabError(f"{path} is a symbolic link, which generate never writes")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        return file.read(_MOST)


def ignition_program() -> str | None:
    """Return the path of the program on this computer."""
    return next((path for path in IGNITIONS if os.access(path, os.X_OK)), None)


def lay_seed(world: OuterMachine, node: str, delivery: NodeSeed) -> str:
    """Lays the seed next to the node's root; returns how the container takes it."""
    folder = f"/run/seeds/{node}"
    for name, content in delivery.seed:
        world.write(f"{folder}/{name}", content, 0o600)
    return f"{folder}:{SEED}"


def apply_ignition(world: OuterMachine, node: str, root: str, config: bytes) -> Iterator[str]:
    """Applies the config to the node's root, as before its first boot; returns remarks on it.

    Raises RefusedError where Ignition does not take it: the machine would not come up.
    """
    program = ignition_program()
    if program is None:
        raise LabError("Ignition is not here; install the package ignition")
    text, absent = without_remote(config)
    yield from (f"{node}: {line}: not fetched, since the lab has no internet" for line in absent)
    place = f"/run/ignition/{node}.ign"
    world.write(place, text, 0o600)
    world.run("ln", "-sfn", program, _APPLY)
    done = world.run(
        *(_APPLY, "--root", root, "--offline", "--ignore-unsupported", place),
        check=False,
        environment={"container": "podman"},
    )
    if done.returncode != 0:
        raise RefusedError(_last_error(done.stderr or done.stdout))
    world.run("systemctl", f"--root={root}", "preset-all")


class RefusedError(LabError):
    """A machine that does not come up, and why."""


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "CRITICAL" in line or "rror" in line]
    return (errors or lines or ["it printed nothing"])[-1].strip()


def without_remote(config: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The config without the files whose contents some server has, and their paths with where they are."""
    try:
        document = json.loads(config)
        files = document["storage"]["files"]
        remote = [file for file in files if _is_remote(file)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return config, ()
    if not remote:
        return config, ()
    document["storage"]["files"] = [file for file in files if file not in remote]
    sources = tuple(f"{file['path']} from {file['contents']['source']}" for file in remote)
    return json.dumps(document).encode(), sources


def _is_remote(file: dict[str, dict[str, str]]) -> bool:
    source = (file.get("contents") or {}).get("source") or ""
    return not source.startswith("data:") and source != ""
