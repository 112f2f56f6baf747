"""Routes to pods: each leads to the node that owns them."""

from collections.abc import Iterator

from msgspec import Struct
from netaddr import IPNetwork

from netwright.checks.spans import Span, SpanIndex, span
from netwright.checks.survey import StatedRoute, Survey
from netwright.checks.violation import Violation, warning
from netwright.model import Node


class _Owned(Struct, frozen=True, kw_only=True):
    """A pod network and the node that owns it."""

    network: IPNetwork
    node: Node


def pods_are_routed_to_their_owner(survey: Survey) -> Iterator[Violation]:
    """A route to pods whose next hop is a Kubernetes node leads to the node that owns them.

    Any other node sends the packets on, but its CNI rewrites their source address to its own: the pod no longer
    sees who asks.

    Fails:

        nodes:
          gw: {routes: [{to: 10.42.6.0/24, via: worker1}]}

    Passes:

        nodes:
          gw: {routes: [{to: 10.42.6.0/24, via: worker2}]}
    """
    owned = _owned(survey)
    for stated, destination, sought in _pod_routes(survey):
        owner = survey.owner(stated.gateway)
        if owner is None or owner.node.role is None:
            continue
        other = next((one for one in owned.meeting(sought) if one.node is not owner.node), None)
        if other is not None:
            hop, right = owner.node.name, other.node.name
            if destination == other.network:
                message = (
                    f"{destination} belongs to {right}, and {hop} masquerades what it passes on; route it via {right}"
                )
            else:
                message = (
                    f"{destination} has pods of {right} ({other.network}), which {hop} masquerades "
                    f"as it passes them on; route each pod network via its own node"
                )
            yield warning(stated.via, message, node=stated.node.name, related=(other.node.cause,))


def routed_pods_have_an_owner(survey: Survey) -> Iterator[Violation]:
    """A route to a part of the pod network leads to pods that some node owns.

    What no node owns, any longer or yet, leaks out of a default route or goes in circles.

    Fails:

        nodes:
          gw: {routes: [{to: 10.42.9.0/24, via: worker2}]}

    Passes:

        nodes:
          gw: {routes: [{to: 10.42.9.0/24, via: worker2}]}
          worker2: {pod_cidr: [10.42.6.0/24, 10.42.9.0/24]}
    """
    owned = _owned(survey)
    kubernetes = survey.resolved.topology.kubernetes
    for stated, destination, sought in _pod_routes(survey):
        if kubernetes and sought != span(kubernetes.pods) and next(owned.meeting(sought), None) is None:
            message = (
                f"no node owns pods in {destination}; leave the route out, or set pod_cidr on the node that has them"
            )
            yield warning(stated.route.to.cause, message, node=stated.node.name)


def _pod_routes(survey: Survey) -> Iterator[tuple[StatedRoute, IPNetwork, Span]]:
    """The routes that send packets to pods, by destination."""
    kubernetes = survey.resolved.topology.kubernetes
    if kubernetes is None:
        return
    pods = span(kubernetes.pods)
    for stated in survey.all_routes():
        if stated.route.type == "unicast":
            for destination, sought in zip(stated.destinations, stated.spans, strict=True):
                if pods.covers(sought):
                    yield stated, destination, sought


def _owned(survey: Survey) -> SpanIndex[_Owned]:
    """All pod networks."""
    return SpanIndex(
        (span(pods.value), _Owned(network=pods.value, node=node)) for node in survey.nodes for pods in node.pod_networks
    )


RULES = (pods_are_routed_to_their_owner, routed_pods_have_an_owner)
