"""A topology drafted from what was imported."""

import re
from collections.abc import Sequence
from typing import Any

import yaml
from netaddr import IPAddress, IPNetwork, spanning_cidr

from gen.counting import list_some
from gen.importing.kubectl import ClusterNode
from gen.importing.libvirt import LibvirtDefinition
from gen.natural import natural_key
from gen.report import printable

HEADER = """\
# yaml-language-server: $schema=topology.schema.json
# Drafted by netwright init from a running cluster. What nobody could know is marked: read every line.
"""
FLATCAR = "flatcar"
HOST = "kvm"
_EL_IMAGE = re.compile(r"(Rocky|Alma) ?Linux (8|9|10)\b", re.ASCII)
"""How PRETTY_NAME in os-release begins on the systems that are not Flatcar; the kubelet reports it as osImage."""


class _Flow(dict[str, Any]):
    """A mapping that is written in one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


_Dumper.add_representer(
    _Flow, lambda dumper, flow: dumper.represent_mapping("tag:yaml.org,2002:map", flow, flow_style=True)
)


def draft_topology(
    cluster: Sequence[ClusterNode], networks: Sequence[LibvirtDefinition], *, name: str = "cluster"
) -> str:
    """The text of a topology with these nodes and networks.

    libvirt's networks come with the KVM host that routes them. A node whose address lies on none of them is put on a
    /24 around it, since no API says how long its network's prefix is.
    """
    prefixes: dict[str, IPNetwork] = {}
    document: dict[str, Any] = {"version": 1, "name": name, "networks": {}}
    for definition in sorted(networks, key=lambda network: natural_key(network.name)):
        _add_libvirt(document["networks"], prefixes, definition)
    nodes: dict[str, Any] = {}
    if networks:
        nodes[HOST] = {"os": "rocky9", "network_config": "keyfile", "forward": True, "interfaces": {}}
        for definition in networks:
            own = {net: str(ip) for ip, net in _named(definition, prefixes)}
            nodes[HOST]["interfaces"][definition.bridge] = _attachment(own)
    for node in sorted(cluster, key=lambda node: natural_key(node.name)):
        nodes[node.name] = _node(node, document["networks"], prefixes)
    pods = [network for node in cluster for network in node.pod_networks]
    if pods:
        prefix = pods[0].prefixlen
        document["kubernetes"] = {"pods": _Flow({"cidr": str(_span(pods)), "node_prefix": prefix})}
    document["groups"] = {
        "masters": _Flow({"os": FLATCAR, "kubernetes": "server"}),
        "workers": _Flow({"os": FLATCAR, "kubernetes": "agent"}),
    }
    document["nodes"] = nodes
    if not cluster:
        del document["groups"]
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=2**20, allow_unicode=True)
    return HEADER + _marks(cluster, document) + body


def _marks(cluster: Sequence[ClusterNode], document: dict[str, Any]) -> str:
    marks = ["# - flows: say what must work, and routes, rules and forwarding follow."]
    guessed = [name for name in document["networks"] if name.startswith("net-")]
    if guessed:
        marks.append(f"# - {', '.join(guessed)}: the prefix length is a guess, and so is that there is no router.")
    strange = [node for node in cluster if _system(node) is None]
    if strange:
        names = list_some(sorted((node.name for node in strange), key=natural_key), 4)
        images = list_some(sorted({printable(node.image) for node in strange if node.image}), 4) or "nothing"
        marks.append(f"# - os: {names}: taken for Flatcar; the cluster says {images}.")
    if cluster:
        marks.append("# - interfaces: eth0 is a guess.")
    if HOST in document["nodes"]:
        marks.append(f"# - {HOST}: the host's own name, system and uplink are not in libvirt's files.")
    return "\n".join(marks) + "\n"


def _add_libvirt(networks: dict[str, Any], prefixes: dict[str, IPNetwork], definition: LibvirtDefinition) -> None:
    for number, (_, network) in enumerate(definition.addresses):
        name = definition.name if number == 0 else f"{definition.name}-{number + 1}"
        entry: dict[str, Any] = {"cidr": str(network), "router": HOST}
        if len(definition.addresses) > 1:
            entry["segment"] = definition.name
        if number == 0:
            entry["libvirt"] = {"bridge": definition.bridge, "forward": definition.forward}
        networks[name] = _Flow(entry)
        prefixes[name] = network


def _named(definition: LibvirtDefinition, prefixes: dict[str, IPNetwork]) -> list[tuple[IPAddress, str]]:
    return [(ip, next(one for one, known in prefixes.items() if known == net)) for ip, net in definition.addresses]


def _attachment(own: dict[str, str]) -> _Flow:
    if len(own) == 1:
        ((network, address),) = own.items()
        return _Flow({"network": network, "address": address})
    return _Flow({"networks": _Flow(own)})


def _node(node: ClusterNode, networks: dict[str, Any], prefixes: dict[str, IPNetwork]) -> _Flow:
    entry: dict[str, Any] = {"groups": ["masters" if node.server else "workers"]}
    if (system := _system(node)) not in (None, FLATCAR):
        entry["os"] = system
    if node.pod_networks:
        pods = [str(network) for network in node.pod_networks]
        entry["pod_cidr"] = pods[0] if len(pods) == 1 else pods
    interfaces = {}
    for number, ip in enumerate(node.ips):
        name = next((name for name, network in prefixes.items() if ip in network), None)
        if name is None:
            network = IPNetwork(f"{ip}/24").cidr
            name = "net-" + str(network.network).replace(".", "-")
            networks[name], prefixes[name] = _Flow({"cidr": str(network)}), network
        interfaces[f"eth{number}"] = _Flow({"network": name, "address": str(ip)})
    entry["interfaces"] = _Flow(interfaces)
    return _Flow(entry)


def _system(node: ClusterNode) -> str | None:
    """What a topology calls the node's system, None for one that it has no name for."""
    if node.image.startswith("Flatcar "):
        return FLATCAR
    found = _EL_IMAGE.match(node.image)
    return {"Rocky": "rocky", "Alma": "almalinux"}[found[1]] + found[2] if found else None


def _span(pods: Sequence[IPNetwork]) -> IPNetwork:
    """The smallest network that holds all pod networks, a /16 at least: that is what K3s hands out from."""
    smallest = spanning_cidr(pods) if len(pods) > 1 else pods[0]
    return IPNetwork(f"{smallest.network}/{min(16, smallest.prefixlen)}").cidr
