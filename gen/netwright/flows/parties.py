"""Ends of flows -> parties: who it is, on which network, and what others must route to."""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace
from netaddr import IPNetwork

from netwright.flows.on_the_way import choices_of
from netwright.flows.types import Networks, Party
from netwright.model import Attachment, End, Node, Pool
from netwright.text.counting import list_some
from netwright.topology.pools import answering_nodes, next_hop
from netwright.topology.resolved import ResolvedTopology, host, outermost, pool_networks

_SERVICES = "service addresses exist on Kubernetes nodes only; name pods, or a node's address"


class NoSuchEndError(Exception):
    """An end that no route can lead to; the message gives the reason, and what would be right."""


class Register(Struct, frozen=True, kw_only=True):
    """The resolved topology, with pod owners, internal networks and the devices that lead to the internet."""

    resolved: ResolvedTopology
    owners: tuple[tuple[Node, IPNetwork], ...]
    internal: Networks
    internet: tuple[Node, ...]
    attached: dict[str, tuple[tuple[Node, Attachment], ...]]

    def parties(self, ends: Iterable[End], *, starting: bool) -> tuple[Party, ...]:
        """The parties that ends stand for; `starting` if they start the flow. NoSuchEndError if one is out of reach."""
        alike: dict[tuple[object, ...], list[Party]] = {}
        for end in ends:
            for party in self._parties(end, starting=starting):
                key = (
                    *(party.network, party.prefix, party.owner, party.outside, party.pods, party.choices),
                    party.learned_by,
                )
                alike.setdefault(key, []).append(party)
        return tuple(_join(parties) for parties in alike.values())

    def _parties(self, end: End, *, starting: bool) -> Iterator[Party]:
        kubernetes = self.resolved.topology.kubernetes
        if end.network is not None:
            yield from self._addressed(end, end.network, starting=starting)
        elif end.text == "internet":
            yield from self._internet()
        elif end.text == "pods" and kubernetes is not None:
            yield from self._pods((kubernetes.pods,), starting=starting)
        elif virtual := self.resolved.virtual.get(end.text):
            yield from self._inside(host(virtual.ip.value), tuple(holder.value for holder in virtual.holders))
        elif pool := self.resolved.pools.get(end.text):
            yield from self._pool(pool, starting=starting)
        elif end.text == "services":
            raise NoSuchEndError(_SERVICES)
        elif network := self.resolved.networks.get(end.text):
            yield from self._inside(network.cidr, None)
        elif "@" in end.text:
            name, _, network_name = end.text.partition("@")
            for address in self.resolved.resolve_end(end) or ():
                yield from self._inside(address, (name,), network_name)
        else:
            yield from self._named(end.text)

    def _named(self, name: str) -> Iterator[Party]:
        """The addresses of a node, or of those of a group."""
        for node in [*self.resolved.members.get(name, ()), *filter(None, [self.resolved.nodes.get(name)])]:
            choices = choices_of(self.resolved, node)
            for interface in node.interfaces:
                for attachment in interface.attachments:
                    for party in self._inside(host(attachment.ip), (node.name,), attachment.network):
                        yield replace(party, choices=choices)

    def _addressed(self, end: End, network: IPNetwork, *, starting: bool) -> Iterator[Party]:
        kubernetes = self.resolved.topology.kubernetes
        if kubernetes is not None and network in kubernetes.pods:
            yield from self._pods((network,), starting=starting)
            return
        if kubernetes is not None and kubernetes.services is not None and network in kubernetes.services:
            raise NoSuchEndError(_SERVICES)
        found = False
        for known in self.resolved.topology.networks:
            if network in known.cidr or known.cidr in network:
                smaller = network if network in known.cidr else known.cidr
                yield from self._inside(smaller, None, known.name)
                found = True
        if not found:
            yield from self._internet((network,), end.text)

    def _inside(self, addresses: IPNetwork, nodes: tuple[str, ...] | None, name: str | None = None) -> Iterator[Party]:
        """A party within a network of the topology; without nodes, those that have such an address."""
        for network in self.resolved.topology.networks:
            if (name is not None and network.name != name) or addresses not in network.cidr:
                continue
            if nodes is None:
                attached = self.attached.get(network.name, ())
                nodes = tuple(dict.fromkeys(node.name for node, at in attached if at.ip in addresses))
            yield Party(nodes=nodes, network=network.name, prefix=network.cidr, owner=None, addresses=(addresses,))
            return

    def _pool(self, pool: Pool, *, starting: bool) -> Iterator[Party]:
        """The addresses of a pool at the nodes that may answer, or behind the router that learns routes to them."""
        nodes = answering_nodes(self.resolved, pool)
        if starting:
            names = list_some([node.name for node in nodes], 3)
            raise NoSuchEndError(f"what answers for {pool.name} sends from an address of its own; name {names}")
        if not pool.is_routed:
            for addresses in pool_networks(pool):
                yield from self._inside(addresses, tuple(node.name for node in nodes))
            return
        for node in nodes:
            near = next_hop(self.resolved, pool, node)
            for party in self._inside(host(near), (node.name,)) if near is not None and pool.at is not None else ():
                yield replace(party, addresses=pool_networks(pool), learned_by=pool.at.value if pool.at else "")

    def _pods(self, within: Networks, *, starting: bool) -> Iterator[Party]:
        """One party for each pod network. What pods start mostly leaves with their node's address."""
        kubernetes = self.resolved.topology.kubernetes
        hidden = kubernetes is not None and kubernetes.hides_pods
        for node, pods in self.owners:
            overlap = [pods if pods in network else network for network in within if pods in network or network in pods]
            if not overlap:
                continue
            choices = choices_of(self.resolved, node)
            for attachment in self._first_addresses(node):
                if starting and hidden:
                    for party in self._inside(host(attachment.ip), (node.name,), attachment.network):
                        yield replace(party, pods=True, choices=choices)
                else:
                    yield Party(
                        nodes=(node.name,),
                        network=attachment.network,
                        prefix=pods,
                        owner=node.name,
                        addresses=tuple(overlap) if overlap[0] != pods else within,
                        pods=True,
                        choices=choices,
                    )

    def _first_addresses(self, node: Node) -> Iterator[Attachment]:
        """A node's first address on each of its networks: what its pods have on the way out, and what leads to them."""
        met: dict[str, Attachment] = {}
        for interface in node.interfaces:
            for attachment in interface.attachments:
                met.setdefault(attachment.network, attachment)
        yield from met.values()

    def _internet(self, addresses: Networks | None = None, text: str = "internet") -> Iterator[Party]:
        """The internet behind each device that leads there."""
        if not self.internet:
            raise NoSuchEndError(
                f"{text} is outside, and no node has internet: true; set it on the gateway to the internet"
            )
        for device in self.internet:
            yield Party(
                nodes=(),
                network=device.interfaces[0].attachments[0].network,
                prefix=None,
                owner=device.name,
                addresses=addresses if addresses is not None else self.internal,
                outside=addresses is None,
            )


def register(resolved: ResolvedTopology) -> Register:
    """The register of a topology."""
    attached: dict[str, list[tuple[Node, Attachment]]] = {}
    for node in resolved.topology.nodes:
        for interface in node.interfaces:
            for attachment in interface.attachments:
                attached.setdefault(attachment.network, []).append((node, attachment))
    kubernetes = resolved.topology.kubernetes
    internal = [network.cidr for network in resolved.topology.networks]
    if kubernetes is not None:
        internal += [kubernetes.pods, *([kubernetes.services] if kubernetes.services else [])]
    internal += [network for pool in resolved.topology.pools if pool.is_routed for network in pool_networks(pool)]
    return Register(
        resolved=resolved,
        owners=tuple((node, pods.value) for node in resolved.topology.nodes for pods in node.pod_networks),
        internal=outermost(internal),
        internet=tuple(node for node in resolved.topology.nodes if node.internet),
        attached={network: tuple(nodes) for network, nodes in attached.items()},
    )


def _join(parties: list[Party]) -> Party:
    """One party of those that differ in nodes and addresses only."""
    if len(parties) == 1 and len(parties[0].addresses) == 1:
        return parties[0]
    return replace(
        parties[0],
        nodes=tuple(dict.fromkeys(node for party in parties for node in party.nodes)),
        addresses=outermost({address for party in parties for address in party.addresses}),
    )
