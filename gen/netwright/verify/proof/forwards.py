"""Addresses by which a receiver is asked: its own, and those of port forwards that lead on to it."""

from netwright.verify.forwarding.conversation import first_packet
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import End
from netwright.verify.proof.cases import Case
from netwright.verify.values.addresses import contains
from netwright.verify.values.packets import Packet
from netwright.verify.values.wiring import Flow, Forward


def asked_packets(network: Network, case: Case) -> tuple[Packet, ...]:
    """The packets that open a case's conversation: one for the receiver's own address, unless it is asked through port
    forwards alone, and one for each of these."""
    direct = direct_packet(case)
    through, whole = [], False
    for forward in network.wiring.forwards:
        port = forward.asked_port(case.traffic.port)
        if (forward.protocol, forward.target) != (direct.protocol, direct.destination) or port is None:
            continue
        alone = _is_asked_alone(forward, case)
        if alone or _is_asked_too(forward, case):
            through.append(direct._replace(destination=network.outer_address(forward), dport=port))
            whole |= alone
    return tuple(dict.fromkeys(through if whole else (direct, *through)))


def direct_packet(case: Case) -> Packet:
    """The packet that asks a case's receiver at its own address."""
    return first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)


def _is_asked_alone(forward: Forward, case: Case) -> bool:
    """Return whether a sender asks the target through a forward, and no other way."""
    if case.start.kind == "outside":
        return forward.from_internet
    return contains(forward.sources, case.source.first) and not _is_its_own(forward, case)


def _is_asked_too(forward: Forward, case: Case) -> bool:
    inside = case.start.kind != "outside" and not _is_its_own(forward, case)
    return inside and contains(forward.besides, case.source.first)


def _is_its_own(forward: Forward, case: Case) -> bool:
    """Return whether the router itself sends: its prerouting sees none of that."""
    return case.start.machine.name == forward.node


def is_direct(case: Case, packet: Packet) -> bool:
    """Return whether a packet is for the receiver's own address."""
    return packet.destination == case.destination.first


def taking_forward(network: Network, flow: Flow, packet: Packet, end: End) -> Forward | None:
    """Return the port forward that leads on what a flow asks of its router itself, at a port that the flow names; None
    if none does. A flow of anything is of what no forward takes."""
    named = [one.ports for one in flow.traffic if one.ports is not None]
    if not any(first <= packet.dport <= last for first, last in named):
        return None
    for forward in network.wiring.forwards:
        first, last = forward.ports
        asked = forward.protocol == packet.protocol and first <= packet.dport <= last
        led_on = end.packet.destination == forward.target != packet.destination
        if asked and led_on and network.outer_address(forward) == packet.destination:
            return forward
    return None


def is_for(network: Network, case: Case, end: End) -> bool:
    """Return whether a packet that has arrived is what the case asks its receiver for, or its container for it."""
    direct, receiver = direct_packet(case), case.destination.place
    if end.place == "container":
        led_on = network.inner_port(end.machine.name, direct.protocol, direct.dport)
        return receiver is not None and receiver.machine is end.machine and led_on == end.packet.dport
    return (end.packet.destination, end.packet.dport) == (direct.destination, direct.dport)
