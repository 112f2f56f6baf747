"""The kernel's decisions about one packet at one interface: reverse path filter and ARP (fib_frontend.c, arp.c)."""

from netwright.verify.network_model.fib import LOOPBACK, Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.segments import WiredSegment
from netwright.verify.values.facts import Address
from netwright.verify.values.packets import Packet

STRICT = 1


def passes_reverse_path(machine: Machine, incoming: str, source: int, destination: int, outgoing: str | None) -> bool:
    """Return whether the machine takes a packet with this source from this interface.

    `outgoing` is the interface by which it would go on, None for the machine itself.
    """
    parameters = machine.parameters
    filtering = parameters.largest(incoming, "rp_filter")
    if not filtering and (incoming != outgoing or not parameters.either(incoming, "send_redirects")):
        if parameters.either(incoming, "accept_local"):
            return True
        if not machine.fib.custom:
            return not machine.owns(source)
    hop = machine.fib.find(source, destination, outgoing or LOOPBACK)
    if hop is None or hop.kind in ("unreachable", "blackhole", "prohibit", "throw"):
        return not filtering
    if hop.kind != "unicast" and not (hop.kind == "local" and parameters.either(incoming, "accept_local")):
        return False
    if hop.kind == "unicast" and any(way.interface == incoming for way in hop.every):
        return True
    if not machine.addresses.get(incoming):
        return not filtering
    return filtering != STRICT


def has_partial_way_back(machine: Machine, incoming: str, packet: Packet, outgoing: str | None) -> bool:
    """Return whether a strict filter asks for the way back by an interface that is only maybe one of its next hops."""
    if machine.parameters.largest(incoming, "rp_filter") != STRICT:
        return False
    hop = machine.fib.find(packet.source, packet.destination, outgoing or LOOPBACK)
    return hop is not None and hop.partial and any(way.interface == incoming for way in hop.ways)


def answers_arp(machine: Machine, incoming: str, target: int, sender: int) -> bool:
    """Return whether the machine answers an ARP request for the target that the sender sends to the interface."""
    hop = machine.fib.find(target, sender, incoming)
    if hop is None:
        return False
    if hop.kind == "local":
        return passes_reverse_path(machine, incoming, sender, target, None) and _owns_up(
            machine, incoming, target, sender
        )
    if hop.kind != "unicast" or not machine.parameters.value(incoming, "forwarding"):
        return False
    return all(
        _stands_in(machine, incoming, way, target, sender)
        and passes_reverse_path(machine, incoming, sender, target, way.interface)
        for way in hop.every
    )


def _owns_up(machine: Machine, incoming: str, target: int, sender: int) -> bool:
    """arp_ignore: 0 answers for every own address, 1 for those of the interface, 2 for these only to askers that share
    a network of the interface with them, whatever its own length (devinet.c, confirm_addr_indev), 8 for none; 3
    is about addresses that are never sent to, and other numbers mean 0."""
    ignore = machine.parameters.largest(incoming, "arp_ignore")
    if ignore not in (1, 2, 8):
        return True
    addresses = machine.addresses.get(incoming, ())
    if ignore == 8 or all(address.ip != target for address in addresses):
        return False
    return ignore == 1 or any(_holds(address, target) and _holds(address, sender) for address in addresses)


def _holds(address: Address, ip: int) -> bool:
    """Return whether an IP is in the network of an interface's address."""
    return (address.ip ^ ip) >> (32 - address.length) == 0


def _stands_in(machine: Machine, incoming: str, hop: Hop, target: int, sender: int) -> bool:
    """Proxy ARP for a target behind another interface; on the same one only as private VLANs have it."""
    parameters = machine.parameters
    if hop.interface == incoming:
        return parameters.either(incoming, "proxy_arp_pvlan") and target != sender
    if not parameters.either(incoming, "proxy_arp"):
        return False
    medium = parameters.value(incoming, "medium_id")
    if medium == 0:
        return True
    behind = parameters.value(hop.interface or "", "medium_id")
    return medium != -1 and behind not in (medium, -1)


def sender_of(machine: Machine, outgoing: str, source: int, target: int) -> int | None:
    """The sender that the machine puts into its ARP request for the target, on behalf of a packet with this source."""
    announce = machine.parameters.largest(outgoing, "arp_announce")
    if machine.owns(source) and announce == 0:
        return source
    if announce == 1 and machine.owns(source):
        own = machine.addresses.get(outgoing, ())
        if any((address.ip ^ target) >> (32 - address.length) == 0
               and (address.ip ^ source) >> (32 - address.length) == 0 for address in own):  # fmt: skip
            return source
    return machine.address_for(outgoing, target)


def responders(
    segment: WiredSegment, asker: Machine, outgoing: str, target: int, sender: int
) -> tuple[tuple[Machine, str], ...]:
    """The ports that answer an ARP request on the segment."""
    candidates = segment.owners(target)
    candidates += (port for port in segment.proxies if port not in candidates)
    return tuple(
        (machine, interface)
        for machine, interface in candidates
        if not (machine is asker and interface == outgoing) and answers_arp(machine, interface, target, sender)
    )
