"""Pod networks: each node has its own part of the pods' network."""

from collections.abc import Iterator

from netaddr import IPNetwork

from netwright.checks.spans import nested, span
from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error, warning
from netwright.model import Interface, Node, Setting
from netwright.topology.settings import default_interface


def pod_cidr_is_among_the_pods(survey: Survey) -> Iterator[Violation]:
    """A node's `pod_cidr` lies in the topology's `kubernetes.pods`.

    Kubernetes gives every node a part of the one pod network.

    Fails:

        nodes:
          worker3:
            os: flatcar
            kubernetes: agent
            pod_cidr: 10.24.5.0/24
            interfaces: {eth0: {network: back, address: 10.17.4.26}}

    Passes:

        nodes:
          worker3:
            os: flatcar
            kubernetes: agent
            pod_cidr: 10.42.5.0/24
            interfaces: {eth0: {network: back, address: 10.17.4.26}}
    """
    kubernetes = survey.resolved.topology.kubernetes
    for node, pods in _pod_networks(survey):
        if kubernetes is None:
            message = f"{node.name} has a pod network, but no kubernetes.pods contains it; add that"
            yield error(pods.cause, message, node=node.name)
        elif not span(kubernetes.pods).covers(span(pods.value)):
            message = f"{pods.value} of {node.name} is not in {kubernetes.pods}, the pods' network; correct one of them"
            yield error(pods.cause, message, node=node.name, related=(("kubernetes", "pods", "cidr"),))


def pod_cidr_has_the_nodes_prefix_length(survey: Survey) -> Iterator[Violation]:
    """A node's `pod_cidr` has the prefix length that every node's has (`kubernetes.pods.node_prefix`, 24 by default).

    Kubernetes cuts the pod network into equal parts.

    Fails:

        nodes:
          worker3:
            os: flatcar
            kubernetes: agent
            pod_cidr: 10.42.8.0/22
            interfaces: {eth0: {network: back, address: 10.17.4.26}}

    Passes:

        nodes:
          worker3:
            os: flatcar
            kubernetes: agent
            pod_cidr: 10.42.8.0/24
            interfaces: {eth0: {network: back, address: 10.17.4.26}}
    """
    kubernetes = survey.resolved.topology.kubernetes
    for node, pods in _pod_networks(survey):
        if kubernetes is not None and pods.value.prefixlen != kubernetes.node_prefix:
            right = IPNetwork(f"{pods.value.ip}/{kubernetes.node_prefix}")
            advice = "" if right.ip != right.network else f"write {right} or "
            message = (
                f"{pods.value} of {node.name} is no /{kubernetes.node_prefix}; "
                f"{advice}set pods.node_prefix: {pods.value.prefixlen}"
            )
            yield error(pods.cause, message, node=node.name)


def pod_cidr_has_one_owner(survey: Survey) -> Iterator[Violation]:
    """No two nodes have pod networks with an address in common.

    The pods' packets go to one of them only.

    Fails:

        nodes:
          worker3:
            os: flatcar
            kubernetes: agent
            pod_cidr: 10.42.6.0/24
            interfaces: {eth0: {network: back, address: 10.17.4.26}}

    Passes:

        nodes:
          worker3:
            os: flatcar
            kubernetes: agent
            pod_cidr: 10.42.5.0/24
            interfaces: {eth0: {network: back, address: 10.17.4.26}}
    """
    owned = (((node, pods.cause), pods.value) for node, pods in _pod_networks(survey))
    for ((node, cause), pods), ((owner, place), wider) in nested(owned):
        message = f"{pods} of {node.name} is owned by {owner.name} ({wider}) too; give each its own"
        yield error(cause, message, node=node.name, related=(place,))


def kubernetes_node_has_a_pod_cidr(survey: Survey) -> Iterator[Violation]:
    """A Kubernetes node has a `pod_cidr`.

    No node can route to its pods without; traffic for them leaks out of a default route or goes in circles.
    `kubectl get nodes -o jsonpath='{..podCIDR}'` tells it once the node has joined.

    Fails:

        nodes:
          worker4: {os: flatcar, kubernetes: agent, interfaces: {eth0: {network: back, address: 10.17.4.27}}}

    Passes:

        nodes:
          worker4:
            os: flatcar
            kubernetes: agent
            pod_cidr: 10.42.9.0/24
            interfaces: {eth0: {network: back, address: 10.17.4.27}}
    """
    if survey.resolved.topology.kubernetes is None:
        return
    for node in survey.nodes:
        if node.role is not None and not node.pod_networks:
            message = (
                f"{node.name} is a Kubernetes node without pod_cidr, so that its pods cannot be routed to; "
                "set pod_cidr to the CIDR that Kubernetes assigned"
            )
            yield warning(node.cause, message, node=node.name, on_key=True)


def pod_cidr_is_on_a_kubernetes_node(survey: Survey) -> Iterator[Violation]:
    """A node with a `pod_cidr` is a Kubernetes node.

    Fails:

        nodes:
          lb1: {pod_cidr: 10.42.5.0/24}

    Passes:

        nodes:
          lb1: {kubernetes: agent, pod_cidr: 10.42.5.0/24}
    """
    for node, pods in _pod_networks(survey):
        if node.role is None:
            message = f"{node.name} has pods but is no Kubernetes node; set kubernetes: agent or server"
            yield error(pods.cause, message, node=node.name)


def host_gw_nodes_share_a_segment(survey: Survey) -> Iterator[Violation]:
    """With flannel's backend `host-gw`, all Kubernetes nodes are on one segment.

    The backend names the other nodes as next hops and has no tunnel for those elsewhere. Their addresses there are
    those of flannel's card: the one that `kubernetes.cni.interface` names, else that of the default route.

    Fails:

        kubernetes:
          cni: {backend: host-gw}
        nodes:
          lb1: {kubernetes: agent, pod_cidr: 10.42.3.0/24}

    Passes:

        kubernetes:
          cni: {backend: vxlan}
        nodes:
          lb1: {kubernetes: agent, pod_cidr: 10.42.3.0/24}
    """
    kubernetes = survey.resolved.topology.kubernetes
    if kubernetes is None or kubernetes.plugin != "flannel" or kubernetes.backend != "host-gw":
        return
    shared: set[str] | None = None
    for node in survey.nodes:
        if node.role is None:
            continue
        card = _stated_card(survey, node) or default_interface(survey.resolved, node)
        on = [one for one in survey.connections[node.name] if card is None or one.interface is card]
        own = {connection.network.segment for connection in on}
        if shared is not None and not shared & own:
            first = ", ".join(sorted(shared))
            message = (
                f"host-gw needs every Kubernetes node on one segment, but {node.name} is on {', '.join(sorted(own))} "
                f"and others are on {first}; use vxlan, or put their networks on one segment"
            )
            yield error(("kubernetes", "cni", "backend"), message, related=(node.cause,))
            return
        shared = own if shared is None else shared & own


def flannel_interface_is_on_its_nodes(survey: Survey) -> Iterator[Violation]:
    """Each Kubernetes node has the card that `kubernetes.cni.interface` names.

    flannel does not start on a node that lacks it.

    Fails:

        kubernetes:
          cni: {interface: eth7}

    Passes:

        kubernetes:
          cni: {interface: eth0}
    """
    kubernetes = survey.resolved.topology.kubernetes
    if kubernetes is None or kubernetes.interface is None:
        return
    for node in survey.nodes:
        if node.role is not None and _stated_card(survey, node) is None:
            names = ", ".join(interface.name for interface in node.interfaces)
            message = (
                f"{node.name} has no card {kubernetes.interface.value}; name one that each of its kind has ({names})"
            )
            yield error(kubernetes.interface.cause, message, related=(node.cause,))


def _stated_card(survey: Survey, node: Node) -> Interface | None:
    kubernetes = survey.resolved.topology.kubernetes
    name = kubernetes.interface.value if kubernetes is not None and kubernetes.interface is not None else None
    return next((interface for interface in node.interfaces if interface.name == name), None)


def _pod_networks(survey: Survey) -> Iterator[tuple[Node, Setting[IPNetwork]]]:
    for node in survey.nodes:
        for pods in node.pod_networks:
            yield node, pods


RULES = (
    pod_cidr_is_among_the_pods,
    pod_cidr_has_the_nodes_prefix_length,
    pod_cidr_has_one_owner,
    kubernetes_node_has_a_pod_cidr,
    pod_cidr_is_on_a_kubernetes_node,
    host_gw_nodes_share_a_segment,
    flannel_interface_is_on_its_nodes,
)
