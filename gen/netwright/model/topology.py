"""The whole: nodes, Kubernetes, and everything else of a topology."""

from typing import Literal

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model.filtering import Chain, IpMasqAgent, Masquerade, NatExemption
from netwright.model.networks import Interface, Network, RpFilter, SysctlSetting
from netwright.model.routes import PolicyRule, Route, RoutingStyle
from netwright.model.setting import Setting
from netwright.model.systems import UNMANAGED, NetworkConfig, OperatingSystem
from netwright.model.traffic import Flow
from netwright.text.source import TopologyPath

Backend = Literal["vxlan", "host-gw", "wireguard-native"]
Firewalld = Literal["absent", "running", "masked"]


class Node(Struct, frozen=True, kw_only=True):
    """A machine or device with the settings of its groups and networks merged in.

    `links` are all its interfaces in natural order, `interfaces` those that have an address.
    """

    name: str
    cause: TopologyPath
    groups: tuple[str, ...]
    os: Setting[OperatingSystem] | None
    hostname: Setting[str]
    domain: Setting[str] | None
    dns: Setting[tuple[IPAddress, ...]] | None
    role: Setting[str] | None
    forward: Setting[bool] | None
    default_route: Setting[Route | None] | None
    interfaces: tuple[Interface, ...]
    links: tuple[Interface, ...]
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
    local_files_mib: Setting[int] | None
    dropins_only: Setting[bool] | None
    butane_snippets: tuple[Setting[str], ...]
    cloud_init_snippets: tuple[Setting[str], ...]
    trusted: tuple[Setting[str], ...]
    internet: bool
    firewalld: Setting[Firewalld] | None
    docker: Setting[bool] | None

    @property
    def system(self) -> OperatingSystem:
        """The operating system; without one, an unmanaged one."""
        return self.os.value if self.os is not None else UNMANAGED

    @property
    def is_managed(self) -> bool:
        """Return whether netwright writes the node's configuration."""
        return self.system.is_managed


class Api(Struct, frozen=True, kw_only=True):
    """The virtual address of the Kubernetes API and the nodes that may hold it."""

    vip: IPAddress
    port: int
    holders: tuple[Setting[str], ...]


class Kubernetes(Struct, frozen=True, kw_only=True):
    """The cluster network of Kubernetes."""

    pods: IPNetwork
    node_prefix: int
    services: IPNetwork | None
    plugin: Literal["flannel", "none"]
    backend: Backend
    interface: Setting[str] | None
    api: Api | None


class Topology(Struct, frozen=True, kw_only=True):
    """A whole topology; networks, nodes and flows in the order of the file, groups by name."""

    name: str
    flows: tuple[Flow, ...]
    routing: RoutingStyle
    templates: Setting[str] | None
    networks: tuple[Network, ...]
    nodes: tuple[Node, ...]
    groups: tuple[str, ...]
    kubernetes: Kubernetes | None
