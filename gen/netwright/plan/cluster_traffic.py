"""What Kubernetes' own programs ask of each other, which no flow has to state: the API, etcd and the kubelet.

The ports are those of docs.k3s.io, "Inbound Rules for K3s Nodes", and kubernetes.io, "Ports and Protocols".
"""

from collections.abc import Iterator, Sequence
from typing import cast

from netwright.flows.types import Networks
from netwright.model import KUBERNETES_API, Attachment, Node
from netwright.plan.covering import is_accepted
from netwright.plan.filter_types import FilterRule
from netwright.topology.resolved import ResolvedTopology, host, outermost
from netwright.topology.settings import flannel_interface

_ETCD = (2379, 2380)
_KUBELET = (10250, 10250)


def cluster_rules(resolved: ResolvedTopology, node: Node, others: Sequence[FilterRule]) -> Iterator[FilterRule]:
    """The rules by which a Kubernetes node lets in what the programs of the cluster ask it: servers among themselves
    etcd, nodes and pods a server's API, be it at a virtual address, and each node's kubelet. Pods of its own come with
    their own addresses, those of other nodes too where the plugin leaves them.

    Where other rules accept all of it already, there is none.
    """
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None or node.role is None or not node.interfaces:
        return
    own = flannel_interface(resolved, node).attachments
    if not own:
        return
    is_server = node.role.value == "server"
    servers, members = _peers(resolved, own[0])
    pods = [kubernetes.pods] if kubernetes.foreign is not None else [one.value for one in node.pod_networks]
    api = kubernetes.api_port.value
    everyone, here = outermost([*members, *pods]), outermost(host(at.ip) for at in own)
    asked = [(everyone, here, ((api, api), _KUBELET) if is_server else (_KUBELET,))]
    virtual = resolved.virtual.get(KUBERNETES_API)
    if is_server and virtual is not None and virtual.is_held_by(node.name):
        asked.append((everyone, (host(virtual.ip.value),), ((api, api),)))
    if is_server and len(servers) > 1:
        asked.append((servers, here, (_ETCD,)))
    for senders, receivers, ports in asked:
        rule = FilterRule(
            ingress=None,
            egress=None,
            sources=senders,
            destinations=receivers,
            protocol="tcp",
            ports=tuple(sorted(ports)),
            accept=True,
            comment="Kubernetes",
            cause=node.role.cause,
        )
        if not is_accepted(rule, others):
            yield rule


def _peers(resolved: ResolvedTopology, asked: Attachment) -> tuple[Networks, Networks]:
    """The addresses of all servers, and of all nodes, from which they send to an address; worked out once for each
    network: theirs on it, else any of theirs."""
    by_network = cast(
        "dict[str | None, tuple[Networks, Networks]]", resolved.known.setdefault("Kubernetes nodes by network", {})
    )
    if asked.network not in by_network:
        nodes = [node for node in resolved.topology.nodes if node.role is not None]
        servers = [node for node in nodes if node.role is not None and node.role.value == "server"]
        by_network[asked.network] = _addresses(servers, asked.network), _addresses(nodes, asked.network)
    return by_network[asked.network]


def _addresses(nodes: Sequence[Node], network: str | None) -> Networks:
    found = []
    for node in nodes:
        every = [at for interface in node.interfaces for at in interface.attachments]
        found += [host(at.ip) for at in every if at.network == network] or [host(at.ip) for at in every]
    return outermost(found)
