"""Ends of a packet's way, for want of a known rule or of a route, or because it has arrived."""

from collections.abc import Iterable

from msgspec.structs import replace

from netwright.verify.forwarding.rpf_and_arp import has_partial_way_back
from netwright.verify.network_model.fib import LOOPBACK, Hop
from netwright.verify.network_model.machine import Machine
from netwright.verify.network_model.trace import End, PlaceKind, Stopped, Way
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import Packet


def stop_at_unknown(machine: Machine, packet: Packet) -> None:
    """Goes on only at a machine of which every line is known. Raises Stopped."""
    if machine.unknown:
        first = machine.unknown[0]
        raise Stopped(
            End(outcome=Outcome.UNKNOWN, machine=machine, packet=packet, cause=first.cause, origin=first.origin)
        )


def stop_at_fault(machine: Machine, packet: Packet, interfaces: Iterable[str | None], way: Way) -> None:
    """Goes on only where no interface is a device that is not as it should be. Raises Stopped."""
    fault = next(filter(None, (machine.faults.get(interface or "") for interface in interfaces)), None)
    if fault is not None:
        cause, origin = fault.cause, fault.origin
        way.note(machine, lambda: cause, origin)
        raise Stopped(End(outcome=fault.outcome, machine=machine, packet=packet, cause=cause, origin=origin))


def unread_cause(end: End) -> str | None:
    """The cause of a way's end if it is unknown what the machine's files do, or a device is not as it should be: a
    cause on its own."""
    if end.outcome.is_of_device:
        return end.cause
    stopped = end.outcome is Outcome.UNKNOWN and end.machine.unknown
    return end.machine.unknown[0].cause if stopped else None


def usable(hop: Hop | None, machine: Machine, packet: Packet, way: Way) -> Hop:
    """The hop, if it leads anywhere. Raises Stopped."""
    if hop is not None and hop.kind in ("unicast", "local") and not hop.ambiguous:
        return hop
    target = format_ip(packet.destination)
    if hop is not None and hop.kind == "broadcast" and hop.ambiguous:
        outcome, origin = Outcome.UNKNOWN, hop.origin
        cause = f"{target} is the first address of a network, a broadcast address to kernels before 5.14 only,"
    elif hop is None or hop.kind == "broadcast":
        outcome, cause, origin = Outcome.NO_ROUTE, "no route", None
        if hop is not None:
            cause = f"{target} is the broadcast address of a network"
    elif hop.ambiguous:
        outcome, cause, origin = Outcome.UNKNOWN, f"two routes for {hop.prefix} of the same metric", hop.origin
    else:
        outcome, cause, origin = Outcome.UNREACHABLE_ROUTE, f"{hop.kind} route {hop.prefix}", hop.origin
    way.note(machine, lambda: f"{cause} for {target}", origin)
    raise Stopped(End(outcome=outcome, machine=machine, packet=packet, cause=cause, origin=origin))


def stop_at_partial_way_back(machine: Machine, incoming: str, packet: Packet, outgoing: str | None, way: Way) -> None:
    """Goes on only where it is known whether the reverse path filter takes a packet. Raises Stopped."""
    if has_partial_way_back(machine, incoming, packet, outgoing):
        origin = machine.parameters.origin(incoming, "rp_filter")
        cause = (
            f"rp_filter=1, and the way back by {incoming} is a next hop of several by other interfaces, of which "
            "NetworkManager 1.42 uses the first alone; set rp_filter: loose"
        )
        way.note(machine, lambda: cause, origin)
        raise Stopped(End(outcome=Outcome.UNKNOWN, machine=machine, packet=packet, cause=cause, origin=origin))


def stop_at_foreign_address(machine: Machine, packet: Packet, hop: Hop, way: Way) -> None:
    """Goes on only where what is taken in is for an address of the table `local`: the kernel answers from no other,
    and hands packets for others to programs that ask for them only (IP_TRANSPARENT). Raises Stopped."""
    if not machine.owns(packet.destination):
        cause = (
            f"{hop} is not in the table of the machine's own addresses: only a transparent proxy takes what is for it"
        )
        way.note(machine, lambda: cause, hop.origin)
        raise Stopped(End(outcome=Outcome.UNKNOWN, machine=machine, packet=packet, cause=cause, origin=hop.origin))


def stop_at_no_pod(machine: Machine, hop: Hop, packet: Packet, way: Way) -> None:
    """Goes on only with what is for a pod's address, on the bridge of the machine's pods. Raises Stopped."""
    target = hop.gateway if hop.gateway is not None else packet.destination
    is_pod = any(pods.first + 1 < target < pods.last for pods in machine.pods)
    if is_pod and hop.gateway is None:
        return
    cause = f"{hop.interface} has its pods alone, and {format_ip(target)} is no address of theirs"
    outcome = Outcome.ARP_UNANSWERED
    if is_pod:
        outcome, cause = Outcome.UNKNOWN, f"what the pod {format_ip(target)} does with packets of others is not known"
    way.note(machine, lambda: cause, hop.origin)
    raise Stopped(End(outcome=outcome, machine=machine, packet=packet, cause=cause, origin=hop.origin))


def source_refused(machine: Machine, incoming: str, packet: Packet, way: Way) -> End:
    """The end of a packet whose source the machine does not take from this interface."""
    origin = machine.parameters.origin(incoming, "rp_filter")
    filtering = machine.parameters.largest(incoming, "rp_filter")
    back, cure = _way_back(machine, packet), f"set rp_filter: loose, or a route there by {incoming}"
    cause = f"rp_filter={filtering}: it comes by {incoming}, and {back or 'no route'} is the way back to the source"
    if back is None:
        cure = f"set a route there by {incoming}"
    if machine.owns(packet.source):
        cause, cure = "a source that is its own address", ""
    way.note(machine, lambda: f"drops {packet}: {cause}", origin)
    return End(outcome=Outcome.RPF_DROP, machine=machine, packet=packet, cause=cause, origin=origin, cure=cure)


def _way_back(machine: Machine, packet: Packet) -> str | None:
    """The interface, and the next hop, by which the machine itself sends to a packet's source; None if by none."""
    hop = machine.fib.find(packet.source, packet.destination, LOOPBACK)
    if hop is None or hop.kind != "unicast":
        return None
    ways = (f"{way.interface} via {format_ip(way.gateway)}" if way.gateway is not None else str(way.interface)
            for way in hop.every)  # fmt: skip
    return " or ".join(ways)


def accepted(machine: Machine, packet: Packet, place: PlaceKind, way: Way) -> End:
    """The end of a packet that arrived; `place` is machine, pod or outside."""
    where = {
        "machine": "takes it",
        "pod": "hands it to the pod",
        "container": "hands it to the container",
        "outside": "sends it out to the internet",
    }[place]
    way.note(machine, lambda: f"{where}: {packet}")
    return End(outcome=Outcome.ACCEPTED, machine=machine, packet=packet, place=place)


def refused_too_late(end: End, way: Way) -> End:
    """The end of a packet that an input chain of a Kubernetes node refuses, at a port that a Service may have: it is
    led on to a pod in prerouting (kube-proxy; the CNI's port mappings, for K3s's servicelb)."""
    cause = "only an input chain refuses it, and kube-proxy leads what is for a Service on to a pod before"
    cause += "; refuse it in prerouting"
    way.note(end.machine, lambda: cause, end.origin)
    return replace(end, outcome=Outcome.UNKNOWN, cause=cause)
