"""One case of a denied flow: whether its packets are kept out, whatever address they are sent to."""

from functools import partial

from netwright.verify.forwarding.conversation import first_packet, send_again, send_first
from netwright.verify.forwarding.endings import unread_cause
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import End, Offer, Way
from netwright.verify.proof.answers import Answers, send_as_answer
from netwright.verify.proof.case_faults import announced, beyond_the_files, make_example, misses_address
from netwright.verify.proof.cases import Case
from netwright.verify.proof.findings import Findings
from netwright.verify.proof.forwards import is_for
from netwright.verify.proof.openings import MOST_TRIED, is_broadcast, openings
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Fault, Outcome
from netwright.verify.values.packets import Packet
from netwright.verify.values.wiring import Flow


def denied_case_fails(
    network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings, *, answers: Answers
) -> bool:
    """Return whether the case fails: what arrives, and what is unknown."""
    if misses_address(network, flow, case, findings):
        return True
    beyond = beyond_the_files(network, case) if case.start.kind != "outside" else None
    if beyond is not None:
        findings.add(Outcome.UNKNOWN, beyond, case.start.machine.name, flow=flow.name, pairs=case.pairs)
        return True
    arrives = any(
        memory.try_every(
            lambda: _denied_way_fails(network, memory, flow, case, findings, answers=answers),
        )
    )
    return arrives or _comes_translated(network, memory, flow, case, findings)


def _comes_translated(network: Network, memory: Memory, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether the case fails by a packet for another address or port, which some rule translates."""
    packets = openings(network, memory, case)
    receiver = case.destination.place
    if packets is None:
        cause = (
            f"more than {MOST_TRIED} addresses and ports are translated to a receiver of {flow.name}, too many to try"
        )
        name = receiver.machine.name if receiver is not None else case.start.machine.name
        findings.add(Outcome.UNKNOWN, cause, name, flow=flow.name, pairs=case.pairs)
        return True
    led_on = partial(_is_led_on, network, memory, flow, case, findings=findings)
    return any(fails for packet in packets for fails in memory.try_every(partial(led_on, packet)))


def _is_led_on(network: Network, memory: Memory, flow: Flow, case: Case, packet: Packet, *, findings: Findings) -> bool:
    """Return whether a denied flow arrives by another address and port, which a rule on its way translates."""
    way = Way()
    end = send_first(Walker(network, memory, unwanted=True), packet, case.start, way)
    if end.outcome.keeps_out or is_broadcast(packet, end):
        return False
    if end.outcome is Outcome.ACCEPTED and not is_for(network, case, end):
        return False
    arrives = "arrives" if end.outcome is Outcome.ACCEPTED else "may arrive"
    asked = f"{format_ip(packet.destination)}:{packet.dport}"
    findings.add(
        end.outcome,
        unread_cause(end) or f"the denied flow {flow.name} {arrives} by {asked}, which is translated on its way",
        end.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=end.origin,
        example=make_example(flow, case, lambda: (way.decisions(), ())),
    )
    return True


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
        heard = announced(network, flow, case)
        if heard is not None and not heard.outcome.keeps_out:
            cause = f"the denied flow {flow.name} arrives by VRRP's group, 224.0.0.18"
            findings.add(heard.outcome, cause, heard.machine.name, flow=flow.name, pairs=case.pairs)
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
        example=make_example(flow, case, lambda: (way.decisions(), ())),
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
        example=make_example(flow, case, lambda: ((*first.decisions(), *way.decisions()), ())),
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
        example=make_example(flow, case, lambda: (way.decisions(), ())),
    )


_SECOND = (
    "by its second packet: the router tells the sender of the next hop by an ICMP redirect before it drops the first; "
    "set send_redirects to 0 there, for all and for the interface"
)
