"""Topology -> NodePlan for each node: what it needs, free of any operating system's formats."""

from netwright.flows import NO_NEEDS, NodeNeeds
from netwright.model import NetworkConfig, Node, OperatingSystem, Setting
from netwright.plan.k3s import plan_k3s
from netwright.plan.links import plan_libvirt_networks, plan_links
from netwright.plan.routes import plan_routes
from netwright.plan.ruleset import plan_ruleset
from netwright.plan.sysctls import plan_sysctls
from netwright.plan.time_servers import plan_time_askers, plan_time_servers
from netwright.plan.types import NodePlan, PlannedSnippet
from netwright.plan.virtual_addresses import plan_virtual_addresses
from netwright.text.source import TopologyPath
from netwright.topology.host_records import records_for
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import manages_firewalld, node_forwarding

DEFAULT_BUTANE_VERSION = "1.0.0"
DEFAULT_LOCAL_FILES_MIB = 32
"""The version that every supported Flatcar takes (Ignition spec 3.3.0)."""


def plan_node(resolved: ResolvedTopology, node: Node, needs: NodeNeeds = NO_NEEDS) -> NodePlan:
    """Return the node's plan: what the topology states for it, and what flows need of it. The checks have passed."""
    system = node.system
    routes = plan_routes(resolved, node, needs)
    ruleset = plan_ruleset(resolved, node, needs)
    forwarding = node_forwarding(node)
    return NodePlan(
        name=node.name,
        cluster=resolved.topology.name,
        family=system.family,
        os=system.name,
        network_config=choose_network_config(node, system),
        hostname=node.hostname.value,
        domain=node.domain.value if node.domain else None,
        links=plan_links(resolved, node, routes, needs),
        libvirt_networks=plan_libvirt_networks(resolved, node, routes),
        sysctls=plan_sysctls(resolved, node, needs, ruleset),
        ruleset=ruleset,
        ip_masq_agent=node.ip_masq_agent.value if node.ip_masq_agent else None,
        butane_version=node.butane_version.value if node.butane_version else DEFAULT_BUTANE_VERSION,
        local_files_mib=node.local_files_mib.value if node.local_files_mib else DEFAULT_LOCAL_FILES_MIB,
        dropins_only=node.dropins_only is not None and node.dropins_only.value,
        firewalld_masked=node.firewalld is not None and node.firewalld.value == "masked",
        firewalld_managed=manages_firewalld(node),
        butane_snippets=_snippets(node.butane_snippets),
        cloud_init_snippets=_snippets(node.cloud_init_snippets),
        forwards=forwarding[0] if forwarding is not None else bool(needs.forwarding),
        kubernetes=node.role is not None,
        k3s=tuple(plan_k3s(resolved, node)),
        hosts=records_for(resolved, node) if node.hosts is not None and node.hosts.value else (),
        time_servers=tuple(plan_time_servers(resolved, node)),
        time_askers=plan_time_askers(needs),
        virtual_addresses=tuple(plan_virtual_addresses(resolved, node)),
        cause=node.cause,
        causes=_causes(node),
    )


def choose_network_config(node: Node, system: OperatingSystem) -> NetworkConfig | None:
    """Format of the node's network configuration: its own setting, else its system's default; None if it has none."""
    if node.network_config is not None and node.network_config.value in system.network_configs:
        return node.network_config.value
    return system.network_configs[0] if system.network_configs else None


def _snippets(files: tuple[Setting[str], ...]) -> tuple[PlannedSnippet, ...]:
    """Each file once, where it is first named: two groups may well ask for the same one."""
    causes = {file.value: file.cause for file in reversed(files)}
    return tuple(PlannedSnippet(path=path, cause=causes[path]) for path in dict.fromkeys(file.value for file in files))


def _causes(node: Node) -> tuple[tuple[str, TopologyPath], ...]:
    """Return the causes of the node's single settings, by their key in the topology; sorted."""
    settings: tuple[tuple[str, Setting[object] | None], ...] = (
        ("butane_version", node.butane_version),
        ("dns", node.dns),
        ("domain", node.domain),
        ("firewalld", node.firewalld),
        ("hostname", node.hostname),
        ("hosts", node.hosts),
        ("ip_masq_agent", node.ip_masq_agent),
        ("network_config", node.network_config),
        ("ntp", node.ntp),
        ("os", node.os),
    )
    return tuple((key, setting.cause) for key, setting in settings if setting is not None)
