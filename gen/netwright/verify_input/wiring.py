"""Topology -> verify's own terms: who is on which segment, who owns which pods, what must arrive."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import assert_never

from netaddr import IPAddress, IPNetwork

from netwright import verify
from netwright.flows.graph import draw_graph
from netwright.flows.on_the_way import choices_of
from netwright.flows.tunnels import find_tunnels
from netwright.model import (
    Bond,
    Bridge,
    Device,
    Dummy,
    End,
    Flow,
    Interface,
    Kubernetes,
    Node,
    Traffic,
    VirtualAddress,
    Vlan,
    Wireguard,
    below,
)
from netwright.topology.links import PortVlans, port_vlans, tag_of
from netwright.topology.resolved import ResolvedTopology, host
from netwright.topology.settings import K3S_SERVICES, flannel_interface, is_isolated, libvirt_bridges, uplink
from netwright.verify.values.addresses import AddressNumber, contains, merge
from netwright.verify.values.facts import BondMode, Kind
from netwright.verify.values.wiring import AssignedPort, AssignedTunnel, FirewalldState, Served, StatedCard


def wire(resolved: ResolvedTopology) -> verify.Wiring:
    """The wiring of a topology."""
    topology = resolved.topology
    kubernetes = topology.kubernetes
    return verify.Wiring(
        nodes=tuple(node.name for node in topology.nodes),
        segments=_segments(resolved),
        pod_networks=tuple(
            verify.PodNetwork(
                network=_prefix(pods.value),
                node=node.name,
                interface=flannel_interface(resolved, node).name,
                stated=kubernetes is not None and kubernetes.interface is not None,
            )
            for node in topology.nodes
            for pods in node.pod_networks
        ),
        pods=_prefix(kubernetes.pods) if kubernetes is not None else None,
        services=_services(kubernetes),
        addresses=tuple(_assigned(resolved)),
        routers=tuple(draw_graph(resolved).segments_of),
        isolated=MappingProxyType(
            {network.name: _prefix(network.cidr) for network in topology.networks if is_isolated(network)}
        ),
        held=tuple(held for virtual in topology.virtual_addresses for held in _held(resolved, virtual)),
        served=tuple(served for virtual in topology.virtual_addresses for served in _served(resolved, virtual)),
        exits=tuple(_exit(resolved, node) for node in topology.nodes if node.internet),
        systems=MappingProxyType(
            {node.name: node.os.value.name for node in topology.nodes if node.os and node.os.value.name != "unmanaged"}
        ),
        firewalld=MappingProxyType({node.name: state for node in topology.nodes if (state := _firewalld(node))}),
        docker=frozenset(node.name for node in topology.nodes if node.docker is not None and node.docker.value),
        open_leases=frozenset(
            (node.name, link.name)
            for node in topology.nodes
            for link in node.links
            if link.dhcp is not None and not link.attachments
        ),
        trusted=MappingProxyType(
            {node.name: frozenset(file.value for file in node.trusted) for node in topology.nodes if node.trusted}
        ),
        links=MappingProxyType(
            {node.name: tuple(_links(resolved, node)) for node in topology.nodes if _has_devices(node)}
        ),
    )


def _services(kubernetes: Kubernetes | None) -> verify.Prefix | None:
    """The network of services: what is stated, else K3s's default (docs.k3s.io, `service-cidr`)."""
    if kubernetes is None or (kubernetes.services is None and kubernetes.plugin == "none"):
        return None
    return _prefix(kubernetes.services if kubernetes.services is not None else K3S_SERVICES)


def _firewalld(node: Node) -> FirewalldState | None:
    """Return what is known of firewalld on the node, None where there can be none."""
    if node.firewalld is None:
        return "unstated" if node.system.runs_firewalld else None
    return node.firewalld.value if node.system.runs_firewalld or not node.is_managed else None


def _exit(resolved: ResolvedTopology, node: Node) -> verify.Exit:
    found = uplink(resolved, node)
    if found is None:
        return verify.Exit(node=node.name)
    return verify.Exit(node=node.name, interface=found.interface.name, gateway=_number(found.gateway))


def assume(resolved: ResolvedTopology) -> verify.Assumptions:
    """Return the assumptions, as far as the topology decides them."""
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None or kubernetes.plugin == "none":
        return verify.Assumptions(cni="none")
    return verify.Assumptions(cni=kubernetes.backend)


def _segments(resolved: ResolvedTopology) -> tuple[verify.Segment, ...]:
    ports: dict[str, list[verify.Port]] = {}
    bridges: dict[str, verify.Port] = {}
    for node in resolved.topology.nodes:
        own_bridges = libvirt_bridges(resolved, node)
        for interface in node.interfaces:
            segment = resolved.segment_of(interface)
            if segment is None:
                continue
            if isinstance(interface.device, Dummy):
                segment = f"{interface.name} of {node.name}"  # it leads nowhere, not even to others on its network
            port = _port(node, interface)
            ports.setdefault(segment, []).append(port)
            if interface.name in own_bridges:
                bridges[segment] = port
    return tuple(
        verify.Segment(name=name, ports=tuple(members), bridge=bridges.get(name)) for name, members in ports.items()
    )


def _assigned(resolved: ResolvedTopology) -> Iterator[verify.AssignedAddress]:
    for node in resolved.topology.nodes:
        for interface in node.interfaces:
            for attachment in interface.attachments:
                network = resolved.network_of(attachment)
                if network is not None:
                    yield verify.AssignedAddress(
                        node=node.name,
                        interface=interface.name,
                        ip=_number(attachment.ip),
                        length=network.cidr.prefixlen,
                        leased=interface.dhcp is not None,
                    )


def _port(node: Node, interface: Interface) -> verify.Port:
    return verify.Port(
        node=node.name,
        interface=interface.name,
        mac=interface.mac.value if interface.mac is not None else None,
        kind=_kind(interface.device),
        card=_card(interface),
    )


def _card(interface: Interface) -> StatedCard | None:
    match = interface.match
    if match is None:
        return None
    driver, path, name = (one.value if one is not None else None for one in (match.driver, match.path, match.name))
    return StatedCard(driver=driver, path=path, name=name, renamed=match.renames)


def _has_devices(node: Node) -> bool:
    """Return whether the node has other links than network cards with an address."""
    return any(link.device is not None or not link.attachments for link in node.links)


def _links(resolved: ResolvedTopology, node: Node) -> Iterator[verify.AssignedLink]:
    """The links of a node but for the bridges that libvirt makes."""
    libvirts, carried = libvirt_bridges(resolved, node), port_vlans(node)
    for link in node.links:
        if link.name not in libvirts:
            tag = tag_of(link)
            yield verify.AssignedLink(
                name=link.name,
                kind=_kind(link.device),
                below=tuple(lower.value for lower in below(link.device)),
                tag=tag[0] if tag is not None else None,
                mode=BondMode(link.device.effective_mode) if isinstance(link.device, Bond) else None,
                mac=link.mac.value if link.mac is not None else None,
                tunnel=_tunnel(resolved, node, link),
                card=_card(link),
                ports=tuple(_ports(link, carried)),
            )


def _ports(link: Interface, carried: Mapping[str, PortVlans]) -> Iterator[AssignedPort]:
    """The ports of a bridge that filters VLANs, and the bridge itself."""
    if isinstance(link.device, Bridge) and link.device.vlan_filtering:
        for name in (link.name, *(member.value for member in link.device.members)):
            vlans = carried[name]
            yield AssignedPort(name=name, untagged=vlans.untagged, tagged=frozenset(vlans.tagged))


def _tunnel(resolved: ResolvedTopology, node: Node, link: Interface) -> AssignedTunnel | None:
    if not isinstance(link.device, Wireguard):
        return None
    peers = (end for end in find_tunnels(resolved).ends_on(link) if end.node is not node)
    stated, port = link.device.endpoint, link.device.port.value
    return AssignedTunnel(
        key_file=link.device.private_key_file.value,
        key=link.device.public_key.value,
        peers=frozenset(peer.device.public_key.value for peer in peers),
        endpoint=None if stated is None else stated.value if ":" in stated.value else f"{stated.value}:{port}",
    )


def _kind(device: Device | None) -> Kind | None:
    match device:
        case None:
            return None
        case Vlan():
            return Kind.VLAN
        case Bond():
            return Kind.BOND
        case Bridge():
            return Kind.BRIDGE
        case Dummy():
            return Kind.DUMMY
        case Wireguard():
            return Kind.WIREGUARD
        case _:
            assert_never(device)


def _held(resolved: ResolvedTopology, virtual: VirtualAddress) -> Iterator[verify.HeldAddress]:
    """A virtual address at each of its holders: each has its turn."""
    ip = virtual.ip.value
    for holder in virtual.holders:
        node = resolved.nodes[holder.value]
        interface = resolved.connected_interface(node, ip)
        own = {attachment.ip for one in node.interfaces for attachment in one.attachments}
        if interface is not None and ip not in own:
            moved = virtual.vrrp is not None
            yield verify.HeldAddress(ip=_number(ip), node=node.name, interface=interface.name, moved=moved)


def _served(resolved: ResolvedTopology, virtual: VirtualAddress) -> Iterator[Served]:
    """The ports at which HAProxy answers, on holders of which it is asked to."""
    holder = resolved.nodes[virtual.holders[0].value]
    for service in virtual.serves:
        names = dict.fromkeys(backend.value for backend in service.backends)
        nodes = [node for name in names for node in resolved.members.get(name) or (resolved.nodes[name],)]
        if nodes:
            yield Served(
                ip=_number(virtual.ip.value),
                port=service.port,
                servers=frozenset((int(resolved.address_from(holder, node)), service.to_port) for node in nodes),
            )


def state_flows(resolved: ResolvedTopology) -> tuple[verify.Flow, ...]:
    """The topology's flows in verify's terms: ends as addresses."""
    return tuple(_flow(resolved, flow) for flow in resolved.topology.flows)


def _flow(resolved: ResolvedTopology, flow: Flow) -> verify.Flow:
    return verify.Flow(
        name=flow.name,
        sources=_addresses(resolved, flow.sources),
        destinations=_addresses(resolved, flow.destinations),
        traffic=tuple(_traffic(traffic) for traffic in flow.traffic),
        must_arrive=flow.allow,
        nat_allowed=not flow.nat_never,
        from_internet=any(end.text == "internet" for end in flow.sources),
        to_internet=any(end.text == "internet" for end in flow.destinations),
        named_sources=named_addresses(resolved, flow.sources) if flow.allow else (),
        named_destinations=named_addresses(resolved, flow.destinations) if flow.allow else (),
    )


def named_addresses(resolved: ResolvedTopology, ends: Iterable[End]) -> verify.Ranges:
    """The addresses that stand for their machines, which have others too; what is denied is denied to all of them."""
    named: list[IPNetwork] = []
    fixed: list[IPNetwork] = []
    for end in ends:
        nodes = (*resolved.members.get(end.text, ()), *filter(None, [resolved.nodes.get(end.text)]))
        if end.network is not None or not nodes:
            fixed += () if end.text == "internet" else resolved.resolve_end(end) or ()
            continue
        for node in nodes:
            addresses = (host(at.ip) for interface in node.interfaces for at in interface.attachments)
            (named if choices_of(resolved, node) else fixed).extend(addresses)
    apart = merge((one.first, one.last) for one in fixed)
    return merge((one.first, one.last) for one in named if not contains(apart, one.first))


def _addresses(resolved: ResolvedTopology, ends: Iterable[End]) -> verify.Ranges:
    """The addresses of all ends but the internet, which verify knows as what is outside."""
    networks = [network for end in ends if end.text != "internet" for network in resolved.resolve_end(end) or ()]
    return merge((network.first, network.last) for network in networks)


def _traffic(traffic: Traffic) -> verify.Traffic:
    return verify.Traffic(protocol=traffic.protocol or "any", ports=traffic.ports)


def _prefix(network: IPNetwork) -> verify.Prefix:
    return verify.Prefix(first=network.first, length=network.prefixlen)


def _number(ip: IPAddress) -> AddressNumber:
    return AddressNumber(int(ip))
