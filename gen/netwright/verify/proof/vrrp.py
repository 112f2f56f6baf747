"""Check that keepalived.conf, where it is delivered, holds the topology's virtual addresses, and nothing else;
and that the holders of an address agree, so that one of them has it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from netwright.text.report import Severity
from netwright.verify.network_model.network import Network
from netwright.verify.proof.findings import Findings
from netwright.verify.reading.formats.keepalived import Instance, VirtualAddress
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Fault
from netwright.verify.values.wiring import HeldAddress


def check_instances(network: Network, held: Iterable[HeldAddress], findings: Findings) -> None:
    """Adds what distinguishes the delivered instances from the topology, and from each other."""
    addresses = tuple(dict.fromkeys(held))
    for node, instances in network.vrrp.items():
        _check_node(network, node, instances, addresses, findings)
    for ip in dict.fromkeys(one.ip for one in addresses):
        holders = {
            one.node: instance
            for one in addresses
            for instance in network.vrrp.get(one.node, ())
            if one.ip == ip and any(address.ip == ip for address in instance.addresses)
        }
        _check_holders(network, ip, holders, findings)


def _check_node(
    network: Network, node: str, instances: Sequence[Instance], held: Iterable[HeldAddress], findings: Findings
) -> None:
    cards = {interface for name, interface in network.segments if name == node}
    added = [address for instance in instances for address in instance.addresses]
    for instance in instances:
        for card in dict.fromkeys((instance.interface, *(address.interface for address in instance.addresses))):
            if card not in cards:
                cause = f"keepalived ends with an error, and nothing holds its addresses: the node has no {card}"
                findings.add(Fault.WRONG_ADDRESS, cause, node, origin=instance.origin)
    places = {one.ip: one.interface for one in held if one.node == node}
    others = {one.ip for one in held} - places.keys()
    for address in added:
        _check_address(network, node, address, places.get(address.ip), taken=address.ip in others, findings=findings)
    own = [one for one in held if one.node == node]
    for missing in {one.ip for one in own if one.moved or not any(other.moved for other in own)} - {
        address.ip for address in added
    }:
        cause = f"keepalived.conf lacks {format_ip(missing)}, of which the topology names the node as a holder"
        findings.add(Fault.WRONG_ADDRESS, cause, node, origin=instances[0].origin)


def _check_address(
    network: Network, node: str, address: VirtualAddress, place: str | None, *, taken: bool, findings: Findings
) -> None:
    """Compares an address with where the topology has it; `taken` where that is at other nodes."""
    owner, ip = network.owners.get(address.ip), format_ip(address.ip)
    if place is not None:
        if address.interface != place:
            cause = f"keepalived puts {ip} on {address.interface}, the topology has it on {place}"
            findings.add(Fault.WRONG_ADDRESS, cause, node, origin=address.origin)
    elif taken:
        cause = f"keepalived takes {ip} here, too: add the node to its holders in the topology, or leave it out"
        findings.add(Fault.UNKNOWN_ADDRESS, cause, node, origin=address.origin)
    elif owner is not None and owner.name != node:
        cause = f"keepalived takes {ip}, which is an address of {owner.name}"
        findings.add(Fault.DUPLICATE_ADDRESS, cause, node, origin=address.origin)
    else:
        _add_stranger(address, node, findings)


def _add_stranger(address: VirtualAddress, node: str, findings: Findings) -> None:
    said = f"{format_ip(address.ip)}/{address.length} on {address.interface}"
    cause = f"keepalived adds {said}, which the topology does not know: what is sent there is not judged"
    findings.add(Fault.UNKNOWN_ADDRESS, cause, node, severity=Severity.WARNING, origin=address.origin)


def _check_holders(network: Network, ip: int, holders: Mapping[str, Instance], findings: Findings) -> None:
    for (one, first), (other, second) in combinations(holders.items(), 2):
        reason = next(_differences(one, first, other, second), None) or next(
            _deaf(network, (one, first), (other, second)), None
        )
        if reason is not None:
            cause = f"the holders of {format_ip(ip)} do not hear each other's VRRP, and both have it: {reason}"
            for node, instance in ((one, first), (other, second)):
                findings.add(Fault.VRRP_UNHEARD, cause, node, origin=instance.origin)


def _differences(one: str, first: Instance, other: str, second: Instance) -> Iterator[str]:
    """Yield what differs between two instances that keepalived compares (vrrp.c, vrrp_check_packet)."""
    said = (
        ("virtual_router_id", first.router_id, second.router_id),
        ("version", first.version, second.version),
        ("advert_int", first.interval, second.interval),
        ("number of addresses", first.announced, second.announced),
    )
    for what, here, there in said:
        if here != there:
            yield f"{what} {here} at {one}, {there} at {other}"
    if first.authentication != second.authentication:
        yield f"authentication differs between {one} and {other}"
    if bool(first.peers) is not bool(second.peers):
        yield f"only {one if first.peers else other} has unicast_peer"


def _deaf(network: Network, one: tuple[str, Instance], other: tuple[str, Instance]) -> Iterator[str]:
    """A holder that would win, and does not send to the other; one of lower priority need not be heard."""
    for (name, sender), (target, receiver) in ((one, other), (other, one)):
        own = {address.ip for address in network.machines[target].addresses.get(receiver.interface, ())}
        if sender.peers and sender.priority >= receiver.priority and own.isdisjoint(sender.peers):
            yield f"unicast_peer of {name} does not have {target}"
