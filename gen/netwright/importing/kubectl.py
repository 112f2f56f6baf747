"""`kubectl get nodes -o json` -> the cluster's nodes."""

import json
import re
from collections import Counter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from netaddr import AddrFormatError, IPAddress, IPNetwork

from netwright.importing.errors import ImportFileError, read_bytes

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_IP = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", re.ASCII)
_LONGEST_NAME = 253
"""Characters of a node's name (RFC 1123 subdomain)."""
_SERVER_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


class ClusterNode(Struct, frozen=True, kw_only=True):
    """A node as the cluster knows it: its whole name and a name that a topology can have, InternalIP addresses and pod
    networks of IPv4, those of IPv6 as text, role, and OS image."""

    full_name: str
    name: str
    ips: tuple[IPAddress, ...]
    pod_networks: tuple[IPNetwork, ...]
    ipv6: tuple[str, ...]
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
    nodes = _shorten(tuple(_node(entry, path) for entry in entries))
    seen: set[str] = set()
    for node in nodes:
        if node.full_name in seen:
            raise ImportFileError(path, f"names the node {node.full_name} twice")
        if not node.ips:
            raise ImportFileError(path, f"gives {node.full_name} no IPv4 InternalIP; wait until its kubelet has joined")
        seen.add(node.full_name)
    return nodes


def _shorten(nodes: tuple[ClusterNode, ...]) -> tuple[ClusterNode, ...]:
    """The nodes, called by the first label of their names; by all labels where two would be called alike."""
    counts = Counter(node.name for node in nodes)
    return tuple(
        node if counts[node.name] == 1 else replace(node, name=node.full_name.replace(".", "-")[:63].strip("-"))
        for node in nodes
    )


def _node(entry: dict[str, Any], path: str) -> ClusterNode:
    metadata, spec, status = (_mapping(entry.get(key)) for key in ("metadata", "spec", "status"))
    name = str(metadata.get("name", ""))
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ImportFileError(path, f"has a node named {name!r}, which no node of Kubernetes is (RFC 1123)")
    pods = spec.get("podCIDRs") or [spec.get("podCIDR")]
    given = status.get("addresses")
    addresses = [
        str(address.get("address"))
        for address in (given if isinstance(given, list) else ())
        if _mapping(address).get("type") == "InternalIP"
    ]
    return ClusterNode(
        full_name=name,
        name=name.split(".", 1)[0],
        ips=tuple(_ip(address, name, path) for address in addresses if _IP.fullmatch(address)),
        pod_networks=tuple(
            _network(str(network), name, path) for network in pods if network is not None and ":" not in str(network)
        ),
        ipv6=tuple(str(one) for one in (*addresses, *pods) if ":" in str(one)),
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
