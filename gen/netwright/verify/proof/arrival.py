"""One case of a flow that must arrive: whether its packets do, and are answered."""

from collections.abc import Sequence

from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import (
    Result,
    name_cause,
    recall,
    worst,
)
from netwright.verify.forwarding.endings import unread_cause
from netwright.verify.forwarding.large_packets import find_loss, sizes_are_alike
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.network import Network, describe_place
from netwright.verify.network_model.trace import Cause
from netwright.verify.proof.case_faults import announced, beyond_the_files, make_example, misses_address
from netwright.verify.proof.cases import Case
from netwright.verify.proof.findings import Findings
from netwright.verify.proof.forwards import asked_packets, is_direct, is_for, taking_forward
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.packets import ICMP, PROTOCOLS, TCP, Packet
from netwright.verify.values.wiring import Flow

_REDIRECT = "sends redirects: the packet leaves by the interface by which it came; a host that obeys changes its path"
_VRRP = PROTOCOLS["vrrp"]


def wanted_case_fails(network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether the case fails."""
    if misses_address(network, flow, case, findings):
        return True
    packets = asked_packets(network, case)
    beyond = beyond_the_files(network, case) if any(is_direct(case, packet) for packet in packets) else None
    if beyond is not None:
        findings.add(Outcome.UNKNOWN, beyond, case.start.machine.name, flow=flow.name, pairs=case.pairs)
        return True
    failed = [_packet_fails(network, memory, flow, case, packet, findings=findings) for packet in packets]
    return any(failed)


def _packet_fails(
    network: Network, memory: Memory, flow: Flow, case: Case, packet: Packet, *, findings: Findings
) -> bool:
    """Return whether the case fails for one of the packets by which its receiver is asked."""
    results = recall(network, memory, packet, case.start, nat_allowed=flow.nat_allowed)
    for way in (way for one in results for way in (one.there, one.reply)):
        for node in way.redirects if way is not None else ():
            findings.add(Fault.REDIRECT, _REDIRECT, node, severity=Severity.WARNING, flow=flow.name)
    result = worst(results)
    if result.outcome is Outcome.ACCEPTED and not is_direct(case, packet):
        elsewhere = next((one for one in results if not is_for(network, case, one.end)), None)
        if elsewhere is not None:
            _add_elsewhere(flow, case, elsewhere, findings)
            return True
    if result.outcome is Outcome.ACCEPTED and _is_led_away(network, flow, case, packet, results, findings=findings):
        return True
    if result.outcome is Outcome.ACCEPTED:
        return _fails_to_announce(network, flow, case, findings) or any(
            _fails_when_large(one, packet, network=network, memory=memory, flow=flow, case=case, findings=findings)
            for one in results
        )
    cause, unread = name_cause(network, result), unread_cause(result.end)
    findings.add(
        result.outcome,
        unread or _on_the_way(cause, result.end.cure, back=result.back),
        result.end.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=result.end.origin,
        example=make_example(flow, case, lambda: result.decisions),
        ends=str(cause) if unread is None else "",
    )
    return True


def _add_elsewhere(flow: Flow, case: Case, result: Result, findings: Findings) -> None:
    """Adds that packets for a port forward do not come to its target."""
    end = result.end
    wanted = f"{case.traffic} of {describe_place(case.destination.place)} ({format_ip(case.destination.first)})"
    findings.add(
        Fault.NOT_FORWARDED,
        f"packets that a port forward is to lead on to {wanted} arrive as {end.packet}",
        end.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=end.origin,
        example=make_example(flow, case, lambda: result.decisions),
    )


def _is_led_away(
    network: Network, flow: Flow, case: Case, packet: Packet, results: Sequence[Result], *, findings: Findings
) -> bool:
    """Return whether a port forward leads on what a router itself is asked for."""
    taken = ((taking_forward(network, flow, packet, one.end), one) for one in results if is_direct(case, packet))
    forward, result = next((one for one in taken if one[0] is not None), (None, None))
    if forward is None or result is None:
        return False
    findings.add(
        Fault.FORWARDED_AWAY,
        f"{case.traffic} of {format_ip(packet.destination)} is led on to {format_ip(forward.target)} by the port "
        f"forward {forward.name}, and the flow asks {forward.node} itself; give the forward another port or address",
        forward.node,
        flow=flow.name,
        pairs=case.pairs,
        example=make_example(flow, case, lambda: result.decisions),
    )
    return True


def _on_the_way(cause: str | Cause, cure: str, *, back: bool) -> str | Cause:
    """Return the cause with the way on which it was met, and what to write."""
    way = f" ({'on the way back' if back else 'on the way there'}){cure and f'; {cure}'}"
    return f"{cause}{way}" if isinstance(cause, str) else replace(cause, after=f"{cause.after}{way}")


def _fails_to_announce(network: Network, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether VRRP that a flow names fails to reach a machine on the same segment by the group it is sent to."""
    end = announced(network, flow, case)
    if end is None or end.outcome is Outcome.ACCEPTED:
        return False
    cause = f"{end.cause} (VRRP to its group, 224.0.0.18)"
    findings.add(
        end.outcome, cause, end.machine.name, flow=flow.name, pairs=case.pairs, origin=end.origin, ends=end.cause
    )
    return True


def _fails_when_large(
    result: Result, packet: Packet, *, network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings
) -> bool:
    """Return whether a working conversation fails once its packets are large: TCP stalls. Others may send small ones,
    so that theirs is a warning; a ping is small."""
    stalls = packet.protocol == TCP
    if packet.protocol == ICMP or (stalls and _sizes_are_alike(network, memory)):
        return False
    loss = find_loss(network, memory, result, packet)
    if loss is None:
        return False
    findings.add(
        Fault.LARGE_PACKETS,
        f"{loss.cause}; TCP connections stall" if stalls else loss.cause,
        loss.machine.name,
        severity=Severity.ERROR if stalls else Severity.WARNING,
        flow=flow.name,
        pairs=case.pairs if stalls else 0,
        origin=loss.origin,
        example=make_example(flow, case, lambda: result.decisions),
    )
    return stalls


def _sizes_are_alike(network: Network, memory: Memory) -> bool:
    if memory.sizes_alike is None:
        memory.sizes_alike = sizes_are_alike(network)
    return memory.sizes_alike
