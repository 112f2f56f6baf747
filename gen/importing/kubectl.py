"""`kubectl get nodes -o json` -> the cluster's nodes."""

import json
import re
from dataclasses import dataclass
from typing import Any

from netaddr import AddrFormatError, IPAddress, IPNetwork

from gen.importing.errors import ImportFileError, read_bytes

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_IP = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", re.ASCII)
_SERVER_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterNode:
    """A node as the cluster knows it: its name, InternalIP addresses, IPv4 pod networks, role, and OS image."""

    name: str
    ips: tuple[IPAddress, ...]
    pod_networks: tuple[IPNetwork, ...]
    server: bool
    image: str


def read_cluster(path: str) -> tuple[ClusterNode, ...]:
    """The nodes in a file, in its order; ImportFileError if it is not what kubectl prints.

    Fields: metadata.name, metadata.labels, spec.podCIDRs or spec.podCIDR, status.addresses, status.nodeInfo.osImage
    (Kubernetes API reference, Node v1 core).
    """
    try:
        document = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        raise ImportFileError(path, "is not JSON; write it with kubectl get nodes -o json") from None
    entries = document.get("items") if isinstance(document, dict) and document.get("kind") != "Node" else [document]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ImportFileError(path, "is no list of nodes; write it with kubectl get nodes -o json")
    if not entries:
        raise ImportFileError(path, "holds no node; ask a cluster that has joined ones")
    nodes = tuple(_node(entry, path) for entry in entries)
    seen: set[str] = set()
    for node in nodes:
        if node.name in seen:
            raise ImportFileError(path, f"names the node {node.name} twice")
        if not node.ips:
            raise ImportFileError(path, f"gives {node.name} no IPv4 InternalIP; wait until its kubelet has joined")
        seen.add(node.name)
    return nodes


def _node(entry: dict[str, Any], path: str) -> ClusterNode:
    metadata, spec, status = (_mapping(entry.get(key)) for key in ("metadata", "spec", "status"))
    name = str(metadata.get("name", "")).split(".", 1)[0]
    if not _LABEL.fullmatch(name):
        raise ImportFileError(path, f"has a node named {name!r}, which no topology can; it must be a DNS label")
    pods = spec.get("podCIDRs") or [spec.get("podCIDR")]
    addresses = status.get("addresses")
    return ClusterNode(
        name=name,
        ips=tuple(
            _ip(str(address.get("address")), name, path)
            for address in (addresses if isinstance(addresses, list) else ())
            if _mapping(address).get("type") == "InternalIP" and _IP.fullmatch(str(address.get("address")))
        ),
        pod_networks=tuple(
            _network(str(network), name, path) for network in pods if network is not None and ":" not in str(network)
        ),
        server=any(label in _mapping(metadata.get("labels")) for label in _SERVER_LABELS),
        image=str(_mapping(status.get("nodeInfo")).get("osImage", "")),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _ip(text: str, name: str, path: str) -> IPAddress:
    try:
        return IPAddress(text)
    except (AddrFormatError, ValueError):
        raise ImportFileError(path, f"gives {name} the address {text}, which is none") from None


def _network(text: str, name: str, path: str) -> IPNetwork:
    try:
        network = IPNetwork(text)
    except (AddrFormatError, ValueError):
        raise ImportFileError(path, f"gives {name} the pod network {text}, which is none") from None
    return network.cidr
