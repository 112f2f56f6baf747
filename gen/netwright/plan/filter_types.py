"""Packet filter of a node, as planned: rules, chains and NAT."""

from msgspec import Struct
from netaddr import IPNetwork

from netwright.flows.types import Hook
from netwright.model import Policy
from netwright.text.source import TopologyPath


class FilterRule(Struct, frozen=True, kw_only=True):
    """A packet filter rule; empty tuples and None mean any. Addresses and port ranges are merged and sorted.

    `outside` turns addresses into all but those; what leaves, leaves by none of `besides`. `hits_itself`: it would
    refuse what the machine sends to itself, too.
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

    If there are destinations, only to those.
    """

    sources: tuple[IPNetwork, ...]
    egress: str | None
    exceptions: tuple[IPNetwork, ...]
    cause: TopologyPath
    besides: tuple[str, ...] = ()
    destinations: tuple[IPNetwork, ...] = ()
    flows: tuple[str, ...] = ()


class Ruleset(Struct, frozen=True, kw_only=True):
    """The node's own nftables table."""

    chains: tuple[FilterChain, ...]
    exemptions: tuple[PlannedExemption, ...]
    masquerades: tuple[PlannedMasquerade, ...]
