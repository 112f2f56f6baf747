"""A valid document -> Topology. The last place where the document's mappings exist."""

from collections.abc import Mapping
from typing import Any

from netaddr import IPAddress

from netwright.model import Flow, LibvirtBridge, Network, RoutingStyle, Setting, Topology
from netwright.parse.forwards import parse_forwards
from netwright.parse.kubernetes import flows_of_plugin, parse_kubernetes
from netwright.parse.node import Grounds, parse_node
from netwright.parse.pools import parse_pools
from netwright.parse.values import Values, read_ip
from netwright.parse.virtual_addresses import parse_virtual_addresses
from netwright.text.report import Diagnostic
from netwright.text.source import TopologyPath

_K3S_PODS = "10.42.0.0/16"
"""K3s's default for pods (docs.k3s.io, `cluster-cidr`)."""


def parse(document: Mapping[str, Any]) -> tuple[Topology, tuple[Diagnostic, ...]]:
    """The topology of a document that the schema accepts, and what is wrong with its values beyond the schema."""
    values = Values()
    grounds: Grounds = {}
    templates = document.get("templates")
    kubernetes = document.get("kubernetes")
    nodes = tuple(parse_node(name, node, document, values, grounds) for name, node in document["nodes"].items())
    if kubernetes is None and any(node.role is not None and node.pod_networks for node in nodes):
        kubernetes = {"pods": {"cidr": _K3S_PODS}}
    cluster = parse_kubernetes(kubernetes, values) if kubernetes is not None else None
    flows = tuple(_flow(name, flow, values) for name, flow in document.get("flows", {}).items())
    topology = Topology(
        name=document["name"],
        templates=Setting(value=templates, cause=("templates",)) if templates is not None else None,
        networks=tuple(_network(name, network, values) for name, network in document["networks"].items()),
        nodes=nodes,
        groups=tuple(document.get("groups", ())),
        flows=(*flows, *flows_of_plugin(cluster, nodes, has_flows=bool(flows))),
        routing=_routing(document.get("routing", {})),
        kubernetes=cluster,
        virtual_addresses=tuple(parse_virtual_addresses(document)),
        pools=tuple(parse_pools(document, values)),
        forwards=tuple(parse_forwards(document, values)),
    )
    return topology, tuple(dict.fromkeys(values.diagnostics))


def _network(name: str, network: Mapping[str, Any], values: Values) -> Network:
    path = ("networks", name)
    router, isolated, vlan = network.get("router"), network.get("isolated"), network.get("vlan")
    return Network(
        name=name,
        cidr=values.network(network["cidr"], (*path, "cidr")),
        segment=network.get("segment", name),
        router=Setting(value=router, cause=(*path, "router")) if router is not None else None,
        libvirt=_libvirt(network["libvirt"], name, values) if "libvirt" in network else None,
        cause=path,
        isolated=Setting(value=isolated, cause=(*path, "isolated")) if isolated is not None else None,
        vlan=Setting(value=vlan, cause=(*path, "vlan")) if vlan is not None else None,
        wireguard=(*path, "wireguard") if "wireguard" in network else None,
    )


def _libvirt(libvirt: Mapping[str, Any], network: str, values: Values) -> LibvirtBridge:
    path = ("networks", network, "libvirt")
    domain = libvirt.get("domain")
    return LibvirtBridge(
        name=libvirt.get("name", network),
        bridge=libvirt["bridge"],
        forward=libvirt.get("forward", "open"),
        dns=libvirt.get("dns", False),
        cause=path,
        dhcp=_leases(libvirt["dhcp"], (*path, "dhcp"), values) if "dhcp" in libvirt else None,
        domain=Setting(value=domain, cause=(*path, "domain")) if domain is not None else None,
        dns_hosts=tuple(
            Setting(value=(host, read_ip(ip)), cause=(*path, "dns_hosts", host))
            for host, ip in libvirt.get("dns_hosts", {}).items()
        ),
    )


def _leases(dhcp: Mapping[str, Any], path: TopologyPath, values: Values) -> Setting[tuple[IPAddress, IPAddress] | None]:
    """Return the first and last address of the range that is leased to any machine."""
    if "range" not in dhcp:
        return Setting(value=None, cause=path)
    first, last = map(read_ip, dhcp["range"])
    if first > last:
        message = f"the range ends before it begins; write [{last}, {first}]"
        values.error((*path, "range"), "ranges_go_upwards", message)
    return Setting(value=(first, last), cause=path)


def _flow(name: str, flow: Mapping[str, Any], values: Values) -> Flow:
    path = ("flows", name)
    verdict = "allow" if "allow" in flow else "deny"
    return Flow(
        name=name,
        sources=values.ends(flow["from"], (*path, "from")),
        destinations=values.ends(flow["to"], (*path, "to")),
        traffic=values.traffic(flow[verdict], (*path, verdict)),
        allow=verdict == "allow",
        nat_never=flow.get("nat") == "never",
        via=tuple(
            Setting(value=router, cause=(*path, "via", number)) for number, router in enumerate(flow.get("via", ()))
        ),
        cause=path,
    )


def _routing(routing: Mapping[str, Any]) -> RoutingStyle:
    return RoutingStyle(
        style=routing.get("style", "explicit"), summarize=routing.get("summarize", False), cause=("routing",)
    )
