"""Devices of software that a node's network service makes: what an interface is that is no network card."""

from typing import Literal, TypeAlias

from msgspec import Struct

from netwright.model.setting import Setting

BondMode = Literal["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"]
TransmitHash = Literal["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4"]
LacpRate = Literal["slow", "fast"]

DEFAULT_BOND_MODE: BondMode = "active-backup"
"""The mode that works with any switch."""
DEFAULT_WIREGUARD_PORT = 51820
"""The port that the documentation of WireGuard uses (wireguard.com/quickstart)."""
DEFAULT_MIIMON = 100
"""Milliseconds between two looks at a member's link (Linux, Documentation/networking/bonding.rst, advises it)."""


class Vlan(Struct, frozen=True, kw_only=True):
    """An interface on a tagged network of its parent; `tag` is its own, else that of its network."""

    parent: Setting[str]
    tag: Setting[int] | None


class Bond(Struct, frozen=True, kw_only=True):
    """Several cards as one; times in milliseconds."""

    members: tuple[Setting[str], ...]
    mode: Setting[BondMode] | None
    lacp_rate: Setting[LacpRate] | None
    transmit_hash: Setting[TransmitHash] | None
    primary: Setting[str] | None
    min_links: Setting[int] | None
    miimon: Setting[int] | None
    up_delay: Setting[int] | None
    down_delay: Setting[int] | None

    @property
    def effective_mode(self) -> BondMode:
        """The mode, stated or not."""
        return self.mode.value if self.mode is not None else DEFAULT_BOND_MODE

    @property
    def effective_miimon(self) -> int:
        """The milliseconds between two looks at a member's link, stated or not."""
        return self.miimon.value if self.miimon is not None else DEFAULT_MIIMON


class BridgePort(Struct, frozen=True, kw_only=True):
    """The VLANs that a port of a bridge carries, or the bridge itself: that of untagged frames, and those with tags."""

    name: Setting[str]
    untagged: Setting[int] | None
    tagged: tuple[Setting[int], ...]


class Bridge(Struct, frozen=True, kw_only=True):
    """A bridge with ports of the node's; others, of guests, join while it runs. The delay is in seconds.

    With `vlan_filtering` frames pass between ports that carry their VLAN; `untagged` is that of every port's untagged
    frames, or each of `ports` states its own.
    """

    members: tuple[Setting[str], ...]
    stp: bool
    priority: Setting[int] | None
    forward_delay: Setting[int] | None
    vlan_filtering: bool
    untagged: Setting[int] | None
    ports: tuple[BridgePort, ...]


class Dummy(Struct, frozen=True, kw_only=True):
    """A device that leads nowhere, for addresses that don't depend on a card."""


class Wireguard(Struct, frozen=True, kw_only=True):
    """An end of a WireGuard tunnel: its keys, and the UDP port on which it listens.

    `endpoint` is where others reach it, a host with or without a port; `keepalive` is in seconds.
    """

    public_key: Setting[str]
    private_key_file: Setting[str]
    port: Setting[int]
    endpoint: Setting[str] | None
    keepalive: Setting[int] | None


Device: TypeAlias = Vlan | Bond | Bridge | Dummy | Wireguard


def members_of(device: Device | None) -> tuple[Setting[str], ...]:
    """The interfaces that a device takes for itself; none of a card."""
    return device.members if isinstance(device, Bond | Bridge) else ()


def below(device: Device | None) -> tuple[Setting[str], ...]:
    """The interfaces that carry a device's frames: its members or its parent."""
    return (device.parent,) if isinstance(device, Vlan) else members_of(device)
