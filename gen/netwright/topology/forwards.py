"""Port forwards with their names resolved: the router's address, the machine behind it, and who uses them."""

from collections.abc import Iterator

from msgspec import Struct
from netaddr import IPAddress, IPNetwork

from netwright.model import PortForward, Traffic
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import uplink

INTERNET = "internet"


class ForwardedPort(Struct, frozen=True, kw_only=True):
    """Ports as they are at the router's address, and as the target has them."""

    outer: Traffic
    inner: Traffic


def forwarded_ports(forward: PortForward) -> Iterator[ForwardedPort]:
    """The ports of a forward, each with that of the target."""
    for outer in forward.ports:
        inner = outer
        if forward.to_port is not None:
            inner = Traffic(protocol=outer.protocol, ports=(forward.to_port, forward.to_port))
        yield ForwardedPort(outer=outer, inner=inner)


def is_from_internet(forward: PortForward) -> bool:
    """Return whether packets from the internet are led on."""
    return any(end.text == INTERNET for end in forward.sources)


def inside_sources(resolved: ResolvedTopology, forward: PortForward) -> tuple[IPNetwork, ...]:
    """The networks of the topology from which packets are led on, without those that a hairpin adds."""
    ends = tuple(end for end in forward.sources if end.text != INTERNET)
    return resolved.union(ends) if ends else ()


def target_of(resolved: ResolvedTopology, forward: PortForward) -> IPAddress | None:
    """The address of the target; None if it has none, or several."""
    found = resolved.resolve_end(forward.to) or ()
    return found[0].ip if len(found) == 1 else None


def outer_addresses(resolved: ResolvedTopology, forward: PortForward) -> tuple[IPAddress, ...]:
    """The addresses at which the router may listen: the stated one; else those by which it leads to the internet, or
    those on the networks of the sources. None where the topology does not describe them."""
    if forward.address is not None:
        return (forward.address.value,)
    node = resolved.nodes[forward.at.value]
    if is_from_internet(forward):
        found = uplink(resolved, node)
        if found is None:
            return ()
        attached = [(at.ip, resolved.network_of(at)) for at in found.interface.attachments]
        near = tuple(ip for ip, network in attached if network is not None and found.gateway in network.cidr)
        return near or tuple(ip for ip, _ in attached)
    sources = inside_sources(resolved, forward)
    return tuple(
        attachment.ip
        for interface in node.interfaces
        for attachment in interface.attachments
        if (network := resolved.network_of(attachment)) is not None
        and any(source in network.cidr or network.cidr in source for source in sources)
    )


def outer_address(resolved: ResolvedTopology, forward: PortForward) -> IPAddress | None:
    """The address at which the router listens; None for whatever it has towards the internet."""
    return next(iter(outer_addresses(resolved, forward)), None)


def outer_interfaces(resolved: ResolvedTopology, forward: PortForward) -> tuple[str | None, tuple[str, ...]]:
    """The interface by which packets from the internet come to the router; where the topology does not describe it,
    none, and the interfaces by which they do not come."""
    node = resolved.nodes[forward.at.value]
    found = uplink(resolved, node)
    if found is not None:
        return found.interface.name, ()
    holding = (
        one.name for one in node.interfaces for at in one.attachments if at.ip == outer_address(resolved, forward)
    )
    outer = next(holding, None)
    return outer, () if outer is not None else tuple(interface.name for interface in node.interfaces)


def segment_of_address(resolved: ResolvedTopology, ip: IPAddress) -> str | None:
    """The segment of the smallest network that has an address; None if none has."""
    networks = [network for network in resolved.topology.networks if ip in network.cidr]
    return max(networks, key=lambda network: network.cidr.prefixlen).segment if networks else None


def spell_traffic(traffic: Traffic) -> str:
    """The traffic as the topology's language has it."""
    if traffic.ports is None:
        return traffic.protocol or "any"
    first, last = traffic.ports
    return f"{traffic.protocol}/{first}" + (f"-{last}" if last > first else "")
