"""Packet filter and NAT, as the user wrote them."""

from typing import Literal

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model.setting import Setting
from netwright.model.traffic import End, Traffic
from netwright.text.source import TopologyPath

Policy = Literal["accept", "drop"]


class FirewallRule(Struct, frozen=True, kw_only=True):
    """A packet filter rule; no ends or interface means any."""

    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    ingress: str | None
    egress: str | None
    traffic: tuple[Traffic, ...]
    accept: bool
    comment: str | None
    cause: TopologyPath


class Chain(Struct, frozen=True, kw_only=True):
    """Traffic filtered at one hook of the packet filter."""

    policy: Setting[Policy] | None
    stateful: Setting[bool] | None
    rules: tuple[FirewallRule, ...]
    cause: TopologyPath


class Masquerade(Struct, frozen=True, kw_only=True):
    """Whose packets leave by an interface with its address, and for which destinations they don't."""

    sources: tuple[End, ...]
    egress: str
    exceptions: tuple[End, ...]
    cause: TopologyPath


class NatExemption(Struct, frozen=True, kw_only=True):
    """Traffic that keeps its source address."""

    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    cause: TopologyPath


class PortForward(Struct, frozen=True, kw_only=True):
    """Ports at an address of a router that lead on to a machine behind it, and for whose packets.

    `to_port` is None where ports stay as they are, `address` where the router has one towards the sources. Where the
    source `is_replaced`, the target sees the router's address; by `hairpin` others inside use it as well.
    """

    name: str
    at: Setting[str]
    sources: tuple[End, ...]
    ports: tuple[Traffic, ...]
    to: End
    to_port: int | None
    address: Setting[IPAddress] | None
    is_replaced: bool
    hairpin: bool
    cause: TopologyPath


class IpMasqAgent(Struct, frozen=True, kw_only=True):
    """Configuration of ip-masq-agent."""

    non_masquerade_cidrs: tuple[IPNetwork, ...]
    masq_link_local: bool | None
