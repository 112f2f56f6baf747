"""What the packet filters on a flow's way must let through, or refuse."""

from dataclasses import dataclass

from gen.fabric import Fabric
from gen.flows.graph import Hop, Way
from gen.flows.ledger import Ledger
from gen.flows.ownership import interface_on, is_ours
from gen.flows.types import FilterNeed, Hook, Party
from gen.model import Chain, Flow, Traffic


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """One pair of a flow's parties, the way between them, and the traffic that passes there."""

    flow: Flow
    source: Party
    destination: Party
    way: Way
    traffic: tuple[Traffic, ...]


def accept_on_the_way(fabric: Fabric, ledger: Ledger, passage: Passage) -> None:
    """Accept the traffic at every router of ours, and at a receiver that has a chain of its own for it."""
    for hop in passage.way:
        if is_ours(fabric, hop.router):
            ledger.need(hop.router, _forward_need(fabric, passage, hop), passage.flow.name)
    for name in passage.destination.nodes:
        node = fabric.nodes[name]
        chain = node.forward_chain if passage.destination.pods else node.input
        if _drops(chain) and is_ours(fabric, name):
            hook: Hook = "forward" if passage.destination.pods else "input"
            ledger.need(name, _need(passage, hook=hook, accept=True, egress=None), passage.flow.name)


def refuse_on_the_way(fabric: Fabric, ledger: Ledger, passage: Passage) -> bool:
    """Refuse the traffic wherever it can be told apart; whether there is such a place.

    What pods start is told apart only on their own node: behind it, flannel has given it the node's address.
    """
    places = 0
    if passage.source.pods:
        for name in passage.source.nodes:
            need = _need(_as_pods(fabric, passage, name), hook="forward", accept=False, egress=None)
            ledger.need(name, need, passage.flow.name)
            places += 1
        return places > 0
    for hop in passage.way:
        if is_ours(fabric, hop.router):
            ledger.need(hop.router, _need(passage, hook="forward", accept=False, egress=None), passage.flow.name)
            if hop.router in passage.source.nodes:  # what it sends itself passes no forward chain
                ledger.need(hop.router, _need(passage, hook="output", accept=False, egress=None), passage.flow.name)
            places += 1
    if not places:
        for name in passage.destination.nodes:
            if is_ours(fabric, name):
                hook: Hook = "forward" if passage.destination.pods else "input"
                ledger.need(name, _need(passage, hook=hook, accept=False, egress=None), passage.flow.name)
                places += 1
    return places > 0


def _drops(chain: Chain | None) -> bool:
    return chain is not None and chain.policy is not None and chain.policy.value == "drop"


def _forward_need(fabric: Fabric, passage: Passage, hop: Hop) -> FilterNeed:
    """To the internet the interface is named as well: what is outside is told by where it goes."""
    egress = interface_on(fabric, fabric.nodes[hop.router], hop.egress) if passage.destination.outside else None
    return _need(passage, hook="forward", accept=True, egress=egress)


def _need(passage: Passage, *, hook: Hook, accept: bool, egress: str | None) -> FilterNeed:
    return FilterNeed(
        hook=hook,
        accept=accept,
        egress=egress,
        sources=passage.source.addresses,
        sources_outside=passage.source.outside,
        destinations=passage.destination.addresses,
        destinations_outside=passage.destination.outside,
        traffic=passage.traffic,
    )


def _as_pods(fabric: Fabric, passage: Passage, name: str) -> Passage:
    """The passage with the pods' own addresses as source."""
    pods = tuple(network.value for network in fabric.nodes[name].pod_networks)
    source = Party(
        nodes=(name,), network=passage.source.network, prefix=passage.source.prefix, owner=None, addresses=pods
    )
    return Passage(
        flow=passage.flow,
        source=source,
        destination=passage.destination,
        way=passage.way,
        traffic=passage.traffic,
    )
