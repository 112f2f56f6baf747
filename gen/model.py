"""The topology as typed, frozen values. Names of other objects stay names; gen.fabric resolves them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from netaddr import IPAddress, IPNetwork

from gen.source import TopologyPath

T_co = TypeVar("T_co", covariant=True)
RpFilter = Literal["off", "strict", "loose"]
NetworkConfig = Literal["ifcfg", "keyfile"]
Policy = Literal["accept", "drop"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting(Generic[T_co]):
    """A value and the place in the topology that it comes from (a default, a network, a group or the node)."""

    value: T_co
    cause: TopologyPath


class Family(StrEnum):
    """Operating systems that are configured alike."""

    FLATCAR = "flatcar"
    ROCKY = "rocky"
    UNMANAGED = "unmanaged"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingSystem:
    """A value of `os`: its family, and the formats that its network configuration can have, the default first.

    `sysctl_globs`: its systemd takes `*` in the keys of sysctl.d (since 246).
    """

    name: str
    family: Family
    network_configs: tuple[NetworkConfig, ...] = ()
    sysctl_globs: bool = True


_FORMATS: tuple[tuple[int, tuple[NetworkConfig, ...]], ...] = (
    (8, ("ifcfg", "keyfile")),
    (9, ("ifcfg", "keyfile")),  # ifcfg is deprecated here and gone in the next release
    (10, ("keyfile",)),
)

OPERATING_SYSTEMS = {
    system.name: system
    for system in (
        OperatingSystem(name="flatcar", family=Family.FLATCAR),
        OperatingSystem(name="unmanaged", family=Family.UNMANAGED, sysctl_globs=False),
        *(
            OperatingSystem(
                name=f"{clone}{release}",
                family=Family.ROCKY,
                network_configs=formats,
                sysctl_globs=release >= 9,  # 8 has systemd 239
            )
            for clone in ("rocky", "almalinux")
            for release, formats in _FORMATS
        ),
    )
}
"""Every value of `os`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LibvirtBridge:
    """A network that libvirt makes on its router: the bridge's name, forward mode, and whether dnsmasq answers DNS."""

    bridge: str
    forward: Literal["open", "route", "nat", "isolated"]
    dns: bool
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A layer-3 subnet on a layer-2 segment."""

    name: str
    cidr: IPNetwork
    segment: str
    router: Setting[str] | None
    libvirt: LibvirtBridge | None
    cause: TopologyPath


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
    """A network interface of a node."""

    name: str
    attachments: tuple[Attachment, ...]
    mac: Setting[str] | None
    mtu: Setting[int] | None
    rp_filter: Setting[RpFilter] | None
    proxy_arp: Setting[bool] | None
    dns: Setting[tuple[IPAddress, ...]] | None
    sysctls: tuple[SysctlSetting, ...]
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class NextHop:
    """A next hop as the user wrote it: a node's name, or an address (then `ip` is set)."""

    text: str
    ip: IPAddress | None


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """Who sends or receives, as the user wrote it: a name, or an address or network (then `network` is set)."""

    text: str
    network: IPNetwork | None
    cause: TopologyPath


RouteType = Literal["unicast", "blackhole", "unreachable", "prohibit"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A static route as the user wrote it."""

    to: End
    via: NextHop | None
    dev: str | None
    metric: int | None
    onlink: bool
    table: int | None
    source: IPAddress | None
    mtu: int | None
    type: RouteType
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRule:
    """A routing policy rule; absent source or destination means any."""

    priority: int
    source: IPNetwork | None
    destination: IPNetwork | None
    table: int
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """A protocol and, for tcp, udp and sctp, a range of destination ports; any protocol if it is None."""

    protocol: str | None
    ports: tuple[int, int] | None


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
    """What is filtered at one hook of the packet filter."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultRoute:
    """A default route as the user wrote it; no next hop means none is wanted."""

    via: NextHop | None
    metric: int | None
    dev: str | None
    onlink: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A machine or device with the settings of its groups and networks merged in."""

    name: str
    cause: TopologyPath
    groups: tuple[str, ...]
    os: Setting[OperatingSystem] | None
    hostname: Setting[str]
    domain: Setting[str] | None
    dns: Setting[tuple[IPAddress, ...]] | None
    role: Setting[str] | None
    forward: Setting[bool] | None
    default_route: Setting[DefaultRoute] | None
    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]
    policy_rules: tuple[PolicyRule, ...]
    sysctls: tuple[SysctlSetting, ...]
    rp_filter: Setting[RpFilter] | None
    input: Chain | None
    forward_chain: Chain | None
    masquerades: tuple[Masquerade, ...]
    nat_exemptions: tuple[NatExemption, ...]
    ip_masq_agent: Setting[IpMasqAgent] | None
    pod_networks: tuple[Setting[IPNetwork], ...]
    network_config: Setting[NetworkConfig] | None
    butane_version: Setting[str] | None
    dropins_only: Setting[bool] | None
    butane_snippets: tuple[Setting[str], ...]
    cloud_init_snippets: tuple[Setting[str], ...]
    internet: bool
    firewalld_masked: bool
    docker: Setting[bool] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """The virtual address of the Kubernetes API and the nodes that may hold it."""

    vip: IPAddress
    port: int
    holders: tuple[Setting[str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kubernetes:
    """The cluster network of Kubernetes."""

    pods: IPNetwork
    node_prefix: int
    services: IPNetwork | None
    plugin: Literal["flannel", "none"]
    backend: Literal["vxlan", "host-gw"]
    api: Api | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Traffic that must work in both directions, or must not."""

    name: str
    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    traffic: tuple[Traffic, ...]
    allow: bool
    nat_never: bool
    via: tuple[Setting[str], ...]
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Routing:
    """How the routes that flows need are written."""

    style: Literal["explicit", "minimal"]
    summarize: bool
    cause: TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """A whole topology; networks, nodes and flows in the order of the file, groups by name."""

    name: str
    flows: tuple[Flow, ...]
    routing: Routing
    templates: Setting[str] | None
    networks: tuple[Network, ...]
    nodes: tuple[Node, ...]
    groups: tuple[str, ...]
    kubernetes: Kubernetes | None
