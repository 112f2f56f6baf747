"""Traffic that the packet filters on a flow's way must let through."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace
from netaddr import IPNetwork

from netwright.flows.exits import NO_EGRESS, Egress, leave
from netwright.flows.graph import Hop, Way
from netwright.flows.ledger import Ledger
from netwright.flows.own_addresses import OwnAddresses
from netwright.flows.ownership import is_ours
from netwright.flows.types import FilterNeed, Hook, Networks, Party
from netwright.model import Chain, Flow, Traffic
from netwright.topology.resolved import ResolvedTopology, outermost


class Passage(Struct, frozen=True, kw_only=True):
    """One pair of a flow's parties, the way between them, and the traffic that passes there.

    `seen` are the sources that each router of the way sees, and then those that the receivers see. `through` is the
    router of the way that leads the packets on, if a port forward does.
    """

    flow: Flow
    source: Party
    destination: Party
    way: Way
    seen: tuple[Networks, ...]
    traffic: tuple[Traffic, ...]
    through: str | None = None


def accept_on_the_way(resolved: ResolvedTopology, ledger: Ledger, passage: Passage) -> None:
    """Accept the traffic at every router of ours, and at a receiver that has a chain of its own for it."""
    for hop, sources in zip(passage.way, passage.seen, strict=False):
        if is_ours(resolved, hop.router):
            need = _with_sources(_forward_need(resolved, passage, hop), sources, passage)
            ledger.need(hop.router, need, passage.flow.name)
    own_addresses = None
    for name in passage.destination.nodes:
        node = resolved.nodes[name]
        chain = node.forward_chain if passage.destination.pods else node.input
        if drops(chain) and is_ours(resolved, name):
            hook: Hook = "forward" if passage.destination.pods else "input"
            need = _with_sources(filter_need(passage, hook=hook, accept=True), passage.seen[-1], passage)
            if hook == "input" and not passage.destination.outside:
                own_addresses = own_addresses or OwnAddresses(resolved, passage.destination, passage.traffic)
                need = replace(need, destinations=own_addresses.of(name))
            own = tuple(_own_pods(resolved, passage, name)) if hook == "input" else ()
            if own:
                need = replace(need, sources=outermost((*need.sources, *own)))
            ledger.need(name, need, passage.flow.name)
            for heard in to_vrrp_group(passage, need):
                ledger.need(name, heard, passage.flow.name)


def _with_sources(need: FilterNeed, seen: Networks, passage: Passage) -> FilterNeed:
    """The need with the sources that are seen there; a router that replaced them is inside."""
    outside = passage.source.outside and seen == passage.source.addresses
    return replace(need, sources=seen, sources_outside=outside)


VRRP_GROUP = IPNetwork("224.0.0.18/32")
"""The multicast address of VRRP (RFC 5798, section 5.1.1.2)."""


def to_vrrp_group(passage: Passage, need: FilterNeed) -> Iterator[FilterNeed]:
    """Return what machines on one segment send by VRRP to all of them, where a flow names the protocol."""
    vrrp = tuple(traffic for traffic in passage.traffic if traffic.protocol == "vrrp")
    if vrrp and not passage.way and need.hook in ("prerouting", "input"):
        yield replace(need, destinations=(VRRP_GROUP,), traffic=vrrp)


def _own_pods(resolved: ResolvedTopology, passage: Passage, name: str) -> Iterator[IPNetwork]:
    """The pods of a node that ask the node itself: what stays on it keeps the pod's own address."""
    if not passage.source.pods or name not in passage.source.nodes:
        return
    named = [network for end in passage.flow.sources for network in resolved.resolve_end(end) or ()]
    for pods in (network.value for network in resolved.nodes[name].pod_networks):
        for network in named:
            if pods in network or network in pods:
                yield pods if pods in network else network


def drops(chain: Chain | None) -> bool:
    """Return whether a stated chain drops what no rule accepts."""
    return chain is not None and chain.policy is not None and chain.policy.value == "drop"


def _forward_need(resolved: ResolvedTopology, passage: Passage, hop: Hop) -> FilterNeed:
    """To the internet the interface is named as well: what is outside is told by where it goes."""
    egress = leave(resolved, hop) if passage.destination.outside else NO_EGRESS
    need = filter_need(passage, hook="forward", accept=True, egress=egress)
    return replace(need, translated=True) if hop.router == passage.through else need


def filter_need(passage: Passage, *, hook: Hook, accept: bool, egress: Egress = NO_EGRESS) -> FilterNeed:
    """The passage's traffic at a hook."""
    return FilterNeed(
        hook=hook,
        accept=accept,
        egress=egress.interface,
        besides=egress.besides,
        sources=passage.source.addresses,
        sources_outside=passage.source.outside,
        destinations=passage.destination.addresses,
        destinations_outside=passage.destination.outside,
        traffic=passage.traffic,
    )
