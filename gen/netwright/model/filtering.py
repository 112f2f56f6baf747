"""Packet filter and NAT, as the user wrote them."""

from dataclasses import dataclass
from typing import Literal

from netaddr import IPNetwork

from netwright.model.setting import Setting
from netwright.model.traffic import End, Traffic
from netwright.text.source import TopologyPath

Policy = Literal["accept", "drop"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FirewallRule:
    """A packet filter rule; no ends or interface means any."""

    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    ingress: str | None
    egress: str | None
    traffic: tuple[Traffic, ...]
    accept: bool
    comment: str | None
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """Traffic filtered at one hook of the packet filter."""

    policy: Setting[Policy] | None
    stateful: Setting[bool] | None
    rules: tuple[FirewallRule, ...]
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Masquerade:
    """Whose packets leave by an interface with its address, and for which destinations they don't."""

    sources: tuple[End, ...]
    egress: str
    exceptions: tuple[End, ...]
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class NatExemption:
    """Traffic that keeps its source address."""

    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class IpMasqAgent:
    """Configuration of ip-masq-agent."""

    non_masquerade_cidrs: tuple[IPNetwork, ...]
    masq_link_local: bool | None
