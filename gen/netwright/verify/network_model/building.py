"""Files of all nodes and their wiring -> the network of machines."""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.network_model.assumed import FLANNEL_WIREGUARD, OVERLAY, OVERLAYS
from netwright.verify.network_model.cards import named_links
from netwright.verify.network_model.collected import NONE_COLLECTED, Collected
from netwright.verify.network_model.fib import Hop, Overlay
from netwright.verify.network_model.flannel import flannel_card
from netwright.verify.network_model.joining import join
from netwright.verify.network_model.leases import Leases, find_leases
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.machine_building import build_machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.programs import RUNNING
from netwright.verify.reading.configuration import Configuration, ask_nft, read_configuration
from netwright.verify.reading.delivery import Delivery, read_delivery
from netwright.verify.reading.formats.k3s import is_on
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.boots import Boot
from netwright.verify.values.facts import Origin
from netwright.verify.values.wiring import (
    AssignedLink,
    Assumptions,
    HeldAddress,
    PodNetwork,
    Port,
    Wiring,
)


class Delivered(Struct, frozen=True, kw_only=True):
    """Everything that a node is delivered and, if it was already read, what that configures where the topology neither
    vouches for files of the node nor states what else runs there."""

    delivery: Delivery
    configuration: Configuration | None = None


def read_network(out: Path, wiring: Wiring, assumptions: Assumptions) -> Network:
    """The network of the files below `out`."""
    return build_network(read_configurations(out, wiring), wiring, assumptions)


def read_configurations(
    out: Path, wiring: Wiring, deliver: Callable[[Path, Sequence[str]], Iterable[Delivered]] | None = None
) -> tuple[Configuration, ...]:
    """Return every node's configuration from its files; `deliver` gets the files of all nodes instead of one by one."""
    if deliver is None:
        return ask_nft(read_node(read_delivery(out, node), wiring) for node in wiring.nodes)
    return ask_nft(read_node(one.delivery, wiring, one.configuration) for one in deliver(out, wiring.nodes))


def read_node(delivery: Delivery, wiring: Wiring, known: Configuration | None = None) -> Configuration:
    """Return one node's configuration from its files; the topology vouches for some and states what else runs there.
    What is `known` of them where it does neither is not read again."""
    trusted = wiring.trusted.get(delivery.node, frozenset())
    firewalld = wiring.firewalld.get(delivery.node) in RUNNING
    published = wiring.containers.get(delivery.node, ())
    has_docker = delivery.node in wiring.docker
    if known is not None and not (trusted or firewalld or published or has_docker):
        return known
    return read_configuration(delivery, trusted, docker=has_docker, published=published, firewalld=firewalld)


def build_network(
    configurations: Iterable[Configuration],
    wiring: Wiring,
    assumptions: Assumptions,
    like: Network | None = None,
    *,
    changed: Collection[str] = (),
    boot: Boot = Boot.EVERY,
    collected: Collected = NONE_COLLECTED,
) -> Network:
    """The network of machines that are already read, as they are on a boot, or now, where they are `collected`.

    `like` is one whose wiring differs in who holds virtual addresses, and in nothing else, and whose configurations are
    the same but for those of the `changed` nodes: other machines that hold none in either are taken over.
    """
    configurations = tuple(configurations)
    ports = _interfaces(wiring, {one.node for one in configurations if one.managed} if wiring.links else ())
    if any(is_on(one.k3s, "disable-kube-proxy") for one in configurations):  # of servers, for the whole cluster
        assumptions = replace(assumptions, kube_proxy_drops_invalid=False)
    wiring = replace(wiring, pod_networks=tuple(_with_cards(configurations, ports, wiring)))
    overlay = like.overlay if like is not None else _overlay(configurations, ports, wiring, assumptions)
    leases = find_leases(configurations, ports, wiring)
    kept = _machines_like(like, wiring, changed) if like is not None else {}
    planned = _build_machines(configurations, ports, wiring, assumptions, kept=kept, overlay=overlay, leases=leases)
    found = {one.node: collected.compare(planned[one.node], one, ports[one.node], wiring) for one in configurations
             if one.node in collected.records and one.node not in kept}  # fmt: skip
    machines = planned | {name: one.machine for name, one in found.items()}
    earlier = {} if like is None else dict(like.differences)
    network = join(machines, configurations, ports, wiring, assumptions, overlay=overlay, collected=collected)
    return replace(
        network,
        boot=boot,
        assumed_leases=leases.assumed,
        differences=earlier | {name: one.differences for name, one in found.items()},
    )


def _build_machines(
    configurations: Iterable[Configuration],
    ports: Mapping[str, Sequence[Port]],
    wiring: Wiring,
    assumptions: Assumptions,
    *,
    kept: Mapping[str, Machine],
    overlay: Overlay | None,
    leases: Leases,
) -> dict[str, Machine]:
    """The machines by their files, by node; those that are `kept` are taken over."""
    pods, held = _pods_by_node(wiring), _held_by_node(wiring)

    def build(configuration: Configuration) -> Machine:
        node = configuration.node
        further, own = held.get(node, ()), pods.get(node, ())
        return build_machine(
            configuration, ports[node], wiring, assumptions, held=further, pods=own, overlay=overlay, leases=leases
        )

    return {one.node: kept.get(one.node) or build(one) for one in configurations}


def _held_by_node(wiring: Wiring) -> dict[str, list[HeldAddress]]:
    held: dict[str, list[HeldAddress]] = defaultdict(list)
    for one in wiring.held:
        for node in {*_concerned(one)}:
            held[node].append(one)
    return held


def _concerned(held: HeldAddress) -> tuple[str, ...]:
    """The node that holds an address, and the router that has learned so."""
    return (held.node, held.learned.router) if held.learned is not None else (held.node,)


def _machines_like(like: Network, wiring: Wiring, changed: Collection[str]) -> dict[str, Machine]:
    """The machines that are the same in another form of the network: not changed, and no holders in either."""
    other = {node for held in (*wiring.held, *like.wiring.held) for node in _concerned(held)} | {*changed}
    return {name: machine for name, machine in like.machines.items() if name not in other}


def _pods_by_node(wiring: Wiring) -> dict[str, list[PodNetwork]]:
    pods: dict[str, list[PodNetwork]] = defaultdict(list)
    for pod in wiring.pod_networks:
        pods[pod.node].append(pod)
    return pods


def _interfaces(wiring: Wiring, managed: Container[str]) -> dict[str, list[Port]]:
    """The interfaces of each node: those on a segment, then those that are on none, without an address, of which the
    sheets of nodes without files know nothing."""
    ports: dict[str, list[Port]] = defaultdict(list)
    for segment in wiring.segments:
        for port in segment.ports:
            ports[port.node].append(port)
    for node, links in wiring.links.items():
        ports[node] += _without_address(node, links, ports[node]) if node in managed else ()
    return ports


def _without_address(node: str, links: Iterable[AssignedLink], known: Iterable[Port]) -> Iterator[Port]:
    names = {port.interface for port in known}
    return (
        Port(node=node, interface=link.name, mac=link.mac, kind=link.kind, card=link.card)
        for link in links
        if link.name not in names
    )


def interfaces_of(node: str, wiring: Wiring, *, managed: bool) -> tuple[Port, ...]:
    """The interfaces of one node."""
    own = tuple(port for segment in wiring.segments for port in segment.ports if port.node == node)
    return (*own, *_without_address(node, wiring.links.get(node, ()), own)) if managed else own


def _with_cards(
    configurations: Sequence[Configuration], ports: Mapping[str, Sequence[Port]], wiring: Wiring
) -> Iterator[PodNetwork]:
    """The pod networks, each with the card that flannel takes on its node."""
    by_node = {one.node: one for one in configurations} if wiring.pod_networks else {}
    for pod in wiring.pod_networks:
        own, configuration = ports.get(pod.node, ()), by_node.get(pod.node)
        if configuration is None or (len(own) < 2 and "flannel-iface" not in configuration.k3s):
            yield pod
        else:
            yield replace(pod, interface=flannel_card(configuration, named_links(configuration, own, []), pod))


def _overlay(
    configurations: Sequence[Configuration],
    ports: Mapping[str, Sequence[Port]],
    wiring: Wiring,
    assumptions: Assumptions,
) -> Overlay | None:
    """flannel's routes: by a device of its own, or by the owner's address on the nodes' own network (host-gw).

    WireGuard has one for all pods, and peers for those that a node owns.
    """
    if assumptions.cni == "none" or not wiring.pod_networks:
        return None
    device = OVERLAYS.get(assumptions.cni)
    origin = Origin(file="flannel's own routes", line=0)
    ips = {
        (one.node, name): link.addresses[0].ip
        for one in (configurations if assumptions.cni == "host-gw" else ())
        for name, link in named_links(one, ports.get(one.node, ()), [])
        if link.addresses
    } | {(one.node, one.interface): one.ip for one in wiring.addresses if one.leased}

    def gateway(pod: PodNetwork) -> AddressNumber | None:
        if device is None:
            return ips.get((pod.node, pod.interface))
        return AddressNumber(pod.network.first) if device == OVERLAY else None

    hops = [
        Hop(
            kind="unicast",
            interface=device or pod.interface,
            gateway=gateway(pod),
            prefix=pod.network,
            metric=0,
            origin=origin,
            owner=pod.node,
        )
        for pod in wiring.pod_networks
    ]
    if device != FLANNEL_WIREGUARD or wiring.pods is None:
        return Overlay(hops)
    hops.append(Hop(kind="unicast", interface=device, gateway=None, prefix=wiring.pods, metric=0, origin=origin))
    return Overlay(hops, wiring.pods)
