"""The whole: nodes, Kubernetes, and everything else of a topology."""

from typing import Literal

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model.cni import Cni, CniPlugin
from netwright.model.containers import Docker
from netwright.model.filtering import Chain, IpMasqAgent, Masquerade, NatExemption, PortForward
from netwright.model.networks import Interface, Network, RpFilter, SysctlSetting
from netwright.model.pools import Pool
from netwright.model.routes import PolicyRule, Route, RoutingStyle
from netwright.model.setting import Setting
from netwright.model.systems import UNMANAGED, NetworkConfig, OperatingSystem
from netwright.model.traffic import Flow
from netwright.text.source import TopologyPath

Backend = Literal["vxlan", "host-gw", "wireguard-native"]
KUBERNETES_API = "kubernetes.api"
"""The name by which flows know the virtual address of the Kubernetes API."""
CNI_ZONE = "cni"
"""The zone of flannel's interfaces on a node whose firewalld is managed."""
Firewalld = Literal["absent", "managed", "masked", "running"]


class TimeServer(Struct, frozen=True, kw_only=True):
    """An NTP server: its address, or its name, which is a node's, a virtual address', NODE@NETWORK, or DNS has it."""

    text: str
    ip: IPAddress | None
    cause: TopologyPath


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
    ntp: Setting[tuple[TimeServer, ...]] | None
    hosts: Setting[bool] | None
    role: Setting[str] | None
    forward: Setting[bool] | None
    default_route: Setting[tuple[Route, ...]] | None
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
    docker: Setting[Docker] | None

    @property
    def system(self) -> OperatingSystem:
        """The operating system; without one, an unmanaged one."""
        return self.os.value if self.os is not None else UNMANAGED

    @property
    def is_managed(self) -> bool:
        """Return whether netwright writes the node's configuration."""
        return self.system.is_managed

    @property
    def runs_docker(self) -> bool:
        """Return whether Docker runs there."""
        return self.docker is not None and self.docker.value.runs

    @property
    def bridged(self) -> Docker | None:
        """Docker whose containers are on its bridge, by the topology; None where they are on the node's own network, or
        nothing is said of them."""
        return self.docker.value if self.docker is not None and self.docker.value.network == "bridge" else None


class Service(Struct, frozen=True, kw_only=True):
    """A TCP port of a virtual address, and the nodes or groups to whose port HAProxy at its holders leads, if any."""

    name: str
    port: int
    to_port: int
    backends: tuple[Setting[str], ...]
    cause: TopologyPath


class Vrrp(Struct, frozen=True, kw_only=True):
    """How keepalived at the holders of a virtual address agrees on one: the number of the virtual router, whether they
    speak to each other's addresses or to the group, and seconds between advertisements."""

    id: Setting[int]
    multicast: bool
    interval: int
    cause: TopologyPath


class VirtualAddress(Struct, frozen=True, kw_only=True):
    """An address that one of its holders has at a time, under the name by which flows know it.

    Without `vrrp` it is not told what moves it.
    """

    name: str
    ip: Setting[IPAddress]
    holders: tuple[Setting[str], ...]
    vrrp: Vrrp | None
    serves: tuple[Service, ...]
    cause: TopologyPath

    def is_held_by(self, node: str) -> bool:
        """Return whether a node may hold it."""
        return any(holder.value == node for holder in self.holders)


class Kubernetes(Struct, frozen=True, kw_only=True):
    """The cluster network of Kubernetes; `api_port` is the API's, at its virtual address if it has one."""

    pods: IPNetwork
    node_prefix: int
    services: IPNetwork | None
    plugin: CniPlugin
    foreign: Cni | None
    backend: Backend
    interface: Setting[str] | None
    config: Setting[bool] | None
    api_port: Setting[int]
    unused: tuple[str, ...] = ()
    """Keys of the network plugin that are stated, and that another plugin has."""

    @property
    def hides_pods(self) -> bool:
        """Return whether what pods send out of the cluster has their node's address."""
        return self.plugin == "flannel" or (self.foreign is not None and self.foreign.masquerades)


class Topology(Struct, frozen=True, kw_only=True):
    """A whole topology; networks, nodes, virtual addresses and flows in the order of the file, groups by name. The
    Kubernetes API's virtual address is the first, as kubernetes.api."""

    name: str
    flows: tuple[Flow, ...]
    routing: RoutingStyle
    templates: Setting[str] | None
    networks: tuple[Network, ...]
    nodes: tuple[Node, ...]
    groups: tuple[str, ...]
    kubernetes: Kubernetes | None
    virtual_addresses: tuple[VirtualAddress, ...]
    pools: tuple[Pool, ...] = ()
    forwards: tuple[PortForward, ...] = ()
