"""What pods send and get at their own nodes, where a node's forward chain drops what it does not know."""

from collections.abc import Iterator, Sequence

from netaddr import IPNetwork

from netwright.flows.filters import drops
from netwright.flows.ledger import Ledger
from netwright.flows.ownership import is_ours
from netwright.flows.types import FilterNeed, Networks
from netwright.model import End, Flow, Node
from netwright.topology.resolved import ResolvedTopology, host, outermost

_INTERNET = "internet"


def accept_at_home(resolved: ResolvedTopology, ledger: Ledger, flow: Flow, internal: Networks) -> None:
    """Accept a flow at the nodes of its pods: what they send, with the addresses that they have there, and what other
    nodes of the cluster and their pods send to them. What others send is accepted on its way."""
    nodes = [one for one in resolved.topology.nodes if one.pod_networks and drops(one.forward_chain)]
    if not flow.allow or not nodes:
        return
    sources, destinations = _inside(resolved, flow.sources), _inside(resolved, flow.destinations)
    members = outermost(_of_the_cluster(resolved, sources)) if destinations else ()
    for node in nodes:
        if not is_ours(resolved, node.name):
            continue
        sending, receiving = _own(node, sources), _own(node, destinations)
        if sending and destinations:
            ledger.need(node.name, _need(flow, sending, destinations), flow.name)
        if sending and any(end.text == _INTERNET for end in flow.destinations):
            ledger.need(node.name, _need(flow, sending, internal, outside=True), flow.name)
        if receiving and members:
            ledger.need(node.name, _need(flow, members, receiving), flow.name)


def _inside(resolved: ResolvedTopology, ends: Sequence[End]) -> Networks:
    known = tuple(end for end in ends if end.text != _INTERNET)
    return resolved.union(known) if known else ()


def _own(node: Node, networks: Networks) -> Networks:
    return outermost(_overlaps([one.value for one in node.pod_networks], networks))


def _of_the_cluster(resolved: ResolvedTopology, sources: Networks) -> Iterator[IPNetwork]:
    """The senders of a flow that the cluster's network brings to nodes: pods, and nodes. These come with their own
    address, or with that of flannel's device, the first of their pods'."""
    kubernetes = resolved.topology.kubernetes
    yield from _overlaps([kubernetes.pods], sources) if kubernetes is not None else ()
    for node in resolved.topology.nodes:
        if node.role is None:
            continue
        named = [host(at.ip) for link in node.interfaces for at in link.attachments if _has(sources, host(at.ip))]
        yield from named
        if named:
            yield from (host(pods.value.network) for pods in node.pod_networks[:1])


def _overlaps(own: Sequence[IPNetwork], networks: Networks) -> Iterator[IPNetwork]:
    for one in own:
        for network in networks:
            if one in network or network in one:
                yield one if one in network else network


def _has(networks: Networks, ip: IPNetwork) -> bool:
    return any(ip in network for network in networks)


def _need(flow: Flow, sources: Networks, destinations: Networks, *, outside: bool = False) -> FilterNeed:
    return FilterNeed(
        hook="forward",
        accept=True,
        egress=None,
        besides=(),
        sources=sources,
        sources_outside=False,
        destinations=destinations,
        destinations_outside=outside,
        traffic=flow.traffic,
    )
