"""Files of podman and Docker: which of them may change the network of their node."""

import json
import re

from netwright.verify.reading.running.judge import Judge
from netwright.verify.reading.running.paths import words_of

_QUADLET_DANGER = re.compile(
    r"^\s*(?:AddCapability|PodmanArgs|GlobalArgs|AddDevice|SecurityLabel\w*|Unmask)\s*=", re.MULTILINE
)


def judge_quadlet(judge: Judge, path: str, text: str) -> None:
    """A container on the host's network without further powers changes nothing of it; other networks podman makes."""
    if path.endswith((".volume", ".image", ".build")):
        return
    networks = re.findall(r"^\s*Network\s*=\s*(\S+)", text, re.MULTILINE)
    if not path.endswith(".container") or networks not in (["host"], ["none"]):
        judge.note(1, "", "a container or network that podman makes, with rules of its own")
    elif (found := _QUADLET_DANGER.search(text)) is not None:
        judge.note(
            text.count("\n", 0, found.start()) + 1,
            found[0].strip(),
            "a container that may change the network of the host",
        )


_DOCKER_KEYS = words_of("""
        log-driver log-opts log-level log-format storage-driver storage-opts data-root exec-root registry-mirrors
        insecure-registries allow-nondistributable-artifacts live-restore debug default-ulimits exec-opts features
        max-concurrent-downloads max-concurrent-uploads max-download-attempts builder group labels init
        selinux-enabled cgroup-parent default-cgroupns-mode default-shm-size no-new-privileges shutdown-timeout
        metrics-addr experimental oom-score-adjust proxies
    """)


def judge_docker(judge: Judge, _path: str, text: str) -> None:
    """dockerd's options: those of images, logs and storage leave its rules and its bridge as they are modelled."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        judge.note(1, text.partition("\n")[0], "Docker does not start by what it does not understand")
        return
    for key in sorted(document.keys() - _DOCKER_KEYS):
        line = text.count("\n", 0, max(text.find(f'"{key}"'), 0)) + 1
        judge.note(line, key, "an option of Docker's that is not known to leave its rules as they are")
