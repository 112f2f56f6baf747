"""Topology and flow -> drawing: the text in each box, next to each link, and at each segment."""

from collections import deque
from collections.abc import Iterable, Sequence

from netaddr import IPNetwork

from netwright.explain import describe_flow
from netwright.flows.filters import Passage
from netwright.flows.graph import draw_graph
from netwright.graph.drawing import Box, Caption, Drawing, DrawnLink, DrawnSegment
from netwright.graph.folding import fold
from netwright.graph.trace import NO_TRACE, Trace, trace_flow
from netwright.model import KUBERNETES_API, Flow, Network, Node, Pool, PortForward, VirtualAddress
from netwright.text.counting import list_some
from netwright.text.natural import natural_key
from netwright.topology.forwards import INTERNET, spell_traffic
from netwright.topology.pools import answering_interface, answering_nodes
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import is_router, makes_bridge

_SHOWN = 3
"""Most addresses of an interface, or pod networks of a node, that are shown one by one."""
_FORWARDS = 8
"""Most port forwards of a router that are shown."""


def draw(resolved: ResolvedTopology, passages: Iterable[Passage], flow: Flow | None) -> Drawing:
    """The drawing of a topology, with a flow's way if one is chosen."""
    trace = trace_flow(resolved, passages, flow) if flow is not None else NO_TRACE
    routers = {name for name, segments in draw_graph(resolved).segments_of.items() if len(segments) > 1}
    return Drawing(
        title=resolved.topology.name,
        segments=tuple(_segment(resolved, name, trace) for name in _order_segments(resolved)),
        boxes=(
            *(_box(resolved, nodes, trace, routers) for nodes in fold(resolved, trace)),
            *(_pool(resolved, pool, trace) for pool in resolved.topology.pools),
        ),
        caption=Caption(flow=flow.name, summary=describe_flow(flow), allow=flow.allow) if flow is not None else None,
    )


def _order_segments(resolved: ResolvedTopology) -> list[str]:
    """Segments by how far they are from the internet, or from the topology's first network; then by name."""
    on: dict[str, set[str]] = {network.segment: set() for network in resolved.topology.networks}
    devices: list[str] = []
    for node in resolved.topology.nodes:
        own = [segment for one in node.links if (segment := resolved.segment_of(one)) is not None]
        devices += own if node.internet else []
        for segment in own:
            on[segment].update(own)
    distance: dict[str, int] = {}
    for starts in (devices, *([segment] for segment in on)):
        queue = deque(segment for segment in starts if segment not in distance)
        base = max(distance.values(), default=-1) + 1
        distance.update(dict.fromkeys(queue, base))
        while queue:
            segment = queue.popleft()
            for beyond in on[segment] - distance.keys():
                distance[beyond] = distance[segment] + 1
                queue.append(beyond)
    return sorted(distance, key=lambda segment: (distance[segment], natural_key(segment)))


def _segment(resolved: ResolvedTopology, name: str, trace: Trace) -> DrawnSegment:
    networks = sorted(
        (network for network in resolved.topology.networks if network.segment == name),
        key=lambda network: network.cidr,
    )
    lines = [f"{network.cidr}" if network.name == name else f"{network.name} {network.cidr}" for network in networks]
    lines += ["WireGuard" for network in networks if network.wireguard is not None]
    lines += [_libvirt_line(network) for network in networks if network.libvirt is not None]
    return DrawnSegment(name=name, heading=name, lines=tuple(lines), is_end=name in trace.segments)


def _libvirt_line(network: Network) -> str:
    return f"libvirt, {network.libvirt.forward}" if network.libvirt is not None else ""


def _box(resolved: ResolvedTopology, nodes: Sequence[Node], trace: Trace, routers: set[str]) -> Box:
    first = nodes[0]
    many = len(nodes) > 1
    pods = sorted((pods.value for node in nodes for pods in node.pod_networks), key=lambda network: network.first)
    makes_networks = [n for n in resolved.topology.networks if makes_bridge(n) and is_router(n, first)]
    return Box(
        names=tuple(node.name for node in nodes),
        title=f"{first.name} ... {nodes[-1].name}" if many else first.name,
        lines=(
            *((f"{len(nodes)} nodes",) if many else ()),
            *_describe(resolved, nodes, is_router=first.name in routers, is_host=bool(makes_networks)),
        ),
        pods=_pods(pods, many=many),
        forwards=_forwards(resolved, {node.name for node in nodes}),
        links=tuple(_link(resolved, nodes, place, trace) for place in _places(resolved, first)),
        managed=first.is_managed,
        libvirt=bool(makes_networks),
        internet=first.internet,
        from_internet=first.name in trace.from_internet,
        to_internet=first.name in trace.to_internet,
        from_pods=first.name in trace.pods,
        leads_on=first.name in trace.leading,
    )


def _pool(resolved: ResolvedTopology, pool: Pool, trace: Trace) -> Box:
    """The box of a pool, on the segment on which its addresses are, or on that where the router learns of them."""
    nodes = answering_nodes(resolved, pool)
    interface = next(filter(None, (answering_interface(resolved, pool, node) for node in nodes)), None)
    link = DrawnLink(
        segment=(interface and resolved.segment_of(interface)) or "",
        interface="BGP" if pool.is_routed else "ARP",
        addresses=(str(pool.first), *((f"... {pool.last}",) if pool.last != pool.first else ())),
        traced=pool.name in trace.pools,
        is_start=False,
        is_end=pool.name in trace.pools,
        is_cable=False,
    )
    names = sorted((node.name for node in nodes), key=natural_key)
    return Box(
        names=(),
        title=pool.name,
        lines=(
            f"pool at {list_some(names, _SHOWN)}",
            *([f"learned by {pool.at.value}"] if pool.at is not None else []),
        ),
        pods=(),
        forwards=(),
        links=(link,),
        managed=True,
        libvirt=False,
        internet=False,
        from_internet=False,
        to_internet=False,
        from_pods=False,
        leads_on=False,
    )


def _describe(resolved: ResolvedTopology, nodes: Sequence[Node], *, is_router: bool, is_host: bool) -> tuple[str, ...]:
    """Operating system, groups if all nodes have the same, and what the node is for."""
    first = nodes[0]
    lines = [first.os.value.name] if first.os is not None else []
    groups = first.groups if all(node.groups == first.groups for node in nodes) else ()
    if groups:
        lines.append(f"{'groups' if len(groups) > 1 else 'group'} {list_some(groups, _SHOWN)}")
    roles = [f"Kubernetes {first.role.value}"] if first.role is not None else []
    roles += ["libvirt host"] if is_host else []
    roles += ["router"] if is_router or first.internet else []
    if roles:
        lines.append(", ".join(roles))
    names = {node.name for node in nodes}
    held = (one for one in resolved.topology.virtual_addresses if any(map(one.is_held_by, names)))
    return (*lines, *map(_describe_virtual, held))


def _describe_virtual(virtual: VirtualAddress) -> str:
    name = "API" if virtual.name == KUBERNETES_API else virtual.name
    ports = ",".join(str(service.port) for service in virtual.serves)
    return f"{name} {virtual.ip.value}{f':{ports}' if ports else ''}"


def _pods(pods: Sequence[IPNetwork], *, many: bool) -> tuple[str, ...]:
    if many and len(pods) > 1:
        return (f"pods {pods[0]}", f"... {pods[-1]}")
    shown = [f"pods {network}" for network in pods[:_SHOWN]]
    return (*shown, *([f"and {len(pods) - _SHOWN} more"] if len(pods) > _SHOWN else []))


def _forwards(resolved: ResolvedTopology, nodes: set[str]) -> tuple[str, ...]:
    shown = [_describe_forward(forward) for forward in resolved.topology.forwards if forward.at.value in nodes]
    left = len(shown) - _FORWARDS
    return (*shown[:_FORWARDS], *([f"and {left} more"] if left > 0 else []))


def _describe_forward(forward: PortForward) -> str:
    """Return what a port forward leads where, and for whom if that is not the internet."""
    ports = list_some([spell_traffic(one) for one in forward.ports], _SHOWN)
    target = forward.to.text + (f":{forward.to_port}" if forward.to_port is not None else "")
    users = [end.text for end in forward.sources]
    return f"{ports} -> {target}" + (f" for {list_some(users, _SHOWN)}" if users != [INTERNET] else "")


def _places(resolved: ResolvedTopology, node: Node) -> tuple[int, ...]:
    """The places of the node's links that are on a segment."""
    return tuple(place for place, one in enumerate(node.links) if resolved.segment_of(one) is not None)


def _link(resolved: ResolvedTopology, nodes: Sequence[Node], place: int, trace: Trace) -> DrawnLink:
    interfaces = [node.links[place] for node in nodes]
    plug = (nodes[0].name, interfaces[0].name)
    if len(nodes) == 1:
        ips = [attachment.ip for attachment in interfaces[0].attachments]
        addresses = (*map(str, ips[:_SHOWN]), *([f"and {len(ips) - _SHOWN} more"] if len(ips) > _SHOWN else []))
    else:
        ips = sorted(attachment.ip for interface in interfaces for attachment in interface.attachments)
        addresses = (str(ips[0]), f"... {ips[-1]}") if ips else ()
    names = sorted({interface.name for interface in interfaces}, key=natural_key)
    return DrawnLink(
        segment=resolved.segment_of(interfaces[0]) or "",
        interface=list_some(names, _SHOWN),
        addresses=addresses or ("leased",),
        traced=plug in trace.plugs,
        is_start=plug in trace.starts,
        is_end=plug in trace.ends,
    )
