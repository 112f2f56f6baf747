"""Addresses by which packets of a flow come to a machine itself, of all that the flow's receivers have."""

from collections import defaultdict

from netaddr import IPAddress, IPNetwork

from netwright.flows.types import Networks, Party
from netwright.model import Node, Traffic
from netwright.topology.pools import answering_nodes
from netwright.topology.resolved import ResolvedTopology, host, outermost, pool_networks


class OwnAddresses:
    """The receivers' addresses by machine: its own, virtual ones and pools that it may hold, broadcast addresses of its
    networks where the flow names all of one and sends what may be a broadcast."""

    def __init__(self, resolved: ResolvedTopology, receivers: Party, traffic: tuple[Traffic, ...]) -> None:
        """Takes what all machines have in common, so that each is asked about its own cards only."""
        self._resolved = resolved
        self._receivers = receivers
        self._single = {network.first for network in receivers.addresses if network.prefixlen == _ONE}
        self._wide = tuple(network for network in receivers.addresses if network.prefixlen < _ONE)
        self._is_broadcast = any(one.protocol in (None, "udp") for one in traffic)
        self._held: dict[str, list[IPNetwork]] = defaultdict(list)
        for virtual in resolved.topology.virtual_addresses:
            for holder in virtual.holders if self._is_named(virtual.ip.value) else ():
                self._held[holder.value].append(host(virtual.ip.value))
        for pool in resolved.topology.pools:
            named = [one for one in pool_networks(pool) if self._is_named_whole(one)]
            for node in answering_nodes(resolved, pool) if named else ():
                self._held[node.name] += named

    def of(self, name: str) -> Networks:
        """Return the addresses of a machine, in order; all of the receivers' where its own are not known."""
        node = self._resolved.nodes[name]
        if self._leases(node):
            return self._receivers.addresses
        found = [*self._held.get(name, ())]
        for interface in node.interfaces:
            for at in interface.attachments:
                found += [host(at.ip)] if self._is_named(at.ip) else []
                network = self._resolved.network_of(at)
                everyone = network.cidr.broadcast if network is not None and self._is_broadcast else None
                if everyone is not None and any(everyone in one for one in self._wide):
                    found.append(host(everyone))
        return outermost(found) or self._receivers.addresses

    def _leases(self, node: Node) -> bool:
        """Return whether a card of the machine has an address of the receivers' network that a lease brings."""
        return any(
            one.dhcp is not None and one.dhcp.value == self._receivers.network and not one.attachments
            for one in node.links
        )

    def _is_named(self, ip: IPAddress) -> bool:
        return ip.value in self._single or any(ip in network for network in self._wide)

    def _is_named_whole(self, network: IPNetwork) -> bool:
        if network.prefixlen == _ONE and network.first in self._single:
            return True
        return any(network in one for one in self._wide)


_ONE = 32
