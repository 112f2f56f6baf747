"""What Kubernetes' own programs ask of each other, which no flow has to state: the API, etcd, the kubelet and tunnels.

The ports are those of docs.k3s.io, "Inbound Rules for K3s Nodes", and kubernetes.io, "Ports and Protocols".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from netaddr import IPNetwork

from netwright.flows.types import Networks
from netwright.model import KUBERNETES_API, Kubernetes, Node
from netwright.plan.covering import is_accepted
from netwright.plan.filter_types import FilterRule
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology, host, outermost
from netwright.topology.settings import flannel_interface, server_port

_ETCD = (2379, 2380)
_KUBELET = (10250, 10250)
_DNS = (53, 53)
_TUNNELS: Mapping[str, tuple[int, int]] = {"vxlan": (8472, 8472), "wireguard-native": (51820, 51820)}


def cluster_rules(resolved: ResolvedTopology, node: Node, others: Sequence[FilterRule]) -> Iterator[FilterRule]:
    """The rules by which a node lets in what the programs of the cluster ask it: servers among themselves etcd, nodes
    and pods a server's API, nodes the API at its virtual address, whoever holds it, and each node's kubelet. A node's
    own pods come with their own addresses, those of other nodes too where the plugin leaves them.

    Where other rules accept all of it already, there is none.
    """
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None or not node.interfaces:
        return
    asked = [*_asked_as_member(resolved, kubernetes, node), *_asked_as_holder(resolved, kubernetes, node)]
    cause = node.role.cause if node.role is not None else ("kubernetes", "api", "holders")
    yield from _rules(asked, "tcp", cause, others)
    yield from _rules(_asked_by_tunnels(resolved, kubernetes, node), "udp", cause, others)


def passing_rules(resolved: ResolvedTopology, node: Node, others: Sequence[FilterRule]) -> Iterator[FilterRule]:
    """The rules by which a node whose forward chain drops passes what every cluster's pods ask: names of the cluster's
    own server, which may run on any node, the API, and what the metrics' server asks of kubelets.

    kube-proxy has led what is for a Service on to the pod or server before.
    """
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None or node.role is None or not node.pod_networks or not node.interfaces:
        return
    own = outermost(one.value for one in node.pod_networks)
    servers, members = _peers(resolved, flannel_interface(resolved, node).attachments[0].network)
    port = server_port(resolved, kubernetes)
    names = [(own, (kubernetes.pods,), (_DNS,)), ((kubernetes.pods,), own, (_DNS,))]
    for protocol in ("tcp", "udp"):
        yield from _rules(names, protocol, node.role.cause, others)
    asked = [(own, servers, ((port, port),)), (own, members, (_KUBELET,))]
    yield from _rules([one for one in asked if one[1]], "tcp", node.role.cause, others)


def _rules(
    asked: Iterable["_Question"], protocol: str, cause: TopologyPath, others: Sequence[FilterRule]
) -> Iterator[FilterRule]:
    for senders, receivers, ports in asked:
        rule = FilterRule(
            ingress=None,
            egress=None,
            sources=senders,
            destinations=receivers,
            protocol=protocol,
            ports=tuple(sorted(ports)),
            accept=True,
            comment="Kubernetes",
            cause=cause,
        )
        if not is_accepted(rule, others):
            yield rule


_Question = tuple[Networks, Networks, tuple[tuple[int, int], ...]]
"""Senders, the node's addresses that they ask, and the ports."""


def _asked_as_member(resolved: ResolvedTopology, kubernetes: Kubernetes, node: Node) -> Iterator[_Question]:
    own = flannel_interface(resolved, node).attachments if node.role is not None else ()
    if node.role is None or not own:
        return
    is_server = node.role.value == "server"
    servers, members = _peers(resolved, own[0].network)
    port = server_port(resolved, kubernetes)
    here = outermost(host(at.ip) for at in own)
    everyone = outermost([*members, *_pods(kubernetes, node)])
    yield everyone, here, (((port, port), _KUBELET) if is_server else (_KUBELET,))
    if is_server and len(servers) > 1:
        yield servers, here, (_ETCD,)


def _asked_by_tunnels(resolved: ResolvedTopology, kubernetes: Kubernetes, node: Node) -> Iterator[_Question]:
    """What carries pods' packets between nodes, where flannel's backend is a tunnel."""
    port = _TUNNELS.get(kubernetes.backend) if kubernetes.plugin == "flannel" else None
    own = flannel_interface(resolved, node).attachments if node.role is not None else ()
    if port is None or not own:
        return
    _, members = _peers(resolved, own[0].network)
    here = outermost(host(at.ip) for at in own)
    if [one for one in members if one not in here]:
        yield members, here, (port,)


def _asked_as_holder(resolved: ResolvedTopology, kubernetes: Kubernetes, node: Node) -> Iterator[_Question]:
    virtual = resolved.virtual.get(KUBERNETES_API)
    if virtual is None or not virtual.is_held_by(node.name):
        return
    interface = resolved.connected_interface(node, virtual.ip.value)
    network = interface.attachments[0].network if interface is not None and interface.attachments else None
    _, members = _peers(resolved, network)
    port = kubernetes.api_port.value
    if members:
        yield outermost([*members, *_pods(kubernetes, node)]), (host(virtual.ip.value),), ((port, port),)


def _pods(kubernetes: Kubernetes, node: Node) -> Iterable[IPNetwork]:
    """The pods that ask a node by their own addresses."""
    return [kubernetes.pods] if kubernetes.foreign is not None else [one.value for one in node.pod_networks]


def _peers(resolved: ResolvedTopology, asked: str | None) -> tuple[Networks, Networks]:
    """The addresses of all servers, and of all nodes, from which they send to a network's; worked out once for each:
    theirs on it, else any of theirs."""
    by_network = cast(
        "dict[str | None, tuple[Networks, Networks]]", resolved.known.setdefault("Kubernetes nodes by network", {})
    )
    if asked not in by_network:
        nodes = [node for node in resolved.topology.nodes if node.role is not None]
        servers = [node for node in nodes if node.role is not None and node.role.value == "server"]
        by_network[asked] = _addresses(servers, asked), _addresses(nodes, asked)
    return by_network[asked]


def _addresses(nodes: Sequence[Node], network: str | None) -> Networks:
    found = []
    for node in nodes:
        every = [at for interface in node.interfaces for at in interface.attachments]
        found += [host(at.ip) for at in every if at.network == network] or [host(at.ip) for at in every]
    return outermost(found)
