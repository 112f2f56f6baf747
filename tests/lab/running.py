"""The command `netwright lab` as a process, and what may be done to an OUT before."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


def lab(
    *arguments: str, prefix: tuple[str, ...] = (), env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command's end."""
    done = subprocess.run(
        [*prefix, *command(*arguments)], cwd=PROJECT, env=env, text=True, capture_output=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def command(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "netwright", "lab", *arguments]


def disagreements(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversations of a result of which the kernel made something else than verify, or for another reason."""
    return [probe for flow in document["flows"] for probe in flow["probes"] if not probe["agrees"]]


def replace_in(path: Path, old: str, new: str) -> None:
    """Changes a text that is in the file."""
    text = path.read_text()
    assert re.search(old, text), old
    path.write_text(re.sub(old, new, text))


def replace_delivered(out: Path, node: str, old: str, new: str) -> None:
    """Changes a text in rootfs/, and delivers rootfs/ in place of the Ignition config or the seed."""
    paths = [path for path in (out / node / "rootfs").rglob("*") if path.is_file() and old in path.read_text()]
    assert paths
    for path in paths:
        path.write_text(path.read_text().replace(old, new))
    ignition, seed = out / node / f"{node}.ign", out / node / "cloud-init/user-data"
    if ignition.exists():
        document = json.loads(ignition.read_text())
        for file in document["storage"]["files"]:
            copy = out / node / "rootfs" / file["path"].lstrip("/")
            if copy in paths:
                file["contents"] = {"source": "data:," + "".join(f"%{byte:02x}" for byte in copy.read_bytes())}
        ignition.write_text(json.dumps(document))
    else:
        replace_in(seed, re.escape(old), new)
