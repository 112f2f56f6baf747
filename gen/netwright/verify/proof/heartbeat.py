"""Check that holders of a virtual address hear each other's VRRP: those that do not have it at the same time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import permutations

from netwright.verify.forwarding.endings import stop_at_fault
from netwright.verify.forwarding.hooks import close_hooks, middle_hook, open_hooks
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.rpf_and_arp import passes_reverse_path
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.chains import Passage
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import End, Stopped, Way
from netwright.verify.proof.findings import Findings
from netwright.verify.values.addresses import NO_ADDRESS, AddressNumber, format_ip, parse_ip
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.packets import EPHEMERAL, PROTOCOLS, Packet, Tracker
from netwright.verify.values.wiring import HeldAddress

_GROUP = parse_ip("224.0.0.18") or NO_ADDRESS
"""The multicast address of VRRP (RFC 5798, section 5.1.1.2)."""


def check_heartbeats(network: Network, memory: Memory, held: Iterable[HeldAddress], findings: Findings) -> None:
    """Adds the holders of one address that hear another by neither multicast nor unicast. What is not known at one of
    them is found elsewhere."""
    holders: dict[int, dict[HeldAddress, None]] = defaultdict(dict)
    for address in held:
        holders[address.ip][address] = None
    for ip, several in holders.items():
        for sender, receiver in permutations(several, 2):
            if network.machines[sender.node].unknown or network.machines[receiver.node].unknown:
                continue
            if network.segments.get((sender.node, sender.interface)) is not network.segments.get(
                (receiver.node, receiver.interface)
            ):
                continue
            ends = tuple(_ends(network, memory, sender, receiver))
            if ends and all(end.outcome is not Outcome.ACCEPTED for end in ends):
                cause = (
                    f"does not hear the VRRP of another holder of {format_ip(ip)}, and both have it: {ends[0].cause}"
                )
                findings.add(Fault.VRRP_UNHEARD, cause, receiver.node, origin=ends[0].origin)


def announcement(network: Network, source: AddressNumber, destination: AddressNumber) -> End | None:
    """Return where VRRP ends that the machine of one address sends to its group, at that of another on the link; None
    if they are on none."""
    ports = []
    for ip in (source, destination):
        machine = network.owners.get(ip)
        if machine is None or machine.unknown:
            return None
        card = next((name for name, own in machine.addresses.items() if any(one.ip == ip for one in own)), None)
        ports.append((machine, card or ""))
    (sender, outgoing), (receiver, incoming) = ports
    wired = network.segments.get((sender.name, outgoing))
    if sender is receiver or wired is None or network.segments.get((receiver.name, incoming)) is not wired:
        return None
    packet = Packet(PROTOCOLS["vrrp"], source, EPHEMERAL, _GROUP, 0)
    return _announce(packet, sender, outgoing, receiver, incoming)


def _ends(network: Network, memory: Memory, sender: HeldAddress, receiver: HeldAddress) -> Iterator[End]:
    """Return where an advertisement ends that is sent to all, and one that is sent to the receiver alone."""
    source = _first_address(network, sender)
    target = _first_address(network, receiver)
    if source is None or target is None:
        return
    packet = Packet(PROTOCOLS["vrrp"], source, EPHEMERAL, _GROUP, 0)
    machines = network.machines
    yield _announce(packet, machines[sender.node], sender.interface, machines[receiver.node], receiver.interface)
    unicast, machine = packet._replace(destination=target), machines[sender.node]
    yield from memory.try_every(lambda: Walker(network, memory).send(unicast, "machine", machine, Way()))


def _first_address(network: Network, held: HeldAddress) -> AddressNumber | None:
    addresses = network.machines[held.node].addresses.get(held.interface, ())
    return next((address.ip for address in addresses if address.ip != held.ip), None)


def _announce(packet: Packet, sender: Machine, outgoing: str, receiver: Machine, incoming: str) -> End:
    """Return where a packet to a group ends that goes straight from card to card."""
    way = Way()
    try:
        stop_at_fault(sender, packet, (outgoing,), way)
        stop_at_fault(receiver, packet, (incoming,), way)
        leaving = Passage(packet=packet, incoming=None, outgoing=outgoing, state="invalid", own=sender.owns)
        tracker = Tracker(loose=True)
        _, tracked = open_hooks(sender, tracker, "output", leaving, way)
        sent = close_hooks(sender, tracker, tracked, leaving, way, point="postrouting", address_for=lambda: None)
        arriving = Passage(packet=sent, incoming=incoming, outgoing=None, state="invalid", own=receiver.owns)
        open_hooks(receiver, Tracker(loose=True), "prerouting", arriving, way)
        if not passes_reverse_path(receiver, incoming, sent.source, sent.destination, None):
            cause = f"{incoming} is not the way back to {format_ip(sent.source)}"
            return End(outcome=Outcome.RPF_DROP, machine=receiver, packet=sent, cause=cause)
        middle_hook(receiver, "input", arriving, way)
    except Stopped as stopped:
        return stopped.end
    return End(outcome=Outcome.ACCEPTED, machine=receiver, packet=sent)
