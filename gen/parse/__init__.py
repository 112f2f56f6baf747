"""A valid document -> Topology. The last place where the document's mappings exist."""

from collections.abc import Mapping
from typing import Any

from gen.model import Api, Kubernetes, LibvirtBridge, Network, Setting, Topology
from gen.parse.node import parse_node
from gen.parse.values import Values, read_ip
from gen.report import Diagnostic


def parse(document: Mapping[str, Any]) -> tuple[Topology, tuple[Diagnostic, ...]]:
    """The topology of a document that the schema accepts, and what is wrong with its values beyond the schema."""
    values = Values()
    templates = document.get("templates")
    kubernetes = document.get("kubernetes")
    topology = Topology(
        name=document["name"],
        templates=Setting(value=templates, cause=("templates",)) if templates is not None else None,
        networks=tuple(_network(name, network, values) for name, network in document["networks"].items()),
        nodes=tuple(parse_node(name, node, document, values) for name, node in document["nodes"].items()),
        groups=tuple(document.get("groups", ())),
        kubernetes=_kubernetes(kubernetes, values) if kubernetes is not None else None,
    )
    return topology, tuple(dict.fromkeys(values.diagnostics))


def _network(name: str, network: Mapping[str, Any], values: Values) -> Network:
    path = ("networks", name)
    router = network.get("router")
    return Network(
        name=name,
        cidr=values.network(network["cidr"], (*path, "cidr")),
        segment=network.get("segment", name),
        router=Setting(value=router, cause=(*path, "router")) if router is not None else None,
        libvirt=_libvirt(network["libvirt"], name) if "libvirt" in network else None,
        cause=path,
    )


def _libvirt(libvirt: Mapping[str, Any], network: str) -> LibvirtBridge:
    return LibvirtBridge(
        bridge=libvirt["bridge"],
        forward=libvirt.get("forward", "open"),
        dns=libvirt.get("dns", False),
        cause=("networks", network, "libvirt"),
    )


def _kubernetes(kubernetes: Mapping[str, Any], values: Values) -> Kubernetes:
    pods = kubernetes["pods"]
    services = kubernetes.get("services")
    cni = kubernetes.get("cni", {})
    api = kubernetes.get("api")
    return Kubernetes(
        pods=values.network(pods["cidr"], ("kubernetes", "pods", "cidr")),
        node_prefix=pods.get("node_prefix", 24),
        services=values.network(services["cidr"], ("kubernetes", "services", "cidr")) if services else None,
        plugin=cni.get("plugin", "flannel"),
        backend=cni.get("backend", "vxlan"),
        api=Api(
            vip=read_ip(api["vip"]),
            port=api.get("port", 6443),
            holders=tuple(
                Setting(value=holder, cause=("kubernetes", "api", "holders", number))
                for number, holder in enumerate(api["holders"])
            ),
        )
        if api
        else None,
    )
