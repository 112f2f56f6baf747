"""Virtual addresses at a holder: keepalived's instances and HAProxy's services."""

from collections.abc import Iterator

from netaddr import IPAddress

from netwright.model import Interface, Node, Service, VirtualAddress
from netwright.plan.virtual_address_types import PlannedService, PlannedVirtualAddress, PlannedVrrp
from netwright.topology.resolved import ResolvedTopology

_HIGHEST = 150
"""Priority of the first holder; the others follow in the order of the topology. 255 is for owners (RFC 5798, 5.2.4)."""
_HEALTH_PORT = 8405


def plan_virtual_addresses(resolved: ResolvedTopology, node: Node) -> Iterator[PlannedVirtualAddress]:
    """Yield the virtual addresses of which the node has something written: what moves them, or what they serve."""
    held = [one for one in resolved.topology.virtual_addresses if one.is_held_by(node.name)]
    for number, virtual in enumerate(held if _may_balance(node) else ()):
        interface = resolved.connected_interface(node, virtual.ip.value)
        services = tuple(_plan_service(resolved, node, service) for service in virtual.serves)
        if interface is None or (virtual.vrrp is None and not any(service.servers for service in services)):
            continue
        yield PlannedVirtualAddress(
            name=virtual.name.replace(".", "-"),
            ip=virtual.ip.value,
            prefix=_prefix(resolved, interface, virtual.ip.value),
            vrrp=_plan_vrrp(resolved, node, virtual, interface),
            services=services,
            health_port=_HEALTH_PORT + number,
            cause=virtual.cause,
        )


def balances(resolved: ResolvedTopology, node: Node) -> VirtualAddress | None:
    """Return the first virtual address at which HAProxy on the node answers, None if there is none."""
    held = (one for one in resolved.topology.virtual_addresses if one.is_held_by(node.name))
    balanced = (one for one in held if any(service.backends for service in one.serves))
    return next(balanced, None) if _may_balance(node) else None


def _may_balance(node: Node) -> bool:
    """Return whether keepalived and HAProxy come with the node's system, or its administrator is asked for them."""
    return node.system.has_balancers or not node.is_managed


def _plan_vrrp(
    resolved: ResolvedTopology, node: Node, virtual: VirtualAddress, interface: Interface
) -> PlannedVrrp | None:
    if virtual.vrrp is None:
        return None
    names = [holder.value for holder in virtual.holders]
    others = [resolved.nodes[name] for name in names if name != node.name]
    return PlannedVrrp(
        id=virtual.vrrp.id.value,
        interface=interface.name,
        source=_beside(resolved, interface, virtual.ip.value),
        peers=tuple(
            _beside(resolved, card, virtual.ip.value)
            for other in others
            if (card := resolved.connected_interface(other, virtual.ip.value)) is not None
        ),
        priority=max(_HIGHEST - names.index(node.name), 1),
        multicast=virtual.vrrp.multicast,
        interval=virtual.vrrp.interval,
        cause=virtual.vrrp.cause,
    )


def _prefix(resolved: ResolvedTopology, interface: Interface, ip: IPAddress) -> int:
    return max(
        network.cidr.prefixlen
        for attachment in interface.attachments
        if (network := resolved.network_of(attachment)) is not None and ip in network.cidr
    )


def _beside(resolved: ResolvedTopology, interface: Interface, ip: IPAddress) -> IPAddress:
    """The interface's own address on the network of another."""
    return next(
        attachment.ip
        for attachment in interface.attachments
        if (network := resolved.network_of(attachment)) is not None and ip in network.cidr
    )


def _plan_service(resolved: ResolvedTopology, node: Node, service: Service) -> PlannedService:
    nodes: dict[str, Node] = {}
    for backend in service.backends:
        named = resolved.members.get(backend.value) or (resolved.nodes[backend.value],)
        nodes |= {one.name: one for one in named}
    return PlannedService(
        name=service.name,
        port=service.port,
        to_port=service.to_port,
        servers=tuple((name, resolved.address_from(node, one)) for name, one in nodes.items()),
        cause=service.cause,
    )
