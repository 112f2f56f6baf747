"""Denied traffic that passes as an answer: of protocols without ports, to what another flow allows the other way."""

from collections.abc import Iterable

from netwright.verify.forwarding.conversation import first_packet, send_first
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.walk import Walker
from netwright.verify.network_model.network import Network
from netwright.verify.network_model.trace import End, Way
from netwright.verify.proof.cases import Case
from netwright.verify.values.addresses import Ranges
from netwright.verify.values.packets import PORTLESS, PROTOCOLS, Packet
from netwright.verify.values.wiring import Flow


class Answers:
    """The flows that open a way back by a protocol without ports, which they name."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        """Picks them from all flows."""
        self._opening = [
            (PROTOCOLS[traffic.protocol], flow)
            for flow in flows
            for traffic in flow.traffic
            if flow.must_arrive and PROTOCOLS.get(traffic.protocol) in PORTLESS
        ]

    def concern(self, denied: Flow) -> bool:
        """Return whether some of what a flow denies may be an answer."""
        return any(_meet(denied.sources, flow.destinations) and _meet(denied.destinations, flow.sources)
                   for _, flow in self._opening)  # fmt: skip

    def opened(self, case: Case) -> Flow | None:
        """The flow of which a case's packets are answers, None if there is none."""
        found = (
            flow
            for protocol, flow in self._opening
            if protocol == case.traffic.protocol
            and _meet(case.source.ranges, flow.destinations)
            and _meet(case.destination.ranges, flow.sources)
        )
        return next(found, None)


def send_as_answer(network: Network, memory: Memory, case: Case, packet: Packet, way: Way) -> End | None:
    """Return where a packet ends after one that went the other way; None if it is refused all the same."""
    asker = network.place_of(case.destination.first)
    if asker is None:
        return None
    walker = Walker(network, memory, unwanted=True)
    send_first(walker, first_packet(packet.protocol, packet.destination, packet.source, 0), asker, Way())
    end = send_first(walker, packet, case.start, way)
    return None if end.outcome.keeps_out else end


def _meet(ours: Ranges, theirs: Ranges) -> bool:
    return any(one[0] <= other[1] and other[0] <= one[1] for one in ours for other in theirs)
