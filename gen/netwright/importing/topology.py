"""A topology drafted from what was imported."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from netaddr import IPNetwork, spanning_cidr

from netwright.importing.drafting import HOST, Drafting, Entry, Inline, as_comment, dump, lines_of
from netwright.importing.kubectl import ClusterNode
from netwright.importing.libvirt import LibvirtDefinition
from netwright.importing.libvirt_draft import draft_host, note_kept
from netwright.importing.machine import MachineDefinition
from netwright.importing.machine_draft import add_networks, fill_in_machine
from netwright.text.counting import list_some
from netwright.text.natural import natural_key
from netwright.text.report import printable

HEADER = """\
# yaml-language-server: $schema=topology.schema.json
# Drafted by netwright init from what runs already. What it could not know is marked: read every line.
"""
FLATCAR = "flatcar"
_EL_IMAGE = re.compile(r"(Rocky|Alma) ?Linux (8|9|10)\b", re.ASCII)
"""Start of PRETTY_NAME in os-release on the systems that are not Flatcar; the kubelet reports it as osImage."""
_LONGEST_HOSTNAME = 64
_HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
_SHOWN = 4


class Draft(Struct, frozen=True, kw_only=True):
    """The text of a topology, the number of its nodes, and what of the input is only a comment in it, or not there."""

    text: str
    nodes: int
    left_out: tuple[str, ...]


def draft_topology(
    cluster: Sequence[ClusterNode],
    networks: Sequence[LibvirtDefinition],
    machines: Sequence[MachineDefinition] = (),
    *,
    name: str = "cluster",
) -> Draft:
    """Return a topology with these nodes and networks.

    libvirt's networks come with the KVM host that routes them. Of a node that is among the machines, interfaces and
    routes are theirs. The address of another that lies on no known network is put on a /24 around it, since no API has
    the length of its network's prefix.
    """
    drafting = Drafting()
    known = {node.name for node in cluster} | ({HOST} if networks else set())
    found = _by_name(drafting, known, machines)
    drafting.used.update(ip for node in cluster for ip in node.ips)
    host = draft_host(drafting, networks)
    for machine in found.values():
        add_networks(drafting, machine)
    nodes = {node.name: _node(drafting, node, found.get(node.name)) for node in cluster}
    nodes |= {name: _machine(drafting, name, one) for name, one in found.items() if name not in nodes}
    nodes = {name: entry for name, entry in nodes.items() if name == HOST or _has_address(drafting, name, entry)}
    nodes = {name: nodes[name] for name in sorted(nodes, key=natural_key)}
    if host:
        nodes = {HOST: _with_own_files(host, nodes.pop(HOST, None))} | nodes
    note_kept(drafting)
    pods = _pods(drafting, cluster)
    if pods is None:
        for node in nodes.values():
            node.value.pop("pod_cidr", None)
    text = HEADER + "".join(f"# - {mark}\n" for mark in _marks(drafting, cluster, found, host))
    text += dump({"version": 1, "name": name}) + "networks:\n" + lines_of(drafting.networks)
    if pods is not None:
        text += dump({"kubernetes": {"pods": pods}})
    if cluster:
        text += dump({"groups": {"masters": _group("server"), "workers": _group("agent")}})
    text += "nodes:\n" + lines_of(nodes)
    return Draft(text=text, nodes=len(nodes), left_out=tuple(drafting.left_out))


def _group(role: str) -> Inline:
    return Inline({"os": FLATCAR, "kubernetes": role})


def _with_own_files(host: dict[str, Any], own: Entry | None) -> Entry:
    """The KVM host with what is known of it as a machine, or as a node of the cluster."""
    if own is None:
        return Entry(host)
    routes = [*host.get("routes", ()), *own.value.get("routes", ())]
    joined = {"interfaces": {**host["interfaces"], **own.value["interfaces"]}} | ({"routes": routes} if routes else {})
    return Entry(host | own.value | joined, own.comments)


def _by_name(
    drafting: Drafting, known: set[str], machines: Sequence[MachineDefinition]
) -> dict[str, MachineDefinition]:
    """The machines by the name of their node: a known one with the same host name, or a new one."""
    drafting.names |= known
    found: dict[str, MachineDefinition] = {}
    for machine in sorted(machines, key=lambda machine: natural_key(machine.name)):
        short = machine.name.lower().split(".", 1)[0]
        name = short if short in known and short not in found else drafting.name(short)
        found[name] = machine
    return found


def _node(drafting: Drafting, node: ClusterNode, machine: MachineDefinition | None) -> Entry:
    value: dict[str, Any] = {"groups": ["masters" if node.server else "workers"]}
    entry = Entry(Inline(value) if machine is None else value)
    value = entry.value
    if node.full_name != node.name:
        _add_hostname(entry, node.full_name)
    system = _system(node.image) or (_assumed_system(machine) if machine is not None else None)
    if system not in (None, FLATCAR):
        value["os"] = system
    if node.pod_networks:
        pods = [str(network) for network in node.pod_networks]
        value["pod_cidr"] = pods[0] if len(pods) == 1 else pods
    if machine is not None:
        _add_format(value, machine, system or FLATCAR)
        fill_in_machine(drafting, entry, machine, leased=node.ips)
    if machine is None or not _on_networks(value):
        value["interfaces"] = Inline(_interfaces(drafting, node))
    if node.ipv6:
        entry.comments.append(f"IPv6, for which a topology has no key: {', '.join(node.ipv6)}")
        drafting.left_out.append(f"node {node.full_name}: IPv6 addresses and pod networks, in a comment")
    return entry


def _on_networks(value: Mapping[str, Any]) -> bool:
    return any(one.keys() & {"network", "networks"} for one in value["interfaces"].values())


def _has_address(drafting: Drafting, name: str, entry: Entry) -> bool:
    """Return whether a node can stand in a topology; leaves out one that can't."""
    found = _on_networks(entry.value)
    if not found:
        drafting.left_out.append(f"node {name}: none of its addresses is in its files, or can be drafted")
    return found


def _interfaces(drafting: Drafting, node: ClusterNode) -> Iterator[tuple[str, Inline]]:
    """Yield an interface for each address that the cluster knows of a node."""
    for number, ip in enumerate(node.ips):
        value = Inline({"network": drafting.network_around(ip), "address": str(ip)})
        if (mac := drafting.kept.pop(ip, None)) is not None:
            value |= {"dhcp": True, "mac": mac}
        yield f"eth{number}", value


def _machine(drafting: Drafting, name: str, machine: MachineDefinition) -> Entry:
    """A machine that is no node of the cluster."""
    system = _system(machine.image) or _assumed_system(machine)
    entry = Entry({"os": system})
    if machine.name != name:
        _add_hostname(entry, machine.name.lower())
    _add_format(entry.value, machine, system)
    fill_in_machine(drafting, entry, machine)
    return entry


def _assumed_system(machine: MachineDefinition) -> str:
    return FLATCAR if machine.source == "networkd" else "rocky9"


def _add_format(value: dict[str, Any], machine: MachineDefinition, system: str) -> None:
    if machine.source == "NetworkManager" and system.endswith(("8", "9")):
        value["network_config"] = "keyfile"


def _add_hostname(entry: Entry, full_name: str) -> None:
    """Add the machine's own name, by which Kubernetes knows it."""
    if len(full_name) > _LONGEST_HOSTNAME:
        entry.comments.append(f"It is called {full_name}, which is too long for Linux; see --node-name of Kubernetes")
    elif _HOSTNAME.fullmatch(full_name):
        entry.value["hostname"] = full_name
    else:
        entry.comments.append(f"It is called {full_name}, which is no host name")


def _system(image: str) -> str | None:
    """Return the topology's name of a system by its PRETTY_NAME, None for one that it has no name for."""
    if image.startswith("Flatcar "):
        return FLATCAR
    found = _EL_IMAGE.match(image)
    return {"Rocky": "rocky", "Alma": "almalinux"}[found[1]] + found[2] if found else None


def _pods(drafting: Drafting, cluster: Sequence[ClusterNode]) -> Inline | None:
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
    return Inline({"cidr": str(found), "node_prefix": pods[0].prefixlen})


def _marks(
    drafting: Drafting,
    cluster: Sequence[ClusterNode],
    machines: Mapping[str, MachineDefinition],
    host: Mapping[str, Any],
) -> Iterator[str]:
    """Yield what a reader has to look at, a line each."""
    yield "flows: state what must work, and routes, rules and forwarding follow."
    if drafting.guessed:
        yield f"{', '.join(drafting.guessed)}: the prefix length is a guess, and so is that there is no router."
    strange = [node for node in cluster if _system(node.image) is None and node.name not in machines]
    if strange:
        names = list_some(sorted((node.name for node in strange), key=natural_key), _SHOWN)
        images = list_some(sorted({printable(node.image) for node in strange if node.image}), _SHOWN) or "nothing"
        yield f"os: {names}: taken for Flatcar; the cluster reports {images}."
    assumed = [name for name, one in machines.items() if _system(one.image) is None]
    if assumed:
        systems = "Flatcar where networkd has the files, Rocky 9 where NetworkManager has them"
        yield f"os: {list_some(assumed, _SHOWN)}: no os-release is among the files; taken for {systems}."
    if any(node.name not in machines for node in cluster):
        yield "interfaces: eth0 is a guess."
    guessed = [f"{one.name} of {name}" for name, machine in machines.items() for one in machine.links if one.is_guessed]
    if guessed:
        yield f"interfaces: {list_some(guessed, _SHOWN)}: named after the file; it matches something else."
    if machines:
        yield "kernel parameters, packet filters and what programs add are not in the files that were read."
    if host:
        yield f"{HOST}: the host's own name, system and uplink are not in libvirt's files."
    for sentence in drafting.left_out:
        yield f"left out: {as_comment(sentence)}."
