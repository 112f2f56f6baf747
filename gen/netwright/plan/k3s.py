"""K3s's settings that follow from the topology (docs.k3s.io, "Configuration Options")."""

from collections.abc import Iterator

from netaddr import IPNetwork

from netwright.model import KUBERNETES_API, Attachment, Kubernetes, Node
from netwright.plan.types import PlannedK3sSetting
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import K3S_SERVICES, flannel_interface, server_port
from netwright.topology.special_addresses import special_kind

_DNS_HOST = 10
"""K3s's cluster DNS has the tenth address of the services' network (its default is 10.43.0.10)."""

_API_PORT = 6443
"""K3s's default (docs.k3s.io, `https-listen-port`)."""


def plan_k3s(resolved: ResolvedTopology, node: Node) -> Iterator[PlannedK3sSetting]:
    """Yield the settings of a Kubernetes node in the order of its file, none where they are not asked for.

    Servers and agents know their own address and flannel's card; servers the networks, which agents get from them. The
    first of several servers makes the cluster; the others and the agents join by the API's address.
    """
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None or kubernetes.config is None or not kubernetes.config.value or node.role is None:
        return
    interface = flannel_interface(resolved, node)
    card = kubernetes.interface.cause if kubernetes.interface is not None else interface.cause
    if kubernetes.plugin == "flannel":
        yield PlannedK3sSetting(key="flannel-iface", value=interface.name, cause=card)
    address = interface.attachments[0]
    yield PlannedK3sSetting(key="node-ip", value=str(address.ip), cause=address.cause)
    yield from _external(node, address)
    servers = [one for one in resolved.topology.nodes if one.role is not None and one.role.value == "server"]
    if node.role.value == "server":
        yield from _of_a_server(resolved, kubernetes)
    if node.role.value == "server" and servers[0] is node:
        if len(servers) > 1:
            yield PlannedK3sSetting(key="cluster-init", value="true", cause=node.role.cause)
        return
    server = _api(resolved, kubernetes)
    if server is not None:
        yield PlannedK3sSetting(key="server", value=server[0], cause=server[1])


def _external(node: Node, inner: Attachment) -> Iterator[PlannedK3sSetting]:
    """The node's public address, where the one by which the cluster reaches it is not public."""
    public = (
        attachment
        for interface in node.interfaces
        for attachment in interface.attachments
        if special_kind(IPNetwork(attachment.ip)) is None
    )
    outer = next(public, None)
    if outer is not None and special_kind(IPNetwork(inner.ip)) is not None:
        yield PlannedK3sSetting(key="node-external-ip", value=str(outer.ip), cause=outer.cause)


def _of_a_server(resolved: ResolvedTopology, kubernetes: Kubernetes) -> Iterator[PlannedK3sSetting]:
    base: TopologyPath = ("kubernetes",)
    services = kubernetes.services if kubernetes.services is not None else K3S_SERVICES
    network = (*base, "services", "cidr") if kubernetes.services is not None else base
    backend = kubernetes.backend if kubernetes.plugin == "flannel" else "none"
    virtual = resolved.virtual.get(KUBERNETES_API)
    yield PlannedK3sSetting(key="cluster-cidr", value=str(kubernetes.pods), cause=(*base, "pods", "cidr"))
    yield PlannedK3sSetting(key="service-cidr", value=str(services), cause=network)
    yield PlannedK3sSetting(key="cluster-dns", value=str(services[_DNS_HOST]), cause=network)
    yield PlannedK3sSetting(key="flannel-backend", value=backend, cause=(*base, "cni", "backend"))
    port = server_port(resolved, kubernetes)
    if port != _API_PORT:
        yield PlannedK3sSetting(key="https-listen-port", value=str(port), cause=kubernetes.api_port.cause)
    if kubernetes.foreign is not None:
        yield PlannedK3sSetting(key="disable-network-policy", value="true", cause=(*base, "cni", "plugin"))
    if virtual is not None:
        yield PlannedK3sSetting(key="tls-san+", values=(str(virtual.ip.value),), cause=virtual.ip.cause)


def _api(resolved: ResolvedTopology, kubernetes: Kubernetes) -> tuple[str, TopologyPath] | None:
    """Return where the API is reached: at its virtual address, else at the first server."""
    virtual = resolved.virtual.get(KUBERNETES_API)
    if virtual is not None:
        return f"https://{virtual.ip.value}:{kubernetes.api_port.value}", virtual.ip.cause
    server = next((one for one in resolved.topology.nodes if one.role and one.role.value == "server"), None)
    if server is None:
        return None
    address = flannel_interface(resolved, server).attachments[0]
    return f"https://{address.ip}:{kubernetes.api_port.value}", address.cause
