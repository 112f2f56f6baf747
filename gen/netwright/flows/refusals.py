"""Traffic that the packet filters on a denied flow's way must refuse."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace
from netaddr import IPNetwork

from netwright.flows.containers import refuse_of_containers
from netwright.flows.filters import Passage, filter_need, to_vrrp_group
from netwright.flows.ledger import Ledger
from netwright.flows.ownership import interface_on, is_ours
from netwright.flows.types import FilterNeed, Hook, Networks, Party
from netwright.topology.pools import pools_of
from netwright.topology.resolved import ResolvedTopology, host, outermost, pool_networks


def refuse_on_the_way(resolved: ResolvedTopology, ledger: Ledger, passage: Passage) -> bool:
    """Refuse the traffic wherever it can be told apart; whether there is such a place.

    What pods start is told apart only on their own node: behind it, flannel has given it the node's address. What
    passes nothing of ours on its way is refused by the receivers; those that netwright does not configure are told to.
    """
    flow, source, destination = passage.flow.name, passage.source, passage.destination
    if source.pods:
        for name in source.nodes:
            for need in _refusals(resolved, _as_pods(resolved, passage, name), name):
                ledger.need(name, need, flow)
        return bool(source.nodes)
    routers = [hop.router for hop in passage.way if is_ours(resolved, hop.router)]
    for name in routers:
        for need in _refusals(resolved, passage, name):
            ledger.need(name, need, flow)
    direct = not routers or _is_beside(resolved, source, destination, routers)
    receivers = [name for name in destination.nodes if is_ours(resolved, name)] if direct else []
    for name in receivers:
        for need in _refusals_at_the_receiver(resolved, passage, name):
            ledger.need(name, need, flow)
    if routers or receivers:
        for name in _arrives_unrefused(resolved, passage):
            for need in _refusals_at_the_receiver(resolved, passage, name):
                ledger.need(name, need, flow)
    return bool(routers or receivers)


def _is_beside(resolved: ResolvedTopology, source: Party, destination: Party, routers: Sequence[str]) -> bool:
    """Return whether senders are on the receivers' segment by another of their cards than the one with that address;
    routers of ours refuse what they send themselves."""
    if source.prefix is None or source.network == destination.network:
        return False
    target = resolved.networks[destination.network].segment
    return any(
        interface_on(resolved, resolved.nodes[name], target) is not None for name in source.nodes if name not in routers
    )


def _refusals_at_the_receiver(resolved: ResolvedTopology, passage: Passage, name: str) -> Iterator[FilterNeed]:
    """Yield what a machine refuses that comes for itself or its pods.

    Some of the pods' addresses are the node's own, such as that of their bridge: packets for these pass its input.
    """
    sources = _others(resolved, passage.source, name)
    if not sources:
        return
    if not passage.destination.pods:
        need = replace(filter_need(passage, hook=_own_hook(resolved, name), accept=False), sources=sources)
        yield from (need, *to_vrrp_group(passage, need))
        return
    yield replace(filter_need(passage, hook="forward", accept=False), sources=sources)
    own = _held(resolved, passage.destination, name)
    yield replace(filter_need(passage, hook=_own_hook(resolved, name), accept=False), sources=sources, destinations=own)


def _arrives_unrefused(resolved: ResolvedTopology, passage: Passage) -> Iterator[str]:
    """The machines that a denied flow still reaches: netwright configures neither them nor what lies before them."""
    if passage.destination.pods:
        return
    routers = [hop.router for hop in passage.way]
    refusing = next((number for number, name in enumerate(routers) if is_ours(resolved, name)), None)
    for name in passage.destination.nodes:
        is_reached = refusing is None or name in routers[:refusing]
        if is_reached and not is_ours(resolved, name) and _others(resolved, passage.source, name):
            yield name


def _refusals(resolved: ResolvedTopology, passage: Passage, name: str) -> Iterator[FilterNeed]:
    """Yield what a node on the way refuses: what it passes on, what it sends itself, and what comes for itself.

    Packets for an address of its own pass no forward chain, nor do those that it sends.
    """
    destinations = _others(resolved, passage.destination, name)
    if destinations:
        sends = name in passage.source.nodes and not passage.source.pods
        hooks: tuple[Hook, ...] = ("forward", "output") if sends else ("forward",)
        for hook in hooks:
            need = replace(filter_need(passage, hook=hook, accept=False), destinations=destinations)
            yield from (need, *refuse_of_containers(resolved, name, need))
    own, sources = _held(resolved, passage.destination, name), _others(resolved, passage.source, name)
    if own and sources:
        need = filter_need(passage, hook=_own_hook(resolved, name), accept=False)
        yield replace(need, sources=sources, destinations=own)


def _own_hook(resolved: ResolvedTopology, name: str) -> Hook:
    """The hook at which a node refuses what is for an address of its own.

    kube-proxy, the CNI's port mappings and Docker lead such packets on to pods and containers in prerouting, and the
    input chain never sees them.
    """
    node = resolved.nodes[name]
    return "prerouting" if node.role is not None or node.runs_docker else "input"


def _held(resolved: ResolvedTopology, party: Party, name: str) -> Networks:
    """The node's own addresses that are the party's, virtual ones that it may hold included.

    Which of its pod network's addresses are its own is the CNI's choice: all of them count.
    """
    if party.outside:
        return ()
    own = set(_own(resolved, name))
    if party.pods and name in party.nodes:
        for pods in (network.value for network in resolved.nodes[name].pod_networks):
            own |= {pods if pods in network else network for network in party.addresses if _meet(pods, network)}
    for pool in pools_of(resolved, resolved.nodes[name]):
        own |= {*pool_networks(pool)}
    own |= {host(virtual.ip.value) for virtual in resolved.topology.virtual_addresses if virtual.is_held_by(name)}
    return outermost(address for address in own if any(address in network for network in party.addresses))


def _meet(one: IPNetwork, other: IPNetwork) -> bool:
    return one in other or other in one


def _others(resolved: ResolvedTopology, party: Party, name: str) -> Networks:
    """The party's addresses without the node's own: what stays on one machine is no flow."""
    if party.outside or name not in party.nodes:
        return party.addresses
    own = _own(resolved, name)
    return tuple(address for address in party.addresses if address not in own)


def _own(resolved: ResolvedTopology, name: str) -> Networks:
    return tuple(host(at.ip) for interface in resolved.nodes[name].interfaces for at in interface.attachments)


def _as_pods(resolved: ResolvedTopology, passage: Passage, name: str) -> Passage:
    """The passage with the pods' own addresses as source."""
    pods = tuple(network.value for network in resolved.nodes[name].pod_networks)
    return replace(passage, source=replace(passage.source, nodes=(name,), owner=None, addresses=pods))


def describe_unguarded(source: Party, destination: Party) -> str:
    """Return why no managed node can refuse what goes from one party to another."""
    if destination.prefix is None or source.network != destination.network:
        end = "the internet" if destination.prefix is None else destination.network
        return f"nothing that netwright configures lies between {source.network} and {end}"
    if not destination.nodes:
        return f"no node of the topology is a receiver on {destination.network}"
    shown, more = destination.nodes[:3], len(destination.nodes) - 3
    names = f"{', '.join(shown)} and {more} more" if more > 0 else " and ".join(shown)
    return f"nothing that netwright configures lies before {names}"
