"""The topology as typed, frozen values. Names of other objects stay names; the room `topology` resolves them."""

from netwright.model.devices import (
    DEFAULT_WIREGUARD_PORT,
    Bond,
    Bridge,
    Device,
    Dummy,
    Vlan,
    Wireguard,
    below,
    members_of,
)
from netwright.model.filtering import Chain, FirewallRule, IpMasqAgent, Masquerade, NatExemption, Policy
from netwright.model.networks import Attachment, ForwardMode, Interface, LibvirtBridge, Network, RpFilter, SysctlSetting
from netwright.model.routes import (
    ROUTE_ATTRIBUTES,
    NextHop,
    PolicyRule,
    Route,
    RouteAttributes,
    RouteType,
    RoutingStyle,
)
from netwright.model.setting import Setting
from netwright.model.systems import OPERATING_SYSTEMS, UNMANAGED, Family, NetworkConfig, OperatingSystem, Provisioning
from netwright.model.topology import KUBERNETES_API, Kubernetes, Node, Service, Topology, VirtualAddress, Vrrp
from netwright.model.traffic import End, Flow, Traffic

__all__ = (
    "DEFAULT_WIREGUARD_PORT",
    "KUBERNETES_API",
    "OPERATING_SYSTEMS",
    "ROUTE_ATTRIBUTES",
    "UNMANAGED",
    "Attachment",
    "Bond",
    "Bridge",
    "Chain",
    "Device",
    "Dummy",
    "End",
    "Family",
    "FirewallRule",
    "Flow",
    "ForwardMode",
    "Interface",
    "IpMasqAgent",
    "Kubernetes",
    "LibvirtBridge",
    "Masquerade",
    "NatExemption",
    "Network",
    "NetworkConfig",
    "NextHop",
    "Node",
    "OperatingSystem",
    "Policy",
    "PolicyRule",
    "Provisioning",
    "Route",
    "RouteAttributes",
    "RouteType",
    "RoutingStyle",
    "RpFilter",
    "Service",
    "Setting",
    "SysctlSetting",
    "Topology",
    "Traffic",
    "VirtualAddress",
    "Vlan",
    "Vrrp",
    "Wireguard",
    "below",
    "members_of",
)
