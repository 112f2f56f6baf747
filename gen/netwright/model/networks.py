"""Networks, and the interfaces that nodes have on them."""

from dataclasses import dataclass
from typing import Literal

from netaddr import IPAddress, IPNetwork

from netwright.model.devices import Device
from netwright.model.setting import Setting
from netwright.text.source import TopologyPath

ForwardMode = Literal["open", "route", "nat", "isolated"]
RpFilter = Literal["off", "strict", "loose"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LibvirtBridge:
    """A network that libvirt makes on its router: its name there, the bridge's, its forward mode, and whether dnsmasq
    answers DNS."""

    name: str
    bridge: str
    forward: ForwardMode
    dns: bool
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A layer-3 subnet on a layer-2 segment, whose tag on trunks is `vlan`; no router leads out of an isolated one."""

    name: str
    cidr: IPNetwork
    segment: str
    router: Setting[str] | None
    libvirt: LibvirtBridge | None
    cause: TopologyPath
    isolated: Setting[bool] | None = None
    vlan: Setting[int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """One address of an interface on one network."""

    network: str
    ip: IPAddress
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class SysctlSetting:
    """A kernel parameter: the key's words (an interface name is one word, dots and all) and its value as text."""

    key: tuple[str, ...]
    value: str
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    """A network interface of a node: a network card, or a device that its network service makes."""

    name: str
    attachments: tuple[Attachment, ...]
    mac: Setting[str] | None
    mtu: Setting[int] | None
    rp_filter: Setting[RpFilter] | None
    proxy_arp: Setting[bool] | None
    dns: Setting[tuple[IPAddress, ...]] | None
    sysctls: tuple[SysctlSetting, ...]
    cause: TopologyPath
    device: Device | None = None
