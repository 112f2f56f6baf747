"""Leases of nodes whose files are applied here: those that libvirt's hosts keep by their files, and others."""

import contextlib
from collections.abc import Iterator, Sequence

from netwright.lab.applying import Applier, Site
from netwright.lab.boot import Guest
from netwright.lab.servers import Server, Servers, is_here, macs_of, other_servers
from netwright.verify.network_model.leases import find_leases


def libvirts_servers(guest: Guest) -> Iterator[Server]:
    """The servers that libvirt starts on a host for the addresses that it keeps."""
    for network in guest.configuration.networks:
        if network.kept and network.bridge.name and network.bridge.addresses:
            own = network.bridge.addresses[0]
            yield Server(
                space=guest.name,
                interface=network.bridge.name,
                ip=own.ip,
                length=own.length,
                kept=network.kept,
                own=False,
            )


def apply_leased(site: Site, applier: Applier, guests: Sequence[Guest], *, by_daemons: bool) -> Iterator[str]:
    """Applies the files of nodes to which servers lease addresses; returns remarks on who leases them."""
    leased = [guest for guest in guests if guest.is_leased]
    ports = {guest.name: guest.ports for guest in guests}
    leases = find_leases([guest.configuration for guest in guests], ports, site.wiring)
    if not by_daemons or not is_here():
        applier.apply(leased, leases, by_ip=True)
        if by_daemons:
            yield "dnsmasq is not here (install dnsmasq-base): ip applied the files of nodes with leased addresses."
        return
    with contextlib.closing(Servers(site.spaces)) as servers:
        servers.start(server for guest in guests for server in libvirts_servers(guest))
        servers.start(
            other_servers(leases.assumed, site.wiring, macs_of(site.spaces, [guest.name for guest in leased]))
        )
        applier.apply(leased, leases)
    yield "Addresses were leased by dnsmasq: those that the topology reserves."
