"""The resolved topology as a document: every default, group and name worked out. Other programs and snippets read it.

Keys are only ever added: what reads the document goes on working.
"""

from collections.abc import Mapping, Sequence

from netwright.model import KUBERNETES_API, Interface, Network, Node, Pool, PortForward, VirtualAddress
from netwright.topology.forwards import forwarded_ports, outer_addresses, target_of
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import default_interface

Value = str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]
Document = dict[str, Value]


def describe_topology(resolved: ResolvedTopology) -> Document:
    """Return networks, nodes, Kubernetes, virtual addresses, pools and port forwards; numbers and names are JSON's,
    absent things null."""
    topology = resolved.topology
    return {
        "name": topology.name,
        "networks": {network.name: _network(network) for network in topology.networks},
        "nodes": {node.name: describe_node(resolved, node) for node in topology.nodes},
        **describe_services(resolved),
        "pools": {pool.name: _pool(pool) for pool in topology.pools},
        "forwards": {forward.name: _forward(resolved, forward) for forward in topology.forwards},
    }


def describe_services(resolved: ResolvedTopology) -> Document:
    """Return Kubernetes and the virtual addresses by name."""
    virtual = resolved.topology.virtual_addresses
    return {
        "kubernetes": _kubernetes(resolved),
        "virtual_addresses": {one.name.replace(".", "_"): _virtual(one) for one in virtual},
    }


def describe_networks(resolved: ResolvedTopology) -> Document:
    """Return the networks by name."""
    return {network.name: _network(network) for network in resolved.topology.networks}


def _kubernetes(resolved: ResolvedTopology) -> Document | None:
    kubernetes = resolved.topology.kubernetes
    if kubernetes is None:
        return None
    api = resolved.virtual.get(KUBERNETES_API)
    return {
        "pods": str(kubernetes.pods),
        "services": str(kubernetes.services) if kubernetes.services is not None else None,
        "api_address": str(api.ip.value) if api is not None else None,
        "api_port": kubernetes.api_port.value,
    }


def _network(network: Network) -> Document:
    return {
        "cidr": str(network.cidr),
        "gateway_node": network.router.value if network.router is not None else None,
        "segment": network.segment,
        "vlan": network.vlan.value if network.vlan is not None else None,
        "bridge": network.libvirt.bridge if network.libvirt is not None else None,
    }


def describe_node(resolved: ResolvedTopology, node: Node) -> Document:
    """Return a node's settings, with its addresses by interface."""
    return {
        "name": node.name,
        "os": node.system.name,
        "hostname": node.hostname.value,
        "domain": node.domain.value if node.domain is not None else None,
        "groups": [*node.groups],
        "kubernetes": node.role.value if node.role is not None else None,
        "provisioning": node.system.provisioning,
        "address": main_address(resolved, node),
        "pod_cidrs": [str(pods.value) for pods in node.pod_networks],
        "interfaces": {link.name: _interface(resolved, link) for link in node.links},
    }


def main_address(resolved: ResolvedTopology, node: Node) -> str | None:
    """The address on the card of the default route, else the first."""
    interface = default_interface(resolved, node) or next(iter(node.interfaces), None)
    return str(interface.attachments[0].ip) if interface is not None else None


def _interface(resolved: ResolvedTopology, link: Interface) -> Document:
    return {
        "mac": link.mac.value if link.mac is not None else None,
        "segment": resolved.segment_of(link),
        "addresses": [
            {"network": one.network, "address": str(one.ip), "prefix": network.cidr.prefixlen}
            for one in link.attachments
            if (network := resolved.network_of(one)) is not None
        ],
    }


def _virtual(virtual: VirtualAddress) -> Document:
    return {
        "address": str(virtual.ip.value),
        "holders": [holder.value for holder in virtual.holders],
        "ports": {service.name: service.port for service in virtual.serves},
    }


def _pool(pool: Pool) -> Document:
    return {
        "first": str(pool.first),
        "last": str(pool.last),
        "announced_by": "bgp" if pool.is_routed else "arp",
        "by": [one.value for one in pool.by],
        "at": pool.at.value if pool.at is not None else None,
    }


def _forward(resolved: ResolvedTopology, forward: PortForward) -> Document:
    target = target_of(resolved, forward)
    return {
        "at": forward.at.value,
        "addresses": [str(ip) for ip in outer_addresses(resolved, forward)],
        "from": [end.text for end in forward.sources],
        "ports": [
            {
                "protocol": port.outer.protocol,
                "first": port.outer.ports[0],
                "last": port.outer.ports[1],
                "to_first": port.inner.ports[0],
                "to_last": port.inner.ports[1],
            }
            for port in forwarded_ports(forward)
            if port.outer.ports is not None and port.inner.ports is not None
        ],
        "to": forward.to.text,
        "to_address": str(target) if target is not None else None,
    }
