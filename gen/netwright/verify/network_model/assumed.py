"""Interfaces that no file configures: the pods' bridge and flannel's device, Docker's, and the way to the internet."""

from collections.abc import Iterator, Mapping, Sequence

from netwright.verify.network_model.fib import Hop
from netwright.verify.network_model.programs import DOCKER, DOCKER_NETWORK
from netwright.verify.network_model.route_install import Hops
from netwright.verify.values.addresses import (
    EVERYWHERE,
    AddressNumber,
    Prefix,
    format_ip,
    network_of,
    parse_prefix,
)
from netwright.verify.values.facts import MAIN_TABLE, Address, Link, Origin, Route
from netwright.verify.values.wiring import Assumptions, Backend, HeldAddress, LearnedRoute, Wiring

PODS, OVERLAY, FLANNEL_WIREGUARD, INTERNET = "cni0", "flannel.1", "flannel-wg", "internet"
OVERLAYS: Mapping[Backend, str] = {"vxlan": OVERLAY, "wireguard-native": FLANNEL_WIREGUARD}
"""flannel's device, with the backends that have one."""
ASSUMED = frozenset({PODS, *OVERLAYS.values(), INTERNET, DOCKER})
"""Interfaces that other programs make."""
FOREIGN_IP = 0xC0586301
"""192.88.99.1 (once 6to4's, withdrawn by RFC 7526): stands for whatever address the first way to the internet has, the
next one for the second's, and so on. The ranges for documentation are what topologies name."""


def assumed_links(
    name: str, pods: tuple[Prefix, ...], wiring: Wiring, assumptions: Assumptions, held: Sequence[HeldAddress]
) -> Iterator[tuple[str, Link]]:
    """Addresses that other programs add: keepalived's, the pods' bridge, flannel's device, the way to the internet."""
    for address in held:
        if address.learned is not None and address.learned.router == name:
            yield address.learned.interface, _learned(address.ip, address.learned)
    for address in held:
        if address.node != name:
            continue
        origin = Origin(file=f"the virtual address {format_ip(address.ip)}", line=0)
        added = Address(ip=address.ip, length=32, origin=origin)
        yield address.interface, Link(manager="held", origin=origin, addresses=(added,))
    if pods:
        origin = Origin(file=f"{name}'s CNI", line=0)
        own = tuple(
            Address(ip=AddressNumber(network.first + 1), length=network.length, origin=origin) for network in pods
        )
        yield PODS, Link(manager="cni", origin=origin, addresses=own)
        if (overlay := OVERLAYS.get(assumptions.cni)) is not None:
            device = tuple(Address(ip=AddressNumber(network.first), length=32, origin=origin) for network in pods[:1])
            yield overlay, Link(manager="cni", origin=origin, addresses=device)
    if name in wiring.docker and (network := parse_prefix(DOCKER_NETWORK)) is not None:
        origin = Origin(file=f"{name}'s Docker", line=0)
        bridge = (Address(ip=AddressNumber(network.first + 1), length=network.length, origin=origin),)
        yield DOCKER, Link(manager="docker", origin=origin, addresses=bridge)
    way_out = wiring.exit_of(name)
    if way_out is not None and way_out.interface is None:
        origin = Origin(file=f"{name}'s way to the internet", line=0)
        foreign = foreign_address(wiring, name)
        yield (
            INTERNET,
            Link(manager="uplink", origin=origin, addresses=(Address(ip=foreign, length=32, origin=origin),)),
        )


def _learned(ip: AddressNumber, learned: LearnedRoute) -> Link:
    """The link with the route to an address that the router has learned."""
    origin = Origin(file=f"BGP's route to {format_ip(ip)}", line=0)
    route = Route(to=network_of(ip, 32), gateway=learned.gateway, metric=_BGP_METRIC, origin=origin)
    return Link(manager="held", origin=origin, routes=(route,))


_BGP_METRIC = 20
"""The metric of FRR's and BIRD's routes of BGP in the kernel; any does, as no other route is as long."""


def foreign_address(wiring: Wiring, node: str) -> AddressNumber:
    """What stands for the address of a node by which it leads to the internet."""
    return AddressNumber(FOREIGN_IP + [one.node for one in wiring.exits].index(node))


def lead_to_internet(hops: Hops) -> None:
    """Gives the machine a default route to the internet, behind every other that it has."""
    origin = Origin(file="the way to the internet", line=0)
    default = Hop(kind="unicast", interface=INTERNET, gateway=None, prefix=EVERYWHERE, metric=0xFFFFFFFF, origin=origin)
    hops.tables[MAIN_TABLE] = (*hops.tables.get(MAIN_TABLE, ()), default)
