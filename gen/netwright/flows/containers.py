"""Flows that begin or end in containers on Docker's bridge.

Docker leads what is for a published port of the node on to a container before the node's input chain sees it, and
gives what containers send the address by which it leaves the node (dockerd 20.10, its rules in nat PREROUTING and
POSTROUTING). Both pass the node's forward chain, where the connection still tells for what it was opened.
"""

from collections.abc import Iterator

from msgspec.structs import replace
from netaddr import IPNetwork

from netwright.flows.diagnostics import error
from netwright.flows.filters import Passage, drops, filter_need
from netwright.flows.ledger import Ledger
from netwright.flows.ownership import is_ours
from netwright.flows.types import FilterNeed, Party
from netwright.model import DOCKER_BRIDGE, Docker, Flow, Node, Traffic
from netwright.text.report import Diagnostic
from netwright.topology.resolved import ResolvedTopology

CONTAINERS = IPNetwork("172.17.0.0/16")
"""The network of Docker's default bridge (dockerd, --bip)."""


def lead_to_containers(resolved: ResolvedTopology, ledger: Ledger, passage: Passage) -> None:
    """Have nodes at both ends of an allowed passage pass on what is for their containers, and what these send."""
    flow = passage.flow.name
    for node in _bridged(resolved, () if passage.source.pods else passage.source.nodes):
        ledger.forward(node.name, flow)
    for node in _bridged(resolved, () if passage.destination.pods else passage.destination.nodes):
        for need in _accepts(passage, node):
            ledger.forward(node.name, flow)
            closed = drops(node.forward_chain) or drops(node.input)
            if is_ours(resolved, node.name) and (node.role is None or closed):
                ledger.need(node.name, need, flow)


def _bridged(resolved: ResolvedTopology, names: tuple[str, ...]) -> Iterator[Node]:
    yield from (resolved.nodes[name] for name in names if resolved.nodes[name].bridged is not None)


def _accepts(passage: Passage, node: Node) -> Iterator[FilterNeed]:
    """Yield what a node lets through to its containers, told by the addresses and ports before Docker changes them."""
    led_on = published_part(passage.traffic, node.bridged) if node.bridged is not None else ()
    if led_on:
        need = filter_need(passage, hook="forward", accept=True)
        yield replace(need, sources=passage.seen[-1], traffic=led_on, egress=DOCKER_BRIDGE, opened=True)


def published_part(wanted: tuple[Traffic, ...], docker: Docker) -> tuple[Traffic, ...]:
    """Return the part of some traffic that is for published ports."""
    found = [
        Traffic(protocol=one.protocol, ports=(max(one.ports[0], ports[0]), min(one.ports[1], ports[1])))
        for traffic in wanted
        for one in (published.value for published in docker.publish)
        if traffic.protocol in (None, one.protocol)
        for ports in (traffic.ports or one.ports,)
        if max(one.ports[0], ports[0]) <= min(one.ports[1], ports[1])
    ]
    return tuple(dict.fromkeys(found))


def refuse_of_containers(resolved: ResolvedTopology, name: str, need: FilterNeed) -> Iterator[FilterNeed]:
    """Yield what a node that refuses traffic of its own refuses to its containers as well, which have other addresses
    at its forward chain."""
    if need.hook == "output" and resolved.nodes[name].bridged is not None:
        yield replace(need, hook="forward", sources=(CONTAINERS,), sources_outside=False)


def disguised_containers(resolved: ResolvedTopology, flow: Flow, senders: tuple[Party, ...]) -> Iterator[Diagnostic]:
    """Yield the nodes of which a flow's receivers are to see the sender's own address, which they see of no
    container."""
    names = tuple(dict.fromkeys(name for party in senders if not party.pods for name in party.nodes))
    for node in _bridged(resolved, names if flow.allow and flow.nat_never else ()):
        message = (
            f"Docker gives what containers of {node.name} send the node's own address, so that receivers never see "
            "the container's; leave out nat: never, or run them with docker: {network: host}"
        )
        yield error((*flow.cause, "nat"), "containers_are_seen_as_their_nodes", message)
