"""An OCI runtime (runtime-spec, "Command line interface" of runc) that gives a container a network of its own and
nothing else: neither cgroups nor a root, which a machine of a test has no place for."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

_STATES = Path("/run")
_VERBS = ("create", "start", "state", "kill", "delete")


def _create(container: str, words: list[str]) -> None:
    """Start the program in a network namespace, and have the hooks of its config connect that."""
    bundle, pid_file = (words[words.index(name) + 1] for name in ("--bundle", "--pid-file"))
    config = json.loads(Path(bundle, "config.json").read_text(encoding="utf-8"))
    child = subprocess.Popen(
        ["unshare", "--net", *config["process"]["args"]],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while os.readlink(f"/proc/{child.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
        pass
    state = {"ociVersion": "1.0.2", "id": container, "status": "created", "pid": child.pid, "bundle": bundle}
    _state_of(container).write_text(json.dumps(state), encoding="utf-8")
    for hook in config.get("hooks", {}).get("prestart", []):
        subprocess.run(hook["args"], executable=hook["path"], input=json.dumps(state).encode(), check=True)
    Path(pid_file).write_text(str(child.pid), encoding="ascii")


def _state_of(container: str) -> Path:
    return _STATES / f"container.{container}"


def main(words: list[str]) -> None:
    verb = next((word for word in words if word in _VERBS), "")
    container = words[-2] if verb == "kill" else words[-1]
    if verb == "create":
        _create(container, words)
    elif verb == "state":
        print(_state_of(container).read_text(encoding="utf-8"))
    elif verb in ("kill", "delete"):
        with contextlib.suppress(OSError):
            os.kill(json.loads(_state_of(container).read_text(encoding="utf-8"))["pid"], signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
