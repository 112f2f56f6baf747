"""Routes to pods: each leads to the node that owns them."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from netaddr import IPNetwork

from gen.checks.breach import Breach, warning
from gen.checks.survey import Span, StatedRoute, Survey, span
from gen.model import Node


@dataclass(frozen=True, kw_only=True, slots=True)
class _Owned:
    """A pod network and the node that owns it."""

    span: Span
    network: IPNetwork
    node: Node


def pods_are_routed_to_their_owner(survey: Survey) -> Iterator[Breach]:
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
    for stated, destination in _pod_routes(survey):
        owner = survey.owner(stated.gateway)
        if owner is None or owner.node.role is None:
            continue
        other = next((one for one in _owners(owned, span(destination)) if one.node is not owner.node), None)
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


def routed_pods_have_an_owner(survey: Survey) -> Iterator[Breach]:
    """A route to a part of the pod network leads to pods that some node owns.

    What nobody owns, any longer or yet, leaks out of a default route or goes in circles.

    Fails:

        nodes:
          gw: {routes: [{to: 10.42.9.0/24, via: worker2}]}

    Passes:

        nodes:
          gw: {routes: [{to: 10.42.9.0/24, via: worker2}]}
          worker2: {pod_cidr: [10.42.6.0/24, 10.42.9.0/24]}
    """
    owned = _owned(survey)
    kubernetes = survey.fabric.topology.kubernetes
    for stated, destination in _pod_routes(survey):
        if kubernetes and destination != kubernetes.pods and next(_owners(owned, span(destination)), None) is None:
            message = (
                f"no node owns pods in {destination}; leave the route out, or say pod_cidr at the node that has them"
            )
            yield warning(stated.route.to.cause, message, node=stated.node.name)


def _pod_routes(survey: Survey) -> Iterator[tuple[StatedRoute, IPNetwork]]:
    """The routes that send packets to pods, by destination."""
    kubernetes = survey.fabric.topology.kubernetes
    if kubernetes is None:
        return
    pods = span(kubernetes.pods)
    for stated in survey.all_routes():
        if stated.route.type == "unicast":
            for destination in stated.destinations:
                if pods.covers(span(destination)):
                    yield stated, destination


def _owned(survey: Survey) -> list[_Owned]:
    """All pod networks, by their first address."""
    owned = [
        _Owned(span=span(pods.value), network=pods.value, node=node)
        for node in survey.nodes
        for pods in node.pod_networks
    ]
    return sorted(owned, key=lambda one: one.span.first)


def _owners(owned: list[_Owned], sought: Span) -> Iterator[_Owned]:
    """The pod networks that have an address in common with a destination."""
    start = max(0, bisect_right(owned, sought.first, key=lambda one: one.span.first) - 1)
    for number in range(start, len(owned)):
        if owned[number].span.first > sought.last:
            return
        if owned[number].span.meets(sought):
            yield owned[number]


RULES = (pods_are_routed_to_their_owner, routed_pods_have_an_owner)
