"""Manifests of Kubernetes: which of their objects may change the network of a node."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from netwright.text.yaml_parser import LOADER
from netwright.verify.reading.formats.cloudinit import is_deep
from netwright.verify.reading.running.judge import Judge
from netwright.verify.reading.running.paths import words_of

_CALM_KINDS = words_of(
    """
    Namespace ConfigMap Secret ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding PersistentVolume
    PersistentVolumeClaim StorageClass HelmChartConfig Ingress IngressClass Service PriorityClass LimitRange
    ResourceQuota HorizontalPodAutoscaler PodDisruptionBudget CustomResourceDefinition Certificate ClusterIssuer Issuer
    """
)
_RUNNING_KINDS = words_of("Pod Deployment StatefulSet DaemonSet ReplicaSet Job CronJob")
_NOT_KNOWN = "what Kubernetes makes of it is not known"
_SETTINGS = frozenset({"ip-masq-agent", "kube-proxy", "kube-flannel-cfg", "calico-config", "cilium-config"})
"""ConfigMaps by which programs of the cluster's network do what they do."""
_POWERS = frozenset({"NET_ADMIN", "SYS_ADMIN", "SYS_MODULE", "ALL"})
_PORTS_OF_NODES = re.compile(
    r"\bexternalIPs[\"']?\s*:|\bloadBalancerIP[\"']?\s*:|\btype[\"']?\s*:\s*[\"']?LoadBalancer|\bhostPort[\"']?\s*:"
)


def judge_manifest(judge: Judge, _path: str, text: str) -> None:
    """Objects that run nothing, and pods without powers over their node; kube-vip holds the virtual address."""
    objects = _read(text)
    if objects is None:
        judge.note(1, "", _NOT_KNOWN)
        return
    kinds = [str(one.get("kind")) for one in objects]
    unknown = next((kind for kind in kinds if kind not in _CALM_KINDS | _RUNNING_KINDS), None)
    images = [str(value) for one in objects for key, value in _pairs(one) if key == "image"]
    settings = next((_name_of(one) for one in objects if one["kind"] == "ConfigMap" and _name_of(one) in _SETTINGS), "")
    powers = (power for one in objects if one["kind"] in _RUNNING_KINDS for power in _powers(one))
    found = _PORTS_OF_NODES.search(text) or _PORTS_OF_NODES.search(json.dumps(objects, default=str))
    if unknown is not None:
        judge.note(1, f"kind: {unknown}", _NOT_KNOWN)
    elif settings:
        judge.note(_line_of(text, settings), settings, "a program of the cluster's network does something else by it")
    elif images and all("/kube-vip:" in image for image in images):
        return
    elif found is not None:
        judge.note(_line_of(text, found[0]), found[0], "what comes to ports of nodes is led on to pods")
    elif power := next(powers, ""):
        judge.note(_line_of(text, power), power, "a pod that may change the network of its node")


def _read(text: str) -> list[dict[str, Any]] | None:
    """Return the objects, those of lists too; None for a text that is none of them."""
    try:
        documents = None if is_deep(text) else [*yaml.load_all(text, Loader=LOADER)]
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return None
    if documents is None or _size(documents, {}) > _LARGEST:
        return None
    found: list[dict[str, Any]] = []
    for document in documents:
        lists = isinstance(document, dict) and document.get("kind") == "List"
        entries = document.get("items") if lists else [document]
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, dict) and "kind" in entry:
                found.append(entry)
            elif entry is not None:
                return None
    return found if found or not text.strip() or not any(documents) else None


def _size(value: Any, known: dict[int, int]) -> int:
    """Return the number of values in a document, those of aliases as often as they stand there; one that holds itself
    has more than any."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = _LARGEST + 1
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(one, known) for one in inner)
    return known[id(value)]


_LARGEST = 200_000


def _pairs(value: Any, depth: int = 32) -> Iterator[tuple[str, Any]]:
    """Yield all keys of a document with their values, however deep."""
    if depth and isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), inner
            yield from _pairs(inner, depth - 1)
    elif depth and isinstance(value, list):
        for inner in value:
            yield from _pairs(inner, depth - 1)


def _powers(document: dict[str, Any]) -> Iterator[str]:
    """Yield what gives a pod powers over its node."""
    for key, value in _pairs(document):
        if key in ("hostNetwork", "privileged", "hostPID") and value not in (False, None):
            yield f"{key}: {json.dumps(value)}"
        elif key == "hostPath":
            yield key
        elif key == "capabilities" and isinstance(value, dict) and isinstance(value.get("add"), list):
            yield from (str(one) for one in value["add"] if str(one).upper().removeprefix("CAP_") in _POWERS)


def _name_of(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""


def _line_of(text: str, said: str) -> int:
    return text.count("\n", 0, max(text.find(said), 0)) + 1
