"""Networks, and the interfaces that nodes have on them."""

from typing import Literal

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model.devices import Device
from netwright.model.setting import Setting
from netwright.text.source import TopologyPath

RpFilter = Literal["off", "strict", "loose"]
ForwardMode = Literal["open", "route", "nat", "isolated", "bridge"]


class LibvirtBridge(Struct, frozen=True, kw_only=True):
    """A network of libvirt: its name there, the bridge's, its forward mode, and what its dnsmasq does.

    Libvirt makes the bridge on the network's router, unless it only joins guests to a `bridge` of the host's own.
    `dns`: dnsmasq answers DNS, also for `dns_hosts`, names with their address; `dhcp`: it leases the addresses that it
    keeps for interfaces, and those from the first to the last of a range if there is one.
    """

    name: str
    bridge: str
    forward: ForwardMode
    dns: bool
    cause: TopologyPath
    dhcp: Setting[tuple[IPAddress, IPAddress] | None] | None = None
    domain: Setting[str] | None = None
    dns_hosts: tuple[Setting[tuple[str, IPAddress]], ...] = ()

    @property
    def is_joined(self) -> bool:
        """Return whether guests join a bridge that the host makes itself."""
        return self.forward == "bridge"


class Network(Struct, frozen=True, kw_only=True):
    """A layer-3 subnet on a layer-2 segment, whose tag on trunks is `vlan`; no router leads out of an isolated one.

    `wireguard` is the place that makes it a WireGuard tunnel among the nodes on it, None of any other network.
    """

    name: str
    cidr: IPNetwork
    segment: str
    router: Setting[str] | None
    libvirt: LibvirtBridge | None
    cause: TopologyPath
    isolated: Setting[bool] | None = None
    vlan: Setting[int] | None = None
    wireguard: TopologyPath | None = None


class Attachment(Struct, frozen=True, kw_only=True):
    """One address of an interface on one network."""

    network: str
    ip: IPAddress
    cause: TopologyPath


class SysctlSetting(Struct, frozen=True, kw_only=True):
    """A kernel parameter: the key's words (an interface name is one word, dots and all) and its value as text."""

    key: tuple[str, ...]
    value: str
    cause: TopologyPath


class CardMatch(Struct, frozen=True, kw_only=True):
    """What a network card is found by besides its hardware address: patterns of its driver, place and name.

    With `rename` the card gets the interface's name.
    """

    driver: Setting[str] | None
    path: Setting[str] | None
    name: Setting[str] | None
    rename: Setting[bool] | None
    cause: TopologyPath

    @property
    def patterns(self) -> tuple[Setting[str], ...]:
        """The patterns that there are; none where the hardware address alone finds the card."""
        return tuple(pattern for pattern in (self.driver, self.path, self.name) if pattern is not None)

    @property
    def renames(self) -> bool:
        """Return whether the card gets the interface's name."""
        return self.rename is not None and self.rename.value


class Interface(Struct, frozen=True, kw_only=True):
    """A network interface of a node: a network card, or a device that its network service makes.

    `dhcp` is the network whose server leases its address: the one that it has here, where the server keeps it for the
    interface, else an unknown one.
    """

    name: str
    attachments: tuple[Attachment, ...]
    mac: Setting[str] | None
    mtu: Setting[int] | None
    rp_filter: Setting[RpFilter] | None
    proxy_arp: Setting[bool] | None
    arp_ignore: Setting[int] | None
    arp_announce: Setting[int] | None
    dns: Setting[tuple[IPAddress, ...]] | None
    sysctls: tuple[SysctlSetting, ...]
    cause: TopologyPath
    device: Device | None = None
    match: CardMatch | None = None
    optional: bool = False
    dhcp: Setting[str] | None = None
