"""The resolved topology as a document for other programs: JSON, variables of Terraform's, an inventory of Ansible's."""

import json

import yaml

from netwright.model import Node
from netwright.text.envelope import render_envelope
from netwright.topology.description import Document, describe_topology, main_address
from netwright.topology.resolved import ResolvedTopology


def render_json(resolved: ResolvedTopology) -> str:
    """The document as JSON."""
    return render_envelope(describe_topology(resolved))


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


def _host(resolved: ResolvedTopology, node: Node) -> Document:
    address = main_address(resolved, node)
    return {"ansible_host": address} if address is not None else {}
