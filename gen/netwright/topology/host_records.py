"""Names and addresses of all machines and virtual addresses, as name services list them."""

from collections.abc import Iterator

from msgspec import Struct
from netaddr import IPAddress

from netwright.model import Node
from netwright.text.source import TopologyPath
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import default_interface


class HostRecord(Struct, frozen=True, kw_only=True):
    """An address and its names, the one with a domain first."""

    ip: IPAddress
    names: tuple[str, ...]
    cause: TopologyPath

    @property
    def line(self) -> str:
        """A line of /etc/hosts (hosts(5))."""
        return f"{self.ip} {' '.join(self.names)}"


def host_records(resolved: ResolvedTopology, networks: tuple[str, ...] = ()) -> Iterator[HostRecord]:
    """Yield a record for each address of each node in the order of the file, then one for each virtual address.

    A node's name stands for its address on the first of `networks` that it is on (those of who asks), else for that on
    the card of its default route, else for its first; its other addresses are NAME-NETWORK. A virtual address has its
    own name, with the domain of its first holder.
    """
    for node in resolved.topology.nodes:
        yield from _records_of(resolved, node, _main_address(resolved, node, networks))
    for virtual in resolved.topology.virtual_addresses:
        holder = next((resolved.nodes[one.value] for one in virtual.holders if one.value in resolved.nodes), None)
        names = _names(virtual.name.replace(".", "-"), holder)
        yield HostRecord(ip=virtual.ip.value, names=names, cause=virtual.cause)


def records_for(resolved: ResolvedTopology, node: Node) -> tuple[HostRecord, ...]:
    """The records as a node sees them; all nodes on the same networks see the same."""
    networks = resolved.networks_of(node)
    key = f"host records of {','.join(networks)}"
    found = resolved.known.get(key)
    if not isinstance(found, tuple):
        found = resolved.known[key] = tuple(host_records(resolved, networks))
    return found


def _records_of(resolved: ResolvedTopology, node: Node, main: IPAddress | None) -> tuple[HostRecord, ...]:
    """The records of a node by the address for which its name stands; most nodes see others by the same."""
    key = f"host records of {node.name} at {main}"
    found = resolved.known.get(key)
    if not isinstance(found, tuple):
        found = resolved.known[key] = tuple(_make_records(node, main))
    return found


def _make_records(node: Node, main: IPAddress | None) -> Iterator[HostRecord]:
    for interface in node.interfaces:
        for attachment in interface.attachments:
            hostname = node.hostname.value
            names = _names(hostname, node)
            if attachment.ip != main:
                short, dot, domain = hostname.partition(".")
                names = _names(f"{short}-{attachment.network}{dot}{domain}", node)
            elif node.name not in names:
                names = (*names, node.name)
            yield HostRecord(ip=attachment.ip, names=names, cause=attachment.cause)


def _main_address(resolved: ResolvedTopology, node: Node, networks: tuple[str, ...]) -> IPAddress | None:
    shared = resolved.shared_address(networks, node)
    if shared is not None:
        return shared
    key = f"main address of {node.name}"
    if key not in resolved.known:
        own = default_interface(resolved, node) or next(iter(node.interfaces), None)
        resolved.known[key] = own.attachments[0].ip if own is not None else None
    found = resolved.known[key]
    return found if isinstance(found, IPAddress) else None


def _names(name: str, node: Node | None) -> tuple[str, ...]:
    """A name with the node's domain, and without."""
    if "." in name:
        return (name, name.partition(".")[0])
    domain = node.domain if node is not None else None
    return (f"{name}.{domain.value}", name) if domain is not None else (name,)
