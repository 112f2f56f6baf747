"""Addresses that a DHCP server leases: those of the topology's that a machine's files leave to one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import format_ip, network_of
from netwright.verify.values.facts import Address, LibvirtNetwork, Link, Unknown
from netwright.verify.values.wiring import AssignedAddress, Port, Wiring

_NETWORKD_METRIC = 1024
"""networkd's metric of the route that a leased address brings (systemd.network(5), RouteMetric= in [DHCPv4])."""


class Leases(Struct, frozen=True, kw_only=True):
    """The topology's leased addresses by node, and the interfaces of nodes whose lease it leaves `open`.

    `refused` are the addresses, each with the reason, that the only known server on their network does not lease;
    `assumed` are those of servers that are not known.
    """

    by_node: Mapping[str, Sequence[AssignedAddress]] = field(default_factory=dict)
    open: frozenset[tuple[str, str]] = frozenset()
    refused: Mapping[int, str] = field(default_factory=dict)
    assumed: tuple[AssignedAddress, ...] = ()


def find_leases(configurations: Iterable[Configuration], ports: Mapping[str, Sequence[Port]], wiring: Wiring) -> Leases:
    """Return the leases of the topology, compared with what libvirt's servers keep by their files."""
    leased = [address for address in wiring.addresses if address.leased]
    if not leased:
        return Leases(open=wiring.open_leases)
    by_node: dict[str, list[AssignedAddress]] = defaultdict(list)
    refused: dict[int, str] = {}
    assumed = []
    networks = [network for one in configurations for network in one.networks]
    for address in leased:
        by_node[address.node].append(address)
        network = next((one for one in networks if _contains(one, address.ip)), None)
        if network is None:
            assumed.append(address)
        elif (reason := _fault(network, address, ports.get(address.node, ()))) is not None:
            refused[address.ip] = reason
    return Leases(by_node=by_node, open=wiring.open_leases, refused=refused, assumed=tuple(assumed))


def _contains(network: LibvirtNetwork, ip: int) -> bool:
    return any(ip in network_of(own.ip, own.length) for own in network.bridge.addresses)


def _fault(network: LibvirtNetwork, address: AssignedAddress, ports: Sequence[Port]) -> str | None:
    """Return why libvirt's server does not lease the address to the interface, None if it does."""
    mac = next((port.mac for port in ports if port.interface == address.interface), None)
    shown = format_ip(address.ip)
    if mac is None:
        return f"the topology has no hardware address for which {network.name} could keep {shown}"
    kept = network.kept.get(mac.lower())
    if kept == address.ip:
        return None
    if kept is None:
        return f"libvirt's network {network.name} keeps no address for {mac}, which is to have {shown}"
    return f"libvirt's network {network.name} keeps {format_ip(kept)} for {mac}, which is to have {shown}"


def take_leases(
    links: Iterable[tuple[str, Link]], node: str, leases: Leases, unknown: list[Unknown]
) -> list[tuple[str, Link]]:
    """Return the links with the addresses that are leased to them; adds to `unknown` what a lease leaves open."""
    taken = []
    for name, link in links:
        if link.lease is None:
            taken.append((name, link))
            continue
        own = [one for one in leases.by_node.get(node, ()) if one.interface == name]
        reason = _doubt(name, link, own, leases)
        if reason is not None:
            intended = (node, name) in leases.open
            unknown.append(Unknown(origin=link.lease.origin, text="", reason=reason, intended=intended))
        metric = _NETWORKD_METRIC if link.manager == "networkd" else None
        addresses = tuple(
            Address(ip=one.ip, length=one.length, origin=link.lease.origin, metric=metric)
            for one in own
            if one.ip not in leases.refused
        )
        taken.append((name, replace(link, addresses=(*link.addresses, *addresses))))
    return taken


def _doubt(name: str, link: Link, own: Sequence[AssignedAddress], leases: Leases) -> str | None:
    """Return what is not known of a leased interface, None if all that is taken from its lease is known."""
    if link.lease is not None and link.lease.brings_routes:
        return f"{name} takes routes from whatever DHCP server answers"
    if not own:
        return f"a DHCP server chooses the address of {name}, and the topology keeps none for it"
    return next((leases.refused[one.ip] for one in own if one.ip in leases.refused), None)
