"""Ends: who sends and who receives is known, and has addresses."""

from collections.abc import Iterator

from gen.checks.breach import Breach, error, unknown
from gen.checks.spans import SpanIndex, span
from gen.checks.spelling import Names
from gen.checks.survey import Survey
from gen.model import End


def ends_are_known(survey: Survey) -> Iterator[Breach]:
    """Who sends or receives in routes, flows, filter and NAT rules is known by that name.

    It is the name of a node, a group or a network, `pods`, `services` or `kubernetes.api` where the topology says
    what those are, an address or a network; `default` or `any` in routes and rules, `internet` in flows.

    Fails:

        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: frnt, to: pods, allow: any}]}}}

    Passes:

        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: front, to: pods, allow: any}]}}}
    """
    fabric = survey.fabric
    named = (*fabric.networks, *fabric.nodes, *fabric.members, *_cluster_ends(survey))
    in_rules, in_flows = Names((*named, "default", "any")), Names((*named, "internet"))
    for node, end in survey.ends():
        if end.network is None and end.text not in in_rules:
            yield _unknown_end(end, in_rules, node.name)
    for end in survey.flow_ends():
        if end.network is None and end.text not in in_flows:
            yield _unknown_end(end, in_flows)


def _unknown_end(end: End, known: Names, node: str | None = None) -> Breach:
    match end.text:
        case "internet":
            message = "internet has no addresses of its own; say default in a route, leave from or to out in a rule"
        case "default" | "any":
            message = f"{end.text} is nobody in particular; name networks, or internet"
        case "pods" | "services" | "kubernetes.api":
            section = end.text if end.text == "kubernetes.api" else f"kubernetes.{end.text}"
            message = f"the topology says nothing of {section}; say it there"
        case name:
            return unknown("node, group or network", name, end.cause, known, node=node)
    return error(end.cause, message, node=node)


def _cluster_ends(survey: Survey) -> Iterator[str]:
    kubernetes = survey.fabric.topology.kubernetes
    if kubernetes is not None:
        yield "pods"
        if kubernetes.services is not None:
            yield "services"
        if kubernetes.api is not None:
            yield "kubernetes.api"


def ends_have_addresses(survey: Survey) -> Iterator[Breach]:
    """A group that stands for its nodes' addresses has nodes, and pods that a flow speaks of have owners.

    A rule without addresses would match everybody: `from: [ingress]` with nobody in `ingress` must not become an accept
    for the whole world. A flow without addresses would ask for nothing.

    Fails:

        groups:
          ingress: {}
        nodes:
          gw: {firewall: {forward: {policy: drop, rules: [{from: ingress, to: pods, allow: any}]}}}

    Passes:

        groups:
          ingress: {}
        nodes:
          lb1: {groups: [ingress]}
          gw: {firewall: {forward: {policy: drop, rules: [{from: ingress, to: pods, allow: any}]}}}
    """
    fabric = survey.fabric
    for node, end in (*survey.ends(), *((None, end) for end in survey.flow_ends())):
        if end.network is None and end.text in fabric.members and not fabric.members[end.text]:
            message = f"the group {end.text} has no nodes and stands for no address; put a node in it, or leave it out"
            yield error(end.cause, message, node=node.name if node else None)
    kubernetes = fabric.topology.kubernetes
    if kubernetes is None:
        return
    owned = SpanIndex((span(pods.value), node) for node in survey.nodes for pods in node.pod_networks)
    for end in survey.flow_ends():
        pods = kubernetes.pods if end.text == "pods" else end.network
        if pods is None or not span(kubernetes.pods).covers(span(pods)):
            continue
        if next(owned.meeting(span(pods)), None) is None:
            message = f"no node owns pods in {pods}, and the flow would ask for nothing; say pod_cidr at their nodes"
            yield error(end.cause, message)


RULES = (ends_are_known, ends_have_addresses)
