"""The topology as typed, frozen values. Names of other objects stay names; gen.fabric resolves them."""

from gen.model.filtering import Chain, FirewallRule, IpMasqAgent, Masquerade, NatExemption, Policy
from gen.model.networks import Attachment, Interface, LibvirtBridge, Network, RpFilter, SysctlSetting
from gen.model.routes import DefaultRoute, NextHop, PolicyRule, Route, RouteType, Routing
from gen.model.setting import Setting
from gen.model.systems import OPERATING_SYSTEMS, UNMANAGED, Family, NetworkConfig, OperatingSystem, Provisioning
from gen.model.topology import Api, Kubernetes, Node, Topology
from gen.model.traffic import End, Flow, Traffic

__all__ = (
    "OPERATING_SYSTEMS",
    "UNMANAGED",
    "Api",
    "Attachment",
    "Chain",
    "DefaultRoute",
    "End",
    "Family",
    "FirewallRule",
    "Flow",
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
    "RouteType",
    "Routing",
    "RpFilter",
    "Setting",
    "SysctlSetting",
    "Topology",
    "Traffic",
)
