"""The cluster network of a valid document, and the flow that its network plugin needs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netwright.model import FOREIGN, PLUGIN_PORTS, Cni, End, Flow, Kubernetes, Node, Setting
from netwright.parse.values import Values
from netwright.parse.virtual_addresses import api_port

_CNI = ("kubernetes", "cni")


def parse_kubernetes(kubernetes: Mapping[str, Any], values: Values) -> Kubernetes:
    """What the cluster network uses."""
    pods = kubernetes["pods"]
    services = kubernetes.get("services")
    cni = kubernetes.get("cni", {})
    return Kubernetes(
        pods=values.network(pods["cidr"], ("kubernetes", "pods", "cidr")),
        node_prefix=pods.get("node_prefix", 24),
        services=values.network(services["cidr"], ("kubernetes", "services", "cidr")) if services else None,
        plugin=cni.get("plugin", "flannel"),
        foreign=_foreign(cni, values) if cni.get("plugin") in FOREIGN else None,
        backend=cni.get("backend", "vxlan"),
        interface=Setting(value=cni["interface"], cause=("kubernetes", "cni", "interface"))
        if "interface" in cni
        else None,
        config=Setting(value=kubernetes["config"], cause=("kubernetes", "config")) if "config" in kubernetes else None,
        unused=tuple(key for key in cni if key in _unused(cni.get("plugin", "flannel"))),
        api_port=Setting(value=api_port(kubernetes.get("api", {})), cause=("kubernetes", "api", "port")),
    )


def _unused(plugin: str) -> tuple[str, ...]:
    """The keys that a plugin has not."""
    of_flannel, of_others = ("backend", "interface"), ("ports", "routes", "masquerade")
    return {"flannel": of_others, "none": (*of_others,)}.get(plugin, of_flannel)


def _foreign(cni: Mapping[str, Any], values: Values) -> Cni:
    routes = cni.get("routes", "tunnel")
    ports = cni.get("ports", PLUGIN_PORTS.get((cni["plugin"], routes), ()))
    return Cni(
        routes=routes,
        masquerades=cni.get("masquerade", True),
        ports=values.traffic(ports, (*_CNI, "ports")) if ports else (),
    )


def flows_of_plugin(kubernetes: Kubernetes | None, nodes: Sequence[Node], *, has_flows: bool) -> Iterator[Flow]:
    """Yield the flow among Kubernetes nodes that a network plugin needs. Without any other flow no filter follows from
    flows, and none has to let it through but inputs that are closed."""
    members = [node for node in nodes if node.role is not None]
    foreign = kubernetes.foreign if kubernetes is not None else None
    closed = any(node.input and node.input.policy and node.input.policy.value == "drop" for node in members)
    if foreign is not None and foreign.ports and len(members) > 1 and (has_flows or closed):
        ends = tuple(End(text=node.name, network=None, cause=_CNI) for node in members)
        yield Flow(
            name="kubernetes.cni",
            sources=ends,
            destinations=ends,
            traffic=foreign.ports,
            allow=True,
            nat_never=False,
            via=(),
            cause=_CNI,
        )
