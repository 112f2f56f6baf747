"""Files of Kubernetes, podman and Docker: which of them may change the network of their node."""

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


_CALM_KINDS = words_of(
    """
    Namespace ConfigMap Secret ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding PersistentVolume
    PersistentVolumeClaim StorageClass HelmChartConfig Ingress IngressClass Service PriorityClass LimitRange
    ResourceQuota HorizontalPodAutoscaler PodDisruptionBudget CustomResourceDefinition Certificate ClusterIssuer Issuer
    """
)

_RUNNING_KINDS = words_of("Pod Deployment StatefulSet DaemonSet ReplicaSet Job CronJob")

_POWERS_OF_PODS = re.compile(
    r"\b(?:hostNetwork|privileged|hostPID)[\"']?\s*:\s*[\"']?true|NET_ADMIN|SYS_ADMIN|SYS_MODULE|\bhostPath\b|\bALL\b(?!\S)"
)

_PORTS_OF_NODES = re.compile(
    r"\bexternalIPs[\"']?\s*:|\bloadBalancerIP[\"']?\s*:|\btype[\"']?\s*:\s*[\"']?LoadBalancer|\bhostPort[\"']?\s*:"
)

_IMAGE = re.compile(r"^[\s-]*image:\s*[\"']?(\S+?)[\"']?\s*$", re.MULTILINE)

_KIND = re.compile(r"^[\"']?kind[\"']?:\s*[\"']?(\w+)", re.MULTILINE)


def judge_manifest(judge: Judge, _path: str, text: str) -> None:
    """Objects that run nothing, and pods without powers over their node; kube-vip holds the virtual address."""
    if not text.strip():
        return
    kinds = _KIND.findall(text)
    unknown = next((kind for kind in kinds if kind not in _CALM_KINDS | _RUNNING_KINDS), None)
    images = _IMAGE.findall(text)
    if not kinds or len(kinds) < len(re.findall(r"^apiVersion", text, re.MULTILINE)) or unknown is not None:
        judge.note(1, f"kind: {unknown}" if unknown else "", "what Kubernetes makes of it is not known")
    elif images and all("/kube-vip:" in image for image in images):
        return
    elif (found := _PORTS_OF_NODES.search(text)) is not None:
        line = text.count("\n", 0, found.start()) + 1
        judge.note(line, found[0], "what comes to ports of nodes is led on to pods")
    elif not _RUNNING_KINDS.isdisjoint(kinds) and (found := _POWERS_OF_PODS.search(text)) is not None:
        line = text.count("\n", 0, found.start()) + 1
        judge.note(line, found[0], "a pod that may change the network of its node")


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
