"""Topology -> verify's own terms: who is on which segment, who owns which pods, what must arrive."""

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from netaddr import IPNetwork

from netwright import verify
from netwright.flows.graph import draw_graph
from netwright.flows.on_the_way import choices_of
from netwright.model import (
    Docker,
    Dummy,
    End,
    Flow,
    Interface,
    Kubernetes,
    Node,
    Traffic,
    VirtualAddress,
)
from netwright.topology.resolved import ResolvedTopology, host
from netwright.topology.settings import (
    K3S_SERVICES,
    flannel_interface,
    is_isolated,
    libvirt_bridges,
    server_port,
    uplink,
)
from netwright.verify.values.addresses import contains, merge
from netwright.verify.values.wiring import Answered, FirewalldState, Plugin, PublishedPorts, Served
from netwright.verify_input.forwards import state_forwards
from netwright.verify_input.links import has_devices, kind_of, state_card, state_links
from netwright.verify_input.names import state_name_servers, state_names, state_time_servers
from netwright.verify_input.numbers import number_of, prefix_of
from netwright.verify_input.pools import hold_pool


def wire(resolved: ResolvedTopology) -> verify.Wiring:
    """The wiring of a topology."""
    topology = resolved.topology
    kubernetes = topology.kubernetes
    return verify.Wiring(
        nodes=tuple(node.name for node in topology.nodes),
        segments=_segments(resolved),
        pod_networks=tuple(_pod_networks(resolved)),
        pods=prefix_of(kubernetes.pods) if kubernetes is not None else None,
        services=_services(kubernetes),
        addresses=tuple(_assigned(resolved)),
        routers=tuple(draw_graph(resolved).segments_of),
        isolated=MappingProxyType(
            {network.name: prefix_of(network.cidr) for network in topology.networks if is_isolated(network)}
        ),
        held=(
            *(held for virtual in topology.virtual_addresses for held in _held(resolved, virtual)),
            *(held for pool in topology.pools for held in hold_pool(resolved, pool)),
        ),
        served=tuple(served for virtual in topology.virtual_addresses for served in _served(resolved, virtual)),
        answered=tuple(one for virtual in topology.virtual_addresses for one in _answered(resolved, virtual)),
        servers=_of_role(resolved, "server"),
        server_port=server_port(resolved, kubernetes) if kubernetes is not None else 6443,
        agents=_of_role(resolved, "agent"),
        networks=tuple(prefix_of(network.cidr) for network in topology.networks),
        owners=MappingProxyType(_owners(resolved)),
        exits=tuple(_exit(resolved, node) for node in topology.nodes if node.internet),
        forwards=tuple(state_forwards(resolved)),
        systems=MappingProxyType(
            {node.name: node.os.value.name for node in topology.nodes if node.os and node.os.value.name != "unmanaged"}
        ),
        firewalld=MappingProxyType({node.name: state for node in topology.nodes if (state := _firewalld(node))}),
        docker=frozenset(node.name for node in topology.nodes if node.runs_docker),
        containers=MappingProxyType(
            {node.name: tuple(_published(node.bridged)) for node in topology.nodes if node.bridged is not None}
        ),
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
            {node.name: tuple(state_links(resolved, node)) for node in topology.nodes if has_devices(node)}
        ),
        names=MappingProxyType(dict(state_names(resolved))),
        name_servers=MappingProxyType(dict(state_name_servers(resolved))),
        time_servers=MappingProxyType(dict(state_time_servers(resolved))),
    )


def _pod_networks(resolved: ResolvedTopology) -> Iterator[verify.PodNetwork]:
    kubernetes = resolved.topology.kubernetes
    for node in resolved.topology.nodes:
        for pods in node.pod_networks:
            yield verify.PodNetwork(
                network=prefix_of(pods.value),
                node=node.name,
                interface=flannel_interface(resolved, node).name,
                stated=kubernetes is not None and kubernetes.interface is not None,
            )


def _of_role(resolved: ResolvedTopology, role: str) -> frozenset[str]:
    return frozenset(node.name for node in resolved.topology.nodes if node.role and node.role.value == role)


def _owners(resolved: ResolvedTopology) -> dict[int, str]:
    """Return the node of each address, "" for those that move."""
    topology = resolved.topology
    pools = {ip: "" for pool in topology.pools for ip in range(int(pool.first), int(pool.last) + 1)}
    moving = {int(virtual.ip.value): "" for virtual in topology.virtual_addresses}
    return {**pools, **moving, **{int(one.ip): one.node for one in _assigned(resolved)}}


def _published(docker: Docker) -> Iterator[PublishedPorts]:
    for one in (published.value for published in docker.publish):
        yield PublishedPorts(protocol=one.protocol, ports=one.ports, to_port=one.to_port)


def _services(kubernetes: Kubernetes | None) -> verify.Prefix | None:
    """The network of services: what is stated, else K3s's default (docs.k3s.io, `service-cidr`)."""
    if kubernetes is None or (kubernetes.services is None and kubernetes.plugin == "none"):
        return None
    return prefix_of(kubernetes.services if kubernetes.services is not None else K3S_SERVICES)


def _firewalld(node: Node) -> FirewalldState | None:
    """Return what is known of firewalld on the node, None where there can be none."""
    if node.firewalld is None:
        return "unstated" if node.system.runs_firewalld else None
    if node.firewalld.value == "managed" and not node.system.runs_firewalld:
        return None
    return node.firewalld.value if node.system.runs_firewalld or not node.is_managed else None


def _exit(resolved: ResolvedTopology, node: Node) -> verify.Exit:
    found = uplink(resolved, node)
    if found is None:
        return verify.Exit(node=node.name)
    return verify.Exit(node=node.name, interface=found.interface.name, gateway=number_of(found.gateway))


def assume(resolved: ResolvedTopology) -> verify.Assumptions:
    """Return the assumptions, as far as the topology decides them."""
    kubernetes = resolved.topology.kubernetes
    if kubernetes is not None and kubernetes.foreign is not None:
        foreign = kubernetes.foreign
        plugin = Plugin(name=kubernetes.plugin, leads=foreign.carries_pods, masquerades=foreign.masquerades)
        return verify.Assumptions(cni="none", plugin=plugin)
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
                        ip=number_of(attachment.ip),
                        length=network.cidr.prefixlen,
                        leased=interface.dhcp is not None,
                    )


def _port(node: Node, interface: Interface) -> verify.Port:
    return verify.Port(
        node=node.name,
        interface=interface.name,
        mac=interface.mac.value if interface.mac is not None else None,
        kind=kind_of(interface.device),
        card=state_card(interface),
    )


def _held(resolved: ResolvedTopology, virtual: VirtualAddress) -> Iterator[verify.HeldAddress]:
    """A virtual address at each of its holders: each has its turn."""
    ip = virtual.ip.value
    for holder in virtual.holders:
        node = resolved.nodes[holder.value]
        interface = resolved.connected_interface(node, ip)
        own = {attachment.ip for one in node.interfaces for attachment in one.attachments}
        if interface is not None and ip not in own:
            moved = virtual.vrrp is not None
            yield verify.HeldAddress(ip=number_of(ip), node=node.name, interface=interface.name, moved=moved)


def _served(resolved: ResolvedTopology, virtual: VirtualAddress) -> Iterator[Served]:
    """The ports at which holders are to answer."""
    holder = resolved.nodes[virtual.holders[0].value]
    for service in virtual.serves:
        names = dict.fromkeys(backend.value for backend in service.backends)
        nodes = [node for name in names for node in resolved.members.get(name) or (resolved.nodes[name],)]
        yield Served(
            ip=number_of(virtual.ip.value),
            port=service.port,
            servers=frozenset((int(resolved.address_from(holder, node)), service.to_port) for node in nodes),
        )


def _answered(resolved: ResolvedTopology, virtual: VirtualAddress) -> Iterator[Answered]:
    """The stated ports without backends, with the holders where neither K3s nor a container is known to answer."""
    holders = [resolved.nodes[holder.value] for holder in virtual.holders]
    for service in virtual.serves:
        unknown = tuple(node.name for node in holders if not _answers(resolved, node, service.port))
        stated = virtual.vrrp is not None  # else the port is but the API's own
        if stated and unknown and not service.backends:
            yield Answered(ip=number_of(virtual.ip.value), port=service.port, nodes=unknown)


def _answers(resolved: ResolvedTopology, node: Node, port: int) -> bool:
    """Return whether a node's part in Kubernetes, or a container that it publishes, has a TCP port."""
    kubernetes = resolved.topology.kubernetes
    is_server = node.role is not None and node.role.value == "server"
    if is_server and kubernetes is not None and port == kubernetes.api_port.value:
        return True
    published = tuple(_published(node.bridged)) if node.bridged is not None else ()
    return any(one.protocol == "tcp" and one.ports[0] <= port <= one.ports[1] for one in published)


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
