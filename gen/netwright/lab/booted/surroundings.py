"""Surroundings made by other programs on booted machines: pods and flannel's tunnels, libvirt's networks, virtual
addresses, the way to the internet.

Flannel takes the address that its card really has; all else is as the topology wires it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from netwright.lab.boot import set_parameter
from netwright.lab.booted.libvirt import DefinedNetwork, bridge_lines, ruleset
from netwright.lab.booted.machine import BootedMachine
from netwright.lab.cabling import CARD, OUTSIDE, Cables
from netwright.lab.containers import add_docker_bridge
from netwright.lab.doors import Door
from netwright.lab.flannel_wireguard import FlannelNode, add_wireguard
from netwright.lab.namespaces import Namespaces
from netwright.lab.outside import add_internet
from netwright.lab.programs import SYSCTL
from netwright.lab.surroundings import learned_route, pods_of
from netwright.verify.network_model.assumed import INTERNET, OVERLAY, PODS
from netwright.verify.network_model.foreign import flannel_rules, kube_proxy_rules, uplink_rules
from netwright.verify.network_model.programs import docker_rules, docker_translation
from netwright.verify.values.addresses import Prefix, format_ip
from netwright.verify.values.wiring import Assumptions, HeldAddress, Wiring

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_BRIDGE_FILTER = "bridge/bridge-nf-call-iptables"


class Site(Struct, frozen=True, kw_only=True):
    """A network that is being built: its namespaces and cables, the machines that run in it, and what is around."""

    spaces: Namespaces
    cables: Cables
    machines: Mapping[str, BootedMachine]
    wiring: Wiring
    assumptions: Assumptions

    @property
    def pods(self) -> dict[str, list[Prefix]]:
        """The networks of pods of each node that has some."""
        found: dict[str, list[Prefix]] = defaultdict(list)
        for pods in self.wiring.pod_networks:
            found[pods.node].append(pods.network)
        return found

    def tune(self, node: str, interface: str) -> None:
        """Applies the machine's parameters to an interface that came later, as udev does it."""
        if node in self.machines:
            self.machines[node].run(SYSCTL, f"--prefix=/net/ipv4/conf/{interface}")

    def load(self, node: str, rules: str) -> None:
        """Adds another program's rules."""
        if rules:
            self.spaces.run(node, ["nft", "-f", "-"], rules)


def make_bridge(spaces: Namespaces, node: str, network: DefinedNetwork) -> None:
    """The bridge of a libvirt network, with its addresses and routes."""
    spaces.ip(node, [f"link add name {network.bridge} type bridge forward_delay 0"], force=True)
    spaces.ip(node, [*bridge_lines(network)], force=True)


def add_libvirt(site: Site, networks: Mapping[str, Sequence[DefinedNetwork]]) -> None:
    """The libvirt networks of every node, with those of their bridges that are not there yet, and libvirt's rules."""
    for node, own in networks.items():
        for network in own:
            make_bridge(site.spaces, node, network)
            site.tune(node, network.bridge)
        if site.assumptions.libvirt_rules:
            site.load(node, ruleset(tuple(own)))


def add_pods(site: Site, tried: Mapping[str, Iterable[int]]) -> None:
    """Pods behind every node that has some, with the addresses that are tried, and flannel's ways between them."""
    for node, networks in site.pods.items():
        inside = pods_of(node)
        site.cables.connect(site.spaces, (node, PODS), (inside, CARD))
        site.tune(node, PODS)
        own = [f"address add {format_ip(pods.first + 1)}/{pods.length} dev {PODS}" for pods in networks]
        site.spaces.ip(node, [f"link set {PODS} up", *own])
        lines = [f"link set {CARD} up", *(f"address add {format_ip(ip)}/32 dev {CARD}" for ip in tried[inside])]
        gateway = format_ip(networks[0].first + 1)
        site.spaces.ip(inside, [*lines, f"route add default via {gateway} dev {CARD} onlink"])
        if site.wiring.pods is not None and site.assumptions.cni != "none":
            site.load(node, flannel_rules(site.wiring.pods, networks))
        if site.assumptions.kube_proxy_drops_invalid:
            site.load(node, kube_proxy_rules())
        set_parameter(site.spaces, node, _BRIDGE_FILTER, "1")
    _add_flannel(site)


def _add_flannel(site: Site) -> None:
    """flannel's routes and tunnels. Raises LabError."""
    cards = {pods.node: pods.interface for pods in site.wiring.pod_networks}
    addresses = {node: _address(site.spaces, node, card) for node, card in cards.items()}
    if site.assumptions.cni == "host-gw":
        for node, card in cards.items():
            others = [pods for pods in site.wiring.pod_networks if pods.node != node and addresses[pods.node]]
            ways = [f"route replace {pods.network} via {addresses[pods.node]} dev {card}" for pods in others]
            site.spaces.ip(node, ways, force=True)
    elif site.assumptions.cni == "wireguard-native" and cards:
        nodes = [
            FlannelNode(name=node, address=own, pods=tuple(site.pods[node])) for node, own in addresses.items() if own
        ]
        add_wireguard(site.spaces, nodes, site.wiring.pods, site.tune)
    elif site.assumptions.cni == "vxlan":
        macs = {node: f"02:76:78:00:{number >> 8:02x}:{number & 255:02x}" for number, node in enumerate(cards)}
        for node, card in cards.items():
            # A node whose card has no address has no tunnel: flannel does not start there.
            if addresses[node] is not None:
                _add_tunnel(site, node, card, macs=macs, addresses=addresses)


def _add_tunnel(
    site: Site, node: str, card: str, *, macs: Mapping[str, str], addresses: Mapping[str, str | None]
) -> None:
    device = f"id 1 local {addresses[node]} dev {card} dstport 8472 nolearning"
    site.spaces.ip(node, [f"link add name {OVERLAY} address {macs[node]} mtu 1450 type vxlan {device}"])
    site.tune(node, OVERLAY)
    lines = [f"link set {OVERLAY} up", f"address add {format_ip(site.pods[node][0].first)}/32 dev {OVERLAY}"]
    tunnels = []
    for pods in site.wiring.pod_networks:
        there = addresses[pods.node]
        if pods.node == node:
            continue
        gateway = format_ip(pods.network.first)
        lines.append(f"neigh replace {gateway} lladdr {macs[pods.node]} dev {OVERLAY} nud permanent")
        lines.append(f"route replace {pods.network} via {gateway} dev {OVERLAY} onlink")
        if there is not None:
            tunnels.append(f"fdb replace {macs[pods.node]} dev {OVERLAY} dst {there}")
    site.spaces.ip(node, lines)
    site.spaces.run(node, ["bridge", "-batch", "-"], "\n".join(tunnels) + "\n")


def _address(spaces: Namespaces, node: str, card: str) -> str | None:
    """The first IPv4 address that a card has in the kernel."""
    shown = spaces.output(node, ["ip", "-json", "-4", "address", "show", "scope", "global"])
    found = (one["local"] for link in json.loads(shown or "[]") if link["ifname"] == card for one in link["addr_info"])
    return next(found, None)


def add_docker(site: Site) -> None:
    """Docker's bridge and rules on the nodes that have it, which depend on whether they forward as it starts."""
    for node in sorted(site.wiring.docker):
        with site.spaces.enter(node):
            forwards = _FORWARDING.read_text(encoding="ascii").strip() != "0"
            _FORWARDING.write_text("1", encoding="ascii")
        add_docker_bridge(site.spaces, site.cables, site.wiring, node, partial(site.tune, node))
        published = site.wiring.containers.get(node, ())
        site.load(node, docker_translation(published))
        site.load(node, docker_rules("accept" if forwards else "drop", published))
        set_parameter(site.spaces, node, _BRIDGE_FILTER, "1")


def add_internets(site: Site, tried: Mapping[str, Iterable[int]], doors: Sequence[Door]) -> None:
    """The internet behind the nodes that lead there, with the addresses that are tried.

    Devices of others among them forward, and translate what leaves, as their hand-off sheets ask.
    """
    add_internet(site.spaces, site.cables, site.wiring, site.tune, tried[OUTSIDE], doors=doors)
    for way_out in site.wiring.exits:
        if way_out.node in site.machines:
            continue
        if site.assumptions.internet_translates:
            site.load(way_out.node, uplink_rules(INTERNET))
        with site.spaces.enter(way_out.node):
            _FORWARDING.write_text("1", encoding="ascii")


def hold(spaces: Namespaces, held: Iterable[HeldAddress], before: Iterable[HeldAddress] = ()) -> None:
    """Moves virtual addresses to the nodes that hold them now."""
    for verb, addresses in (("del", before), ("add", held)):
        for one in addresses:
            spaces.ip(one.node, [f"address {verb} {format_ip(one.ip)}/32 dev {one.interface}"], force=True)
            if one.learned is not None:
                spaces.ip(one.learned.router, [f"route {verb} {learned_route(one.ip, one.learned)}"], force=True)
