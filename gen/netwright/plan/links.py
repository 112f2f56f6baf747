"""The links of a node: the interfaces that its network service configures, and the bridges that libvirt makes."""

from collections.abc import Mapping
from uuid import UUID, uuid5

from netaddr import IPAddress

from netwright.flows import NodeNeeds
from netwright.model import Bond, Interface, LibvirtBridge, Network, Node
from netwright.plan.from_flows import needed_policy_rules
from netwright.plan.tunnels import plan_tunnel, tunnel_mtu
from netwright.plan.types import (
    Controller,
    Lease,
    Leases,
    LibvirtNetwork,
    Link,
    PlannedAddress,
    PlannedPolicyRule,
    PlannedRoute,
)
from netwright.text.natural import natural_key
from netwright.topology.links import controllers, link_mtus, port_vlans, vlans_on
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import firewalld_zone, joined_networks, libvirt_bridges

_UUIDS = UUID("5c4a2ad4-6d3c-5d5a-9a75-6e6574777269")
"""Namespace of every UUID we make: uuid5 of CLUSTER/NODE/INTERFACE, so that a connection keeps its identity."""

RoutesByInterface = Mapping[str, tuple[PlannedRoute, ...]]


def plan_links(resolved: ResolvedTopology, node: Node, routes: RoutesByInterface, needs: NodeNeeds) -> tuple[Link, ...]:
    """The interfaces that are not bridges of libvirt, in natural order.

    The name servers of the node stand on the link of its default route, so that they are asked where they are reached;
    policy rules on the link that has a route in the rule's table.
    """
    bridges = libvirt_bridges(resolved, node)
    interfaces = [interface for interface in node.links if interface.name not in bridges]
    addressed = [interface for interface in interfaces if interface.attachments]
    main = _main_interface(addressed, routes)
    mtus, controlled, vlans, carried = link_mtus(node), controllers(node), vlans_on(node), port_vlans(node)
    return tuple(
        Link(
            name=interface.name,
            uuid=uuid5(_UUIDS, f"{resolved.topology.name}/{node.name}/{interface.name}"),
            mac=interface.mac.value if interface.mac else None,
            mtu=mtus[interface.name].value if interface.name in mtus else tunnel_mtu(resolved, interface),
            addresses=_addresses(resolved, interface),
            dns=interface.dns.value if interface.dns else node.dns.value if node.dns and interface is main else (),
            domain=node.domain.value if node.domain and interface is main else None,
            routes=routes.get(interface.name, ()),
            policy_rules=(
                *_policy_rules(node, interface, addressed, routes),
                *needed_policy_rules(needs, interface.name),
            ),
            cause=interface.cause,
            device=interface.device,
            match=interface.match,
            optional=interface.optional,
            port_vlans=carried.get(interface.name),
            controller=_controller(controlled.get(interface.name)),
            vlans=tuple(vlan.name for vlan in vlans.get(interface.name, ())),
            dhcp=None if interface.dhcp is None else "address" if interface.attachments else "all",
            tunnel=plan_tunnel(resolved, node, interface, routes.get(interface.name, ())),
            zone=firewalld_zone(node, interface),
        )
        for interface in interfaces
    )


def _controller(device: Interface | None) -> Controller | None:
    if device is None:
        return None
    bond = device.device if isinstance(device.device, Bond) else None
    return Controller(
        name=device.name,
        kind="bond" if bond is not None else "bridge",
        primary=bond.primary.value if bond is not None and bond.primary is not None else None,
        cause=device.cause,
    )


def plan_libvirt_networks(
    resolved: ResolvedTopology, node: Node, routes: RoutesByInterface
) -> tuple[LibvirtNetwork, ...]:
    """The networks that libvirt makes on the node, in natural order of their names."""
    bridges = libvirt_bridges(resolved, node)
    planned = []
    for interface in node.interfaces:
        network = bridges.get(interface.name)
        if network is None or network.libvirt is None:
            continue
        planned.append(
            LibvirtNetwork(
                name=network.name,
                libvirt_name=network.libvirt.name,
                uuid=uuid5(_UUIDS, f"{resolved.topology.name}/{node.name}/{interface.name}"),
                bridge=interface.name,
                forward=network.libvirt.forward,
                dns=network.libvirt.dns,
                mtu=interface.mtu.value if interface.mtu else None,
                addresses=_addresses(resolved, interface),
                routes=routes.get(interface.name, ()),
                cause=network.libvirt.cause,
                leases=plan_leases(resolved, network),
                domain=network.libvirt.domain.value if network.libvirt.domain is not None else None,
                dns_hosts=_dns_hosts(network.libvirt),
            )
        )
    planned += (
        LibvirtNetwork(
            name=network.name,
            libvirt_name=network.libvirt.name,
            uuid=uuid5(_UUIDS, f"{resolved.topology.name}/{node.name}/{link.name}/guests"),
            bridge=link.name,
            forward="bridge",
            dns=True,
            mtu=None,
            addresses=(),
            routes=(),
            cause=network.libvirt.cause,
        )
        for network, link in joined_networks(resolved, node)
        if network.libvirt is not None
    )
    return tuple(sorted(planned, key=lambda network: natural_key(network.name)))


def plan_leases(resolved: ResolvedTopology, network: Network) -> Leases | None:
    """The addresses that libvirt's dnsmasq leases on a network, None where it leases none."""
    libvirt = network.libvirt
    if libvirt is None or libvirt.dhcp is None:
        return None
    kept = [
        Lease(mac=link.mac.value, ip=at.ip, name=node.hostname.value, cause=at.cause)
        for node in resolved.topology.nodes
        for link in node.links
        for at in link.attachments
        if link.dhcp is not None and at.network == network.name and link.mac is not None
    ]
    return Leases(
        range=libvirt.dhcp.value,
        kept=tuple(sorted(kept, key=lambda lease: lease.ip)),
        cause=libvirt.dhcp.cause,
    )


def _dns_hosts(libvirt: LibvirtBridge) -> tuple[tuple[IPAddress, tuple[str, ...]], ...]:
    names: dict[IPAddress, list[str]] = {}
    for host in libvirt.dns_hosts:
        names.setdefault(host.value[1], []).append(host.value[0])
    return tuple((ip, tuple(names[ip])) for ip in sorted(names))


def _main_interface(interfaces: list[Interface], routes: RoutesByInterface) -> Interface | None:
    """The interface of the default route with the lowest metric, else the first."""
    defaults = [
        (route.metric or 0, number)
        for number, interface in enumerate(interfaces)
        for route in routes.get(interface.name, ())
        if route.is_default
    ]
    return interfaces[min(defaults)[1] if defaults else 0] if interfaces else None


def _addresses(resolved: ResolvedTopology, interface: Interface) -> tuple[PlannedAddress, ...]:
    return tuple(
        PlannedAddress(ip=attachment.ip, prefix=network.cidr.prefixlen, cause=attachment.cause)
        for attachment in interface.attachments
        if (network := resolved.network_of(attachment)) is not None
    )


def _policy_rules(
    node: Node, interface: Interface, interfaces: list[Interface], routes: RoutesByInterface
) -> tuple[PlannedPolicyRule, ...]:
    rules = []
    for rule in node.policy_rules:
        owners = [one for one in interfaces if any(route.table == rule.table for route in routes.get(one.name, ()))]
        if interface is (owners or interfaces)[0]:
            rules.append(rule)
    return tuple(
        PlannedPolicyRule(
            priority=rule.priority,
            source=rule.source,
            destination=rule.destination,
            ingress=rule.ingress,
            mark=rule.mark,
            mask=rule.mask,
            table=rule.table,
            cause=rule.cause,
        )
        for rule in sorted(rules, key=lambda rule: rule.priority)
    )
