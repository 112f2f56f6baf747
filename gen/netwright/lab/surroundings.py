"""Surroundings made by other programs: pods and flannel's tunnels, virtual addresses, the way to the internet, rules.

Stand-ins for flannel, kube-proxy, keepalived and libvirt, of which no file below OUT speaks.
"""

from collections.abc import Callable, Iterable, Iterator

from netwright.lab.boot import Guest, SysctlFiles, set_parameter
from netwright.lab.cabling import CARD, Cables
from netwright.lab.containers import add_docker_bridge
from netwright.lab.flannel_wireguard import FlannelNode, add_wireguard
from netwright.lab.namespaces import Namespaces
from netwright.verify.network_model.assumed import INTERNET, OVERLAY, PODS
from netwright.verify.network_model.foreign import flannel_rules, kube_proxy_rules, libvirt_rules, uplink_rules
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.machine_rules import is_translated_outside
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.programs import docker_translation, program_rules
from netwright.verify.reading.configuration import NFTABLES
from netwright.verify.reading.formats.handoff import handoff_ruleset
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.wiring import Assumptions, LearnedRoute


def pods_of(node: str) -> str:
    """The name of the namespace of a node's pods; names of nodes have no dot."""
    return f"{node}.pods"


def add_pods(spaces: Namespaces, cables: Cables, machine: Machine, sysctl: SysctlFiles, ips: Iterable[int]) -> None:
    """The pods' interface on the node, and behind it one namespace that has all of the given pod IPs."""
    inside = pods_of(machine.name)
    cables.connect(spaces, (machine.name, PODS), (inside, CARD))
    sysctl.apply_to(PODS)
    own = [f"address add {format_ip(pods.first + 1)}/{pods.length} dev {PODS}" for pods in machine.pods]
    spaces.ip(machine.name, [f"link set {PODS} up", *own])
    lines = [f"link set {CARD} up", *(f"address add {format_ip(ip)}/32 dev {CARD}" for ip in ips)]
    gateway = format_ip(machine.pods[0].first + 1)
    spaces.ip(inside, [*lines, f"route add default via {gateway} dev {CARD} onlink"])


def add_overlay(spaces: Namespaces, network: Network, machine: Machine, sysctl: SysctlFiles) -> None:
    """flannel's routes to all other nodes' pods: by VXLAN, or directly (host-gw), in place of one to the same pods, as
    flannel does it (routeAdd in its pkg/backend/route_network.go)."""
    own = {pod.node: _underlay(network, pod.node, pod.interface) for pod in network.pod_networks}
    interface = next(pod.interface for pod in network.pod_networks if pod.node == machine.name)
    others = [pod for pod in network.pod_networks if pod.node != machine.name]
    if network.assumptions.cni == "host-gw":
        routes = [f"route replace {pod.network} via {own[pod.node]} dev {interface}" for pod in others if own[pod.node]]
        spaces.ip(machine.name, routes, force=True)
        return
    local = own[machine.name]
    if network.assumptions.cni != "vxlan" or local is None:
        return
    macs = {node: f"02:76:78:00:{number >> 8:02x}:{number & 255:02x}" for number, node in enumerate(network.machines)}
    device = f"id 1 local {local} dev {interface} dstport 8472 nolearning"
    lines = [
        f"link add name {OVERLAY} address {macs[machine.name]} mtu 1450 type vxlan {device}",
    ]
    spaces.ip(machine.name, lines)
    sysctl.apply_to(OVERLAY)
    lines = [f"link set {OVERLAY} up", f"address add {format_ip(machine.pods[0].first)}/32 dev {OVERLAY}"]
    tunnels = []
    for pod in others:
        gateway = format_ip(pod.network.first)
        lines.append(f"neigh replace {gateway} lladdr {macs[pod.node]} dev {OVERLAY} nud permanent")
        lines.append(f"route replace {pod.network} via {gateway} dev {OVERLAY} onlink")
        if own[pod.node]:
            tunnels.append(f"fdb replace {macs[pod.node]} dev {OVERLAY} dst {own[pod.node]}")
    spaces.ip(machine.name, lines)
    spaces.run(machine.name, ["bridge", "-batch", "-"], "\n".join(tunnels) + "\n")


def add_encrypted(spaces: Namespaces, network: Network, tune: Callable[[str, str], object]) -> None:
    """flannel's routes and tunnels where they are WireGuard's. Raises LabError."""
    if network.assumptions.cni == "wireguard-native" and network.pod_networks:
        underlay = {pod.node: _underlay(network, pod.node, pod.interface) for pod in network.pod_networks}
        pods = {name: tuple(machine.pods) for name, machine in network.machines.items()}
        nodes = [FlannelNode(name=name, address=own, pods=pods[name]) for name, own in underlay.items() if own]
        add_wireguard(spaces, nodes, network.wiring.pods, tune)


def _underlay(network: Network, node: str, interface: str) -> str | None:
    """The first address of flannel's card, without those that move: flannel has started before."""
    moving = {one.ip for one in network.wiring.held}
    addresses = [one.ip for one in network.machines[node].addresses.get(interface, ()) if one.ip not in moving]
    return format_ip(addresses[0]) if addresses else None


def add_programs(spaces: Namespaces, cables: Cables, network: Network, machine: Machine, sysctl: SysctlFiles) -> None:
    """Docker's bridge with its containers, and what K3s and Docker make of bridge-nf-call-iptables as they start."""
    if machine.name in network.wiring.docker:
        add_docker_bridge(spaces, cables, network.wiring, machine.name, sysctl.apply_to)
    if machine.bridge_nf:
        set_parameter(spaces, machine.name, "bridge/bridge-nf-call-iptables", "1")


def remark_on_plugin(assumptions: Assumptions) -> Iterator[str]:
    """Return what a network plugin does that no one plays."""
    plugin = assumptions.plugin
    if plugin is not None:
        name = "The network plugin" if plugin.name == "other" else f"The network plugin {plugin.name}"
        tried = "no conversation has a pod at an end" if plugin.leads else "pods have no rules of its own"
        yield f"{name} is not played: {tried}."


def add_held(spaces: Namespaces, network: Network) -> None:
    """Virtual addresses, each on the node that holds it."""
    for held in network.wiring.held:
        spaces.ip(held.node, [f"address add {format_ip(held.ip)}/32 dev {held.interface}"], force=True)
        if held.learned is not None:
            spaces.ip(held.learned.router, [f"route replace {learned_route(held.ip, held.learned)}"], force=True)


def learned_route(ip: int, learned: LearnedRoute) -> str:
    """The words of the route to an address that a router has learned, for iproute2."""
    return f"{format_ip(ip)}/32 via {format_ip(learned.gateway)} dev {learned.interface} metric 20"


def load_rules(spaces: Namespaces, network: Network, guest: Guest) -> Iterator[str]:
    """Loads the node's own rulesets, then those of other programs; returns nft's messages about those it refuses."""
    idle = {one.origin.file for one in guest.configuration.on(network.boot).unloaded}
    files = sorted(guest.delivery.files.items())
    own = {path: file.text for path, file in files if _is_ruleset(path) and file.shown not in idle}
    sheet = guest.delivery.handoff
    if sheet is not None and (asked := handoff_ruleset(sheet.text)):
        own["handoff.md"] = asked
    for path, text in own.items():
        complaint = spaces.attempt(guest.name, ["nft", "-f", "-"], text)
        if complaint:
            yield f"nft refuses {path}: {complaint.splitlines()[0]}"
    machine, assumptions, wiring = network.machines[guest.name], network.assumptions, network.wiring
    texts = []
    if assumptions.libvirt_rules:
        texts.append(libvirt_rules(guest.configuration.networks))
    if machine.pods and wiring.pods is not None and assumptions.cni != "none":
        texts.append(flannel_rules(wiring.pods, machine.pods))
    if machine.pods and assumptions.kube_proxy_drops_invalid:
        texts.append(kube_proxy_rules())
    if is_translated_outside(guest.configuration, wiring, assumptions):
        texts.append(uplink_rules(INTERNET))
    forwards = bool(machine.parameters.values["all"]["forwarding"])
    if guest.name in wiring.docker:
        texts.append(docker_translation(wiring.containers.get(guest.name, ())))
    texts += (text for _, text in program_rules(guest.configuration, wiring, forwards=forwards))
    for text in (*texts, machine.firewalld):
        if text:
            spaces.run(guest.name, ["nft", "-f", "-"], text)


def _is_ruleset(path: str) -> bool:
    return path.startswith(NFTABLES) and path.endswith(".nft")
