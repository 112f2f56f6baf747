"""Names that nodes are to know, and the servers that they are to ask for the time, in verify's own terms."""

from collections.abc import Iterator, Mapping

from netwright.flows.asked_servers import name_servers
from netwright.topology.host_records import HostRecord, records_for
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.time_servers import time_servers
from netwright.verify.values.addresses import AddressNumber
from netwright.verify_input.numbers import number_of

Known = Mapping[str, frozenset[AddressNumber]]


def state_names(resolved: ResolvedTopology) -> Iterator[tuple[str, Known]]:
    """Yield each node whose /etc/hosts we write, with the addresses of each name; nodes on the same networks share
    them."""
    made: dict[int, Known] = {}
    for node in resolved.topology.nodes:
        if node.is_managed and node.hosts is not None and node.hosts.value:
            records = records_for(resolved, node)
            if id(records) not in made:
                made[id(records)] = _by_name(records)
            yield node.name, made[id(records)]


def _by_name(records: tuple[HostRecord, ...]) -> Known:
    found: dict[str, set[AddressNumber]] = {}
    for record in records:
        for name in record.names:
            found.setdefault(name.lower(), set()).add(number_of(record.ip))
    return {name: frozenset(ips) for name, ips in found.items()}


def state_name_servers(resolved: ResolvedTopology) -> Iterator[tuple[str, tuple[AddressNumber, ...]]]:
    """Yield each node that we configure, with the name servers that it is to ask, if there are any."""
    for node in resolved.topology.nodes:
        # The node's own stand on a card with an address; a card without one may have some of its own.
        stated = [ip for ip, _ in name_servers(node)] if node.interfaces else []
        leased = [ip for one in node.links if one.dns is not None and not one.attachments for ip in one.dns.value]
        servers = tuple(map(number_of, dict.fromkeys((*stated, *leased)))) if node.is_managed else ()
        if servers:
            yield node.name, servers


def state_time_servers(resolved: ResolvedTopology) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each node that we configure, with the time servers that it is to ask, if there are any."""
    for node in resolved.topology.nodes:
        servers = tuple(server.text for server in time_servers(resolved, node)) if node.is_managed else ()
        if servers:
            yield node.name, servers
