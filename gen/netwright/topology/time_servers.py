"""Time servers of nodes: the addresses that their names stand for."""

from collections.abc import Iterator

from msgspec import Struct
from netaddr import IPAddress

from netwright.model import Node, TimeServer
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology


class AskedServer(Struct, frozen=True, kw_only=True):
    """A server that a node asks: its address, or the name that DNS has for it."""

    ip: IPAddress | None
    name: str | None
    cause: TopologyPath

    @property
    def text(self) -> str:
        """What stands in configuration files."""
        return self.name if self.name is not None else str(self.ip)


def time_servers(resolved: ResolvedTopology, node: Node) -> Iterator[AskedServer]:
    """The time servers of a node, each once; it does not ask itself. Names that nothing has are left out."""
    found: dict[str, AskedServer] = {}
    for server in node.ntp.value if node.ntp is not None else ():
        if not is_topology_name(resolved, server):
            asked = AskedServer(ip=None, name=server.text, cause=server.cause)
        elif (ip := _address(resolved, node, server)) is not None and not _is_own(resolved, node, ip):
            asked = AskedServer(ip=ip, name=None, cause=server.cause)
        else:
            continue
        found.setdefault(asked.text, asked)
    yield from found.values()


def is_topology_name(resolved: ResolvedTopology, server: TimeServer) -> bool:
    """Return whether a time server is an address, or named as the topology names something; DNS names have a dot."""
    return server.ip is not None or "." not in server.text or server.text in resolved.virtual


def _address(resolved: ResolvedTopology, node: Node, server: TimeServer) -> IPAddress | None:
    if server.ip is not None:
        return server.ip
    if server.text in resolved.virtual:
        return resolved.virtual[server.text].ip.value
    name, _, network = server.text.partition("@")
    other = resolved.nodes.get(name)
    if other is None or not other.interfaces:
        return None
    return resolved.address_on(other, network) if network else resolved.address_from(node, other)


def _is_own(resolved: ResolvedTopology, node: Node, ip: IPAddress) -> bool:
    """Return whether a node has an address, or may have it."""
    held = (one.ip.value for one in resolved.topology.virtual_addresses if one.is_held_by(node.name))
    return ip in held or any(at.ip == ip for interface in node.interfaces for at in interface.attachments)
