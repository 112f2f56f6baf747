"""A topology drafted from what was imported."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import indent
from typing import Any

import yaml
from msgspec import Struct, field
from netaddr import IPAddress, IPNetwork, spanning_cidr

from netwright.importing.kubectl import ClusterNode
from netwright.importing.libvirt import LibvirtDefinition, LibvirtRoute
from netwright.text.counting import list_some
from netwright.text.natural import natural_key
from netwright.text.report import printable

HEADER = """\
# yaml-language-server: $schema=topology.schema.json
# Drafted by netwright init from a running cluster. What it could not know is marked: read every line.
"""
FLATCAR = "flatcar"
HOST = "kvm"
_EL_IMAGE = re.compile(r"(Rocky|Alma) ?Linux (8|9|10)\b", re.ASCII)
"""Start of PRETTY_NAME in os-release on the systems that are not Flatcar; the kubelet reports it as osImage."""
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME, _LONGEST_HOSTNAME, _LONGEST_COMMENT = 63, 64, 300
_RESERVED = frozenset({"default", "pods", "services", "internet", "any", "masters", "workers"})
"""Names that mean something else in a topology, or in a draft."""
_LIBVIRT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,49}", re.ASCII)
_SHOWN = 4


class _Flow(dict[str, Any]):
    """A mapping that is written in one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


_Dumper.add_representer(
    _Flow, lambda dumper, flow: dumper.represent_mapping("tag:yaml.org,2002:map", flow, flow_style=True)
)


class Draft(Struct, frozen=True, kw_only=True):
    """The text of a topology, and sentences about what of the input is only a comment in it, or not there."""

    text: str
    left_out: tuple[str, ...]


class _Entry(Struct):
    """A line of the draft, and the comments below it."""

    value: _Flow
    comments: list[str] = field(default_factory=list)


class _Drafting(Struct):
    """State of the draft: networks by name with their prefixes, and what was left out."""

    networks: dict[str, _Entry] = field(default_factory=dict)
    prefixes: dict[str, IPNetwork] = field(default_factory=dict)
    names: set[str] = field(default_factory=lambda: {HOST})
    left_out: list[str] = field(default_factory=list)
    kept: dict[IPAddress, str] = field(default_factory=dict)
    used: set[IPAddress] = field(default_factory=set)

    def name(self, wanted: str) -> str:
        """A name that a topology can have and nothing has, as like the wanted one as may be."""
        legal = _NOT_IN_NAMES.sub("-", wanted.lower()).strip("-")[:_LONGEST_NAME].strip("-") or "network"
        legal = f"libvirt-{legal}"[:_LONGEST_NAME].strip("-") if legal in _RESERVED else legal
        number, found = 2, legal
        while found in self.names:
            found, number = f"{legal[: _LONGEST_NAME - 5]}-{number}", number + 1
        self.names.add(found)
        return found

    def overlapping(self, network: IPNetwork) -> str | None:
        """The name of a network that has addresses of this one."""
        return next((name for name, one in self.prefixes.items() if _overlap(one, network)), None)

    def network_of(self, ip: IPAddress) -> str | None:
        """The name of the network that the address lies in."""
        return next((name for name, network in self.prefixes.items() if ip in network), None)


def draft_topology(
    cluster: Sequence[ClusterNode], networks: Sequence[LibvirtDefinition], *, name: str = "cluster"
) -> Draft:
    """Return a topology with these nodes and networks.

    libvirt's networks come with the KVM host that routes them. A node whose address lies on none of them is put on a
    /24 around it, since no API has the length of its network's prefix.
    """
    drafting = _Drafting()
    drafting.names.update(node.name for node in cluster)
    drafting.used.update(ip for node in cluster for ip in node.ips)
    host = _host(drafting, networks)
    nodes = {node.name: _node(drafting, node) for node in sorted(cluster, key=lambda node: natural_key(node.name))}
    _tell_of_kept(drafting)
    pods = _pods(drafting, cluster)
    if pods is None:
        for node in nodes.values():
            node.value.pop("pod_cidr", None)
    text = HEADER + "".join(f"# - {mark}\n" for mark in _marks(drafting, cluster, host))
    text += _dump({"version": 1, "name": name}) + "networks:\n" + _lines(drafting.networks)
    if pods is not None:
        text += _dump({"kubernetes": {"pods": pods}})
    if cluster:
        text += _dump({"groups": {"masters": _group("server"), "workers": _group("agent")}})
    text += "nodes:\n" + (indent(_dump({HOST: host}), "  ") if host else "") + _lines(nodes)
    return Draft(text=text, left_out=tuple(drafting.left_out))


def _dump(document: Mapping[str, Any]) -> str:
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, width=2**20, allow_unicode=True)


def _lines(entries: Mapping[str, _Entry]) -> str:
    """The entries, indented, with their comments below."""
    lines = []
    for name, entry in entries.items():
        lines.append(indent(_dump({name: entry.value}), "  "))
        lines += (f"    # {_comment(comment)}\n" for comment in entry.comments)
    return "".join(lines)


def _comment(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST_COMMENT else shown[:_LONGEST_COMMENT] + " ..."


def _group(role: str) -> _Flow:
    return _Flow({"os": FLATCAR, "kubernetes": role})


def _host(drafting: _Drafting, definitions: Sequence[LibvirtDefinition]) -> dict[str, Any]:
    """The KVM host with a bridge for each network that can be drafted; empty if there is none."""
    interfaces: dict[str, _Flow] = {}
    drafted = []
    for definition in sorted(definitions, key=lambda definition: natural_key(definition.name)):
        own = _add_libvirt(drafting, definition, interfaces)
        if own:
            interfaces[definition.bridge] = _attachment(own)
            drafted.append(definition)
    if not drafted:
        return {}
    host: dict[str, Any] = {"os": "rocky9", "network_config": "keyfile", "forward": True, "interfaces": interfaces}
    routes = [_Flow(_route(route)) for one in drafted for route in one.routes if _is_drafted(drafting, route)]
    return host | ({"routes": routes} if routes else {})


def _add_libvirt(drafting: _Drafting, definition: LibvirtDefinition, bridges: Mapping[str, object]) -> dict[str, str]:
    """Draft the networks of one of libvirt's; return the host's address on each by name, none if it can't be had."""
    shown = printable(definition.name)
    if definition.bridge in bridges:
        drafting.left_out.append(f"network {shown}: another one has the bridge {definition.bridge}")
        return {}
    taken = [name for _, network in definition.addresses if (name := drafting.overlapping(network))]
    if taken:
        drafting.left_out.append(f"network {shown}: it has addresses of {taken[0]}")
        return {}
    own: dict[str, str] = {}
    first = drafting.name(definition.name)
    for number, (ip, network) in enumerate(definition.addresses):
        name = first if number == 0 else drafting.name(f"{first}-{number + 1}")
        value = _Flow({"cidr": str(network), "router": HOST})
        if len(definition.addresses) > 1:
            value["segment"] = first
        if definition.mtu is not None:
            value["mtu"] = definition.mtu
        if number == 0:
            value["libvirt"] = _libvirt(drafting, definition, name)
        drafting.networks[name], drafting.prefixes[name] = _Entry(value), network
        own[name] = str(ip)
    drafting.kept |= definition.served.kept
    if definition.left_out:
        drafting.networks[first].comments += (
            "libvirt has more, for which a topology has no key:",
            *definition.left_out,
        )
        drafting.left_out.append(f"network {shown}: {_kinds(definition.left_out)}, in comments")
    return own


def _libvirt(drafting: _Drafting, definition: LibvirtDefinition, name: str) -> _Flow:
    value = _Flow({"bridge": definition.bridge, "forward": definition.forward})
    if definition.name != name and _LIBVIRT_NAME.fullmatch(definition.name):
        value["name"] = definition.name
    served = definition.served
    if definition.dns:
        value["dns"] = True
        if served.names:
            value["dns_hosts"] = _Flow({host: str(ip) for host, ip in served.names.items()})
    if served.domain is not None:
        value["domain"] = served.domain
    if served.leases:
        ends = _free_range(drafting, definition)
        value["dhcp"] = _Flow({"range": [str(ip) for ip in ends]} if ends else {})
    return value


def _free_range(drafting: _Drafting, definition: LibvirtDefinition) -> tuple[IPAddress, ...]:
    """The first and the last address of the range that libvirt leases; none if machines of the draft have some of them
    that are not kept for them."""
    own, network = definition.addresses[0]
    ends = definition.served.range
    if ends is None:
        return ()
    first, last = ends
    used = [ip for ip in (*drafting.used, own) if first <= ip <= last and ip not in definition.served.kept]
    if used or not network.first < int(first) <= int(last) < network.last:
        why = f"{used[0]} in it belongs to a machine" if used else f"it is not among the addresses of {network}"
        drafting.left_out.append(f"the range of leases {first} to {last}: {why}")
        return ()
    return ends


def _tell_of_kept(drafting: _Drafting) -> None:
    """Note the addresses that libvirt keeps for machines of which the cluster knows nothing."""
    by_network: dict[str, list[str]] = {}
    for ip, mac in drafting.kept.items():
        network = drafting.network_of(ip)
        if network is not None:
            by_network.setdefault(network, []).append(f"{ip} for {mac}")
    for network, kept in by_network.items():
        drafting.networks[network].comments += ("libvirt keeps, for machines that are not drafted:", *kept)
        drafting.left_out.append(f"network {network}: addresses that are kept for other machines, in comments")


def _kinds(elements: Iterable[str]) -> str:
    """The names of XML elements, each once; IPv6 by its name."""
    kinds = ("IPv6" if 'family="ipv6"' in one else re.split(r"[\s/>]", one[1:], maxsplit=1)[0] for one in elements)
    return ", ".join(dict.fromkeys(kinds))


def _is_drafted(drafting: _Drafting, route: LibvirtRoute) -> bool:
    """Return whether the draft can have the route: by a neighbour, to what is elsewhere."""
    name = drafting.network_of(route.via)
    possible = name is not None and drafting.overlapping(route.to) is None
    if not possible:
        reason = "its next hop is on no network" if name is None else "the host is connected to that network"
        drafting.left_out.append(f"the route to {route.to} by {route.via}: {reason}")
    return possible


def _route(route: LibvirtRoute) -> Iterator[tuple[str, Any]]:
    yield "to", str(route.to)
    yield "via", str(route.via)
    if route.metric is not None:
        yield "metric", route.metric


def _attachment(own: dict[str, str]) -> _Flow:
    if len(own) == 1:
        ((network, address),) = own.items()
        return _Flow({"network": network, "address": address})
    return _Flow({"networks": _Flow(own)})


def _node(drafting: _Drafting, node: ClusterNode) -> _Entry:
    value = _Flow({"groups": ["masters" if node.server else "workers"]})
    entry = _Entry(value)
    if node.full_name != node.name:
        _add_hostname(entry, node)
    if (system := _system(node)) not in (None, FLATCAR):
        value["os"] = system
    if node.pod_networks:
        pods = [str(network) for network in node.pod_networks]
        value["pod_cidr"] = pods[0] if len(pods) == 1 else pods
    interfaces = {}
    for number, ip in enumerate(node.ips):
        interfaces[f"eth{number}"] = _Flow({"network": _network_around(drafting, ip), "address": str(ip)})
        if (mac := drafting.kept.pop(ip, None)) is not None:
            interfaces[f"eth{number}"] |= {"dhcp": True, "mac": mac}
    value["interfaces"] = _Flow(interfaces)
    if node.ipv6:
        entry.comments.append(f"IPv6, for which a topology has no key: {', '.join(node.ipv6)}")
        drafting.left_out.append(f"node {node.full_name}: IPv6 addresses and pod networks, in a comment")
    return entry


def _add_hostname(entry: _Entry, node: ClusterNode) -> None:
    """Kubernetes knows the node by its host name, which has to stay."""
    if len(node.full_name) <= _LONGEST_HOSTNAME:
        entry.value["hostname"] = node.full_name
    else:
        entry.comments.append(f"Kubernetes calls it {node.full_name}, which is too long for Linux; see --node-name")


def _network_around(drafting: _Drafting, ip: IPAddress) -> str:
    """The name of the network with the address: one of libvirt's, else a /24 or what is free of it."""
    known = drafting.network_of(ip)
    if known is not None:
        return known
    lengths = (IPNetwork(f"{ip}/{length}").cidr for length in range(24, 33))
    network = next(one for one in lengths if drafting.overlapping(one) is None)
    name = drafting.name("net-" + str(network.network).replace(".", "-"))
    drafting.networks[name], drafting.prefixes[name] = _Entry(_Flow({"cidr": str(network)})), network
    return name


def _system(node: ClusterNode) -> str | None:
    """Return the topology's name of the node's system, None for one that it has no name for."""
    if node.image.startswith("Flatcar "):
        return FLATCAR
    found = _EL_IMAGE.match(node.image)
    return {"Rocky": "rocky", "Alma": "almalinux"}[found[1]] + found[2] if found else None


def _pods(drafting: _Drafting, cluster: Sequence[ClusterNode]) -> _Flow | None:
    """The network of all pods: the smallest that holds them, a /16 where that has no address of a node's network, since
    that is what K3s hands out from. None if there is none, or it would hold nodes."""
    pods = [network for node in cluster for network in node.pod_networks]
    if not pods:
        return None
    smallest = (spanning_cidr(pods) if len(pods) > 1 else pods[0]).cidr
    lengths = range(min(16, smallest.prefixlen), smallest.prefixlen + 1)
    networks = (IPNetwork(f"{smallest.network}/{length}").cidr for length in lengths)
    found = next((one for one in networks if drafting.overlapping(one) is None), None)
    if found is None:
        shown = list_some([str(one) for one in sorted(set(pods))], _SHOWN)
        drafting.left_out.append(f"pod networks ({shown}): one network with all of them would hold nodes as well")
        return None
    return _Flow({"cidr": str(found), "node_prefix": pods[0].prefixlen})


def _overlap(one: IPNetwork, other: IPNetwork) -> bool:
    return bool(one.first <= other.last and other.first <= one.last)


def _marks(drafting: _Drafting, cluster: Sequence[ClusterNode], host: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader has to look at, a line each."""
    yield "flows: state what must work, and routes, rules and forwarding follow."
    guessed = [name for name in drafting.networks if name.startswith("net-")]
    if guessed:
        yield f"{', '.join(guessed)}: the prefix length is a guess, and so is that there is no router."
    strange = [node for node in cluster if _system(node) is None]
    if strange:
        names = list_some(sorted((node.name for node in strange), key=natural_key), _SHOWN)
        images = list_some(sorted({printable(node.image) for node in strange if node.image}), _SHOWN) or "nothing"
        yield f"os: {names}: taken for Flatcar; the cluster reports {images}."
    if cluster:
        yield "interfaces: eth0 is a guess."
    if host:
        yield f"{HOST}: the host's own name, system and uplink are not in libvirt's files."
    for sentence in drafting.left_out:
        yield f"left out: {_comment(sentence)}."
