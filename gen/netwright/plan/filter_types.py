"""Packet filter of a node, as planned: rules, chains and NAT."""

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.flows.types import Hook
from netwright.model import Policy
from netwright.text.source import TopologyPath


class FilterRule(Struct, frozen=True, kw_only=True):
    """A packet filter rule; empty tuples and None mean any. Addresses and port ranges are merged and sorted.

    `outside` turns addresses into all but those; what leaves, leaves by none of `besides`. `hits_itself`: it would
    refuse what the machine sends to itself, too. `translated`: only what a port forward has led on. `opened`:
    destinations and ports are those for which the connection was opened, whatever they were translated to since.
    `answers`: what answers such traffic from these ports, and begins no connection of TCP.
    """

    ingress: str | None
    egress: str | None
    sources: tuple[IPNetwork, ...]
    destinations: tuple[IPNetwork, ...]
    protocol: str | None
    ports: tuple[tuple[int, int], ...]
    accept: bool
    comment: str | None
    cause: TopologyPath
    sources_outside: bool = False
    destinations_outside: bool = False
    besides: tuple[str, ...] = ()
    hits_itself: bool = False
    translated: bool = False
    opened: bool = False
    answers: bool = False
    flows: tuple[str, ...] = ()


class FilterChain(Struct, frozen=True, kw_only=True):
    """A base chain of the packet filter; with `spares_itself` what the machine sends to itself is accepted first."""

    hook: Hook
    policy: Policy
    stateful: bool
    spares_itself: bool
    rules: tuple[FilterRule, ...]
    cause: TopologyPath


class PlannedExemption(Struct, frozen=True, kw_only=True):
    """Traffic that keeps its source address whatever a later chain does."""

    sources: tuple[IPNetwork, ...]
    destinations: tuple[IPNetwork, ...]
    cause: TopologyPath
    flows: tuple[str, ...] = ()


class PlannedMasquerade(Struct, frozen=True, kw_only=True):
    """Packets that leave by an interface, or by none of `besides`, with its address, but not to the exceptions.

    If there are destinations, only to those; if there is a protocol, only it and its ports; `translated`: only what a
    port forward has led on.
    """

    sources: tuple[IPNetwork, ...]
    egress: str | None
    exceptions: tuple[IPNetwork, ...]
    cause: TopologyPath
    besides: tuple[str, ...] = ()
    destinations: tuple[IPNetwork, ...] = ()
    translated: bool = False
    protocol: str | None = None
    ports: tuple[tuple[int, int], ...] = ()
    flows: tuple[str, ...] = ()


class PlannedForward(Struct, frozen=True, kw_only=True):
    """Packets for ports of the node that it leads on to a target: those that come by an interface, or by none of
    `besides`, and from the sources, if there are any.

    No address stands for any of the node's own but the `spared` ones, no `to_port` for the port that they have.
    """

    ingress: str | None
    besides: tuple[str, ...]
    sources: tuple[IPNetwork, ...]
    address: IPAddress | None
    spared: tuple[IPNetwork, ...]
    protocol: str
    ports: tuple[tuple[int, int], ...]
    target: IPAddress
    to_port: int | None
    name: str
    cause: TopologyPath
    flows: tuple[str, ...] = ()


class Ruleset(Struct, frozen=True, kw_only=True):
    """The node's own nftables table."""

    chains: tuple[FilterChain, ...]
    exemptions: tuple[PlannedExemption, ...]
    masquerades: tuple[PlannedMasquerade, ...]
    forwards: tuple[PlannedForward, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing in it."""
        return not (self.chains or self.exemptions or self.masquerades or self.forwards)
