"""One case of a flow: whether its packets arrive, or are kept out, as the flow wants it."""

from collections.abc import Callable

from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.forwarding.conversation import (
    Result,
    first_packet,
    name_cause,
    recall,
    send_again,
    send_first,
    worst,
)
from netwright.verify.forwarding.endings import unread_cause
from netwright.verify.forwarding.large_packets import find_loss, sizes_are_alike
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.network import Network, describe_place
from netwright.verify.network_model.trace import Cause, Decision, End, Offer, Way
from netwright.verify.proof.answers import Answers, send_as_answer
from netwright.verify.proof.cases import Case
from netwright.verify.proof.findings import Example, Findings
from netwright.verify.proof.heartbeat import announcement
from netwright.verify.values.addresses import is_public
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.packets import ICMP, PROTOCOLS, TCP, Packet
from netwright.verify.values.wiring import Flow

_REDIRECT = "sends redirects: the packet leaves by the interface by which it came; a host that obeys changes its path"
_VRRP = PROTOCOLS["vrrp"]


def wanted_case_fails(network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether the case fails."""
    if _misses_address(network, flow, case, findings):
        return True
    beyond = beyond_the_files(network, case)
    if beyond is not None:
        findings.add(Outcome.UNKNOWN, beyond, case.start.machine.name, flow=flow.name, pairs=case.pairs)
        return True
    packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
    results = recall(network, memory, packet, case.start, nat_allowed=flow.nat_allowed)
    for way in (way for one in results for way in (one.there, one.reply)):
        for node in way.redirects if way is not None else ():
            findings.add(Fault.REDIRECT, _REDIRECT, node, severity=Severity.WARNING, flow=flow.name)
    result = worst(results)
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
        example=_example(flow, case, lambda: result.decisions),
        ends=str(cause) if unread is None else "",
    )
    return True


def _on_the_way(cause: str | Cause, cure: str, *, back: bool) -> str | Cause:
    """Return the cause with the way on which it was met, and what to write."""
    way = f" ({'on the way back' if back else 'on the way there'}){cure and f'; {cure}'}"
    return f"{cause}{way}" if isinstance(cause, str) else replace(cause, after=f"{cause.after}{way}")


def _fails_to_announce(network: Network, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether VRRP that a flow names fails to reach a machine on the same segment by the group it is sent to."""
    end = _announced(network, flow, case)
    if end is None or end.outcome is Outcome.ACCEPTED:
        return False
    cause = f"{end.cause} (VRRP to its group, 224.0.0.18)"
    findings.add(
        end.outcome, cause, end.machine.name, flow=flow.name, pairs=case.pairs, origin=end.origin, ends=end.cause
    )
    return True


def _announced(network: Network, flow: Flow, case: Case) -> End | None:
    """Return where a case's VRRP to its group ends, None if it is about something else."""
    if case.traffic.protocol != _VRRP or all(traffic.protocol != "vrrp" for traffic in flow.traffic):
        return None
    return announcement(network, case.source.first, case.destination.first)


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
        example=_example(flow, case, lambda: result.decisions),
    )
    return stalls


def _sizes_are_alike(network: Network, memory: Memory) -> bool:
    if memory.sizes_alike is None:
        memory.sizes_alike = sizes_are_alike(network)
    return memory.sizes_alike


def denied_case_fails(
    network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings, *, answers: Answers
) -> bool:
    """Return whether the case fails: what arrives, and what is unknown."""
    if _misses_address(network, flow, case, findings):
        return True
    beyond = beyond_the_files(network, case) if case.start.kind != "outside" else None
    if beyond is not None:
        findings.add(Outcome.UNKNOWN, beyond, case.start.machine.name, flow=flow.name, pairs=case.pairs)
        return True
    return any(
        memory.try_every(
            lambda: _denied_way_fails(network, memory, flow, case, findings, answers=answers),
        )
    )


def _denied_way_fails(
    network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings, *, answers: Answers
) -> bool:
    """Return whether the case fails by the next hops whose turn it is."""
    packet = first_packet(case.traffic.protocol, case.source.first, case.destination.first, case.traffic.port)
    way, stopped = Way(), None
    end = send_first(Walker(network, memory, unwanted=True), packet, case.start, way)
    if end.outcome is Outcome.FORWARDING_OFF and end.machine.forwarder is not None:
        way, stopped = Way(), end
        end = send_first(
            Walker(network, Memory(memory.choices), assume_forwarding=True, unwanted=True), packet, case.start, way
        )
    if end.outcome.keeps_out:
        again = send_again(network, memory, way)
        if again is not None:
            _add_second_packet(flow, case, way, again, findings)
            return True
        announced = _announced(network, flow, case)
        if announced is not None and not announced.outcome.keeps_out:
            cause = f"the denied flow {flow.name} arrives by VRRP's group, 224.0.0.18"
            findings.add(announced.outcome, cause, announced.machine.name, flow=flow.name, pairs=case.pairs)
            return True
        opening = answers.opened(case)
        if opening is not None:
            way = Way()
            arrived = send_as_answer(network, memory, case, packet, way)
            if arrived is not None:
                _add_answer(flow, opening, case, (way, arrived), findings)
                return True
        return _comes_too_early(flow, case, end, findings)
    outcome, place = end.outcome, end
    cause = f"the denied flow {flow.name} arrives"
    if end.outcome is not Outcome.ACCEPTED:
        cause = unread_cause(end) or f"the denied flow {flow.name} may arrive: {end.cause}"
    elif stopped is not None:
        outcome, place = Outcome.UNKNOWN, stopped
        why = f"{stopped.machine.forwarder} turns forwarding on as it starts; refuse it by a rule"
        cause = f"the denied flow {flow.name} may arrive: {why}"
    findings.add(
        outcome,
        cause,
        place.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=place.origin,
        example=_example(flow, case, lambda: (way.decisions(), ())),
    )
    return True


def _comes_too_early(flow: Flow, case: Case, end: End, findings: Findings) -> bool:
    """Return whether a packet that rules drop is let through while the machine comes up, before they are loaded."""
    window, origin = end.machine.window, end.origin
    if window is None or origin is None or not origin.file.startswith(f"{end.machine.name}/"):
        return False
    findings.add(
        Fault.LATE_RULES,
        f"packets of denied flows pass {window.cause}",
        end.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=window.origin,
    )
    return True


def _add_second_packet(flow: Flow, case: Case, first: Way, again: tuple[Offer, End, Way], findings: Findings) -> None:
    """Adds that a denied flow arrives by a redirect, which a router sends although it drops the first packet."""
    offer, end, way = again
    findings.add(
        end.outcome,
        f"the denied flow {flow.name} {'arrives' if end.outcome is Outcome.ACCEPTED else 'may arrive'} {_SECOND}",
        offer.router.name,
        flow=flow.name,
        pairs=case.pairs,
        example=_example(flow, case, lambda: ((*first.decisions(), *way.decisions()), ())),
    )


def _add_answer(flow: Flow, opening: Flow, case: Case, arrived: tuple[Way, End], findings: Findings) -> None:
    """Adds that a denied flow arrives once another flow's packet has gone the other way."""
    way, end = arrived
    findings.add(
        end.outcome,
        f"the denied flow {flow.name} {'arrives' if end.outcome is Outcome.ACCEPTED else 'may arrive'} as an answer to "
        f"{opening.name}: {case.traffic} has no ports by which a filter tells answers",
        end.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=end.origin,
        example=_example(flow, case, lambda: (way.decisions(), ())),
    )


_SECOND = (
    "by its second packet: the router tells the sender of the next hop by an ICMP redirect before it drops the first; "
    "set send_redirects to 0 there, for all and for the interface"
)


def _misses_address(network: Network, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether an end has another address than the topology gives it: the case is unknown then."""
    mismatch = network.mismatch(case.source.first, case.destination.first)
    if mismatch is None:
        return False
    findings.add(
        mismatch.kind,
        mismatch.cause,
        mismatch.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=mismatch.origin,
    )
    return True


def beyond_the_files(network: Network, case: Case) -> str | None:
    """Return why no file decides the case, None if files do."""
    services = network.wiring.services
    if services is not None and case.destination.first in services:
        return f"what answers at service addresses ({services}) is kube-proxy's matter"
    if case.start.kind == "outside" and not is_public(case.destination.first):
        return "how the internet reaches private addresses is not in the files"
    return None


_Ways = tuple[tuple[Decision, ...], tuple[Decision, ...]]


def _example(flow: Flow, case: Case, decisions: Callable[[], _Ways]) -> Callable[[], Example]:
    def make() -> Example:
        there, back = decisions()
        return Example(
            flow=flow.name,
            source=str(case.source),
            sender=describe_place(case.source.place),
            destination=str(case.destination),
            receiver=describe_place(case.destination.place),
            traffic=str(case.traffic),
            there=there,
            back=back,
        )

    return make
