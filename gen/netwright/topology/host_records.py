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


def host_records(resolved: ResolvedTopology) -> Iterator[HostRecord]:
    """Yield a record for each address of each node in the order of the file, then one for each virtual address.

    A node's name stands for its address on the card of its default route, else for its first; its other addresses are
    NAME-NETWORK. A virtual address has its own name, with the domain of its first holder.
    """
    for node in resolved.topology.nodes:
        yield from _records_of(resolved, node)
    for virtual in resolved.topology.virtual_addresses:
        holder = resolved.nodes[virtual.holders[0].value]
        names = _names(virtual.name.replace(".", "-"), holder)
        yield HostRecord(ip=virtual.ip.value, names=names, cause=virtual.cause)


def _records_of(resolved: ResolvedTopology, node: Node) -> Iterator[HostRecord]:
    own = default_interface(resolved, node) or next(iter(node.interfaces), None)
    first = own.attachments[0] if own is not None else None
    for interface in node.interfaces:
        for attachment in interface.attachments:
            hostname = node.hostname.value
            names = _names(hostname, node)
            if attachment is not first:
                short, dot, domain = hostname.partition(".")
                names = _names(f"{short}-{attachment.network}{dot}{domain}", node)
            elif node.name not in names:
                names = (*names, node.name)
            yield HostRecord(ip=attachment.ip, names=names, cause=attachment.cause)


def _names(name: str, node: Node) -> tuple[str, ...]:
    """A name with the node's domain, and without."""
    if "." in name:
        return (name, name.partition(".")[0])
    return (f"{name}.{node.domain.value}", name) if node.domain is not None else (name,)
