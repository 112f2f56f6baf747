"""The resolved topology as a document: every default, group and name worked out."""

import json
from collections.abc import Mapping, Sequence

import yaml

from netwright.model import Interface, Network, Node, VirtualAddress
from netwright.topology.resolved import ResolvedTopology
from netwright.topology.settings import default_interface

Value = str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]
Document = dict[str, Value]


def describe_topology(resolved: ResolvedTopology) -> Document:
    """Return networks, nodes and virtual addresses by name; numbers and names are JSON's, absent things null."""
    topology = resolved.topology
    return {
        "name": topology.name,
        "networks": {network.name: _network(network) for network in topology.networks},
        "nodes": {node.name: _node(resolved, node) for node in topology.nodes},
        "virtual_addresses": {one.name.replace(".", "_"): _virtual(one) for one in topology.virtual_addresses},
    }


def render_json(resolved: ResolvedTopology) -> str:
    """The document as JSON."""
    return json.dumps(describe_topology(resolved), indent=2) + "\n"


def render_tfvars(resolved: ResolvedTopology) -> str:
    """Values of Terraform's variables networks, nodes and virtual_addresses, for a file NAME.auto.tfvars.json."""
    document = describe_topology(resolved)
    document["cluster"] = document.pop("name")
    return json.dumps(document, indent=2) + "\n"


def render_ansible(resolved: ResolvedTopology) -> str:
    """An inventory of Ansible's in YAML, with the topology's groups; unmanaged devices are a group of their own."""
    hosts: Document = {node.name: _host(resolved, node) for node in resolved.topology.nodes}
    groups = {
        name.replace("-", "_"): [node.name for node in nodes] for name, nodes in resolved.members.items() if nodes
    }
    unmanaged = [node.name for node in resolved.topology.nodes if not node.is_managed]
    if unmanaged:
        groups["unmanaged"] = [*dict.fromkeys((*groups.get("unmanaged", ()), *unmanaged))]
    children: Document = {name: {"hosts": {host: {} for host in several}} for name, several in groups.items()}
    inventory = {"all": {"hosts": hosts, **({"children": children} if children else {})}}
    return yaml.safe_dump(inventory, sort_keys=False)


def _network(network: Network) -> Document:
    return {
        "cidr": str(network.cidr),
        "gateway_node": network.router.value if network.router is not None else None,
        "segment": network.segment,
        "vlan": network.vlan.value if network.vlan is not None else None,
        "bridge": network.libvirt.bridge if network.libvirt is not None else None,
    }


def _node(resolved: ResolvedTopology, node: Node) -> Document:
    return {
        "os": node.system.name,
        "hostname": node.hostname.value,
        "domain": node.domain.value if node.domain is not None else None,
        "groups": [*node.groups],
        "kubernetes": node.role.value if node.role is not None else None,
        "provisioning": node.system.provisioning,
        "address": _main_address(resolved, node),
        "pod_cidrs": [str(pods.value) for pods in node.pod_networks],
        "interfaces": {link.name: _interface(resolved, link) for link in node.links},
    }


def _main_address(resolved: ResolvedTopology, node: Node) -> str | None:
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


def _host(resolved: ResolvedTopology, node: Node) -> Document:
    address = _main_address(resolved, node)
    return {"ansible_host": address} if address is not None else {}
