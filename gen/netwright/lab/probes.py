"""A conversation to try, and verify's verdict on it."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from netwright.lab.containers import inner_port
from netwright.verify.forwarding.conversation import Result, converse_every, worst
from netwright.verify.forwarding.flannel_tunnel import VXLAN_PORT
from netwright.verify.forwarding.memory import Memory
from netwright.verify.forwarding.redirects import is_obeyed
from netwright.verify.network_model.network import Network, Place
from netwright.verify.proof.cases import Case
from netwright.verify.proof.classes import TrafficClass
from netwright.verify.proof.forwards import asked_packets, direct_packet
from netwright.verify.proof.openings import openings
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import PORTED, PROTOCOLS, UDP, Packet
from netwright.verify.values.wiring import Flow

PROBES_PER_FLOW = 600
"""Number of conversations a flow is tried with at most."""

NAMES = {number: name for name, number in PROTOCOLS.items()}


class ProbeLoss(Struct, frozen=True, kw_only=True):
    """Loss of a conversation: what became of a packet and at which node, on the way there or back, and the cause."""

    outcome: Outcome
    node: str
    back: bool
    cause: str

    def __str__(self) -> str:
        return f"{self.outcome} at {self.node} on the way {'back' if self.back else 'there'}: {self.cause}"

    def contradicts(self, other: "ProbeLoss") -> bool:
        """Return whether both can't be true. Of those that a packet meets on its round, any may be named for a loop."""
        if self.outcome is Outcome.LOOP:
            return other.outcome is not Outcome.LOOP
        return (self.outcome, self.node, self.back) != (other.outcome, other.node, other.back)


class Seen(Struct, frozen=True, kw_only=True):
    """Result of a conversation: the node that got the first packet and the source that it saw, None if no node got
    it, whether the answer came back, and why not, None if that is not known."""

    at: str | None
    source: int | None
    answered: bool
    loss: ProbeLoss | None = None

    def is_like(self, other: "Seen | None") -> bool:
        """Return whether the other says the same, whatever the reason of a loss is."""
        return other is not None and replace(self, loss=None) == replace(other, loss=None)

    def __str__(self) -> str:
        if self.at is None or self.source is None:
            return "lost on the way there"
        answer = "answered" if self.answered else "the answer is lost"
        return f"arrives at {self.at} from {format_ip(self.source)}, {answer}"


class Probe(Struct, frozen=True, kw_only=True):
    """One conversation to try. `predicted` is verify's word, None where it does not know; `reason` is its verdict. By
    other next hops of a route than that is about it may go as `others` tell.

    `uncertain`: the answer's next hop does not answer ARP, but the kernel may still know it from having been asked.
    `landing` is the address and port at which it is to arrive, if a router leads it on there.
    `inner_port` is that of the container to which Docker leads it on, None where it does not.
    `misplaced`: an end is a machine whose files do not give it its address, and verify finds no more than that.
    """

    source: int
    destination: int
    protocol: int
    port: int
    sender: Place
    home: Place | None
    predicted: Seen | None
    reason: str
    uncertain: bool
    inner_port: int | None = None
    misplaced: bool = False
    others: tuple[Seen, ...] = ()
    landing: tuple[int, int] | None = None

    @property
    def served(self) -> tuple[int, int]:
        """The address and the port of the server that is to answer."""
        return self.landing or (self.destination, self.port)

    def __str__(self) -> str:
        port = f"/{self.port}" if self.protocol in PORTED else ""
        return f"{NAMES[self.protocol]}{port} {format_ip(self.source)} -> {format_ip(self.destination)}"


class Trial(Struct, frozen=True, kw_only=True):
    """A flow's probes, of as many conversations as there are `classes` of them, without those `unsent` that the lab
    has no packets of."""

    flow: Flow
    probes: tuple[Probe, ...]
    classes: int
    unsent: int


def probe_case(network: Network, memory: Memory, case: Case) -> Probe:
    """The conversation that stands for a case with the receiver's own address, and verify's verdict on it."""
    return _probe(network, memory, case, direct_packet(_sendable(case)))


def probes_of(network: Network, memory: Memory, flow: Flow, case: Case) -> Iterator[Probe]:
    """Yield the conversations that stand for a case of a flow, one for each address by which its receiver is asked, or
    may be reached although that is denied."""
    case = _sendable(case)
    denied = (direct_packet(case), *(openings(network, memory, case) or ())) if not flow.must_arrive else ()
    for packet in denied or asked_packets(network, case):
        yield _probe(network, memory, case, packet)


def _sendable(case: Case) -> Case:
    port = _sendable_port(case.traffic)
    return replace(case, traffic=replace(case.traffic, ports=((port, port),))) if port else case


def _probe(network: Network, memory: Memory, case: Case, packet: Packet) -> Probe:
    protocol, source, destination = packet.protocol, packet.source, packet.destination
    port = packet.dport if protocol in PORTED else 0
    is_direct = packet == direct_packet(_sendable(case))
    landing = None if is_direct else (case.destination.first, case.traffic.port)
    mismatch = network.mismatch(source, case.destination.first)
    if mismatch is not None:
        return Probe(
            source=source,
            destination=destination,
            protocol=protocol,
            port=port,
            sender=case.start,
            home=case.destination.place,
            predicted=Seen(at=None, source=None, answered=False),
            reason=f"{mismatch.kind} at {mismatch.machine.name}: {mismatch.cause}",
            uncertain=False,
            misplaced=True,
            landing=landing,
        )
    results = [*converse_every(network, memory, packet, case.start, nat_allowed=True)]
    result = worst(results)
    seen = tuple(dict.fromkeys(map(_predict, (result, *results))))
    return Probe(
        source=source,
        destination=destination,
        protocol=protocol,
        port=port,
        sender=result.start,
        home=case.destination.place,
        predicted=None if None in seen else seen[0],
        others=tuple(one for one in seen[1:] if one is not None),
        reason=str(_loss_of(result) or result.outcome),
        inner_port=inner_port(network, case.destination.place, protocol, landing[1] if landing is not None else port),
        uncertain=result.outcome is Outcome.ARP_UNANSWERED and result.back,
        landing=landing,
    )


def _predict(result: Result) -> Seen | None:
    """What comes of a conversation according to verify; None if it does not know."""
    if result.outcome is Outcome.UNKNOWN or _is_redirected(result):
        return None
    answered = result.outcome is Outcome.ACCEPTED
    return Seen(at=result.receiver, source=result.seen_source, answered=answered, loss=_loss_of(result))


def _loss_of(result: Result) -> ProbeLoss | None:
    if result.outcome is Outcome.ACCEPTED:
        return None
    end = result.end
    return ProbeLoss(outcome=result.outcome, node=end.machine.name, back=result.back, cause=end.cause)


def _is_redirected(result: Result) -> bool:
    """Return whether a packet may take another way than the one before it: a machine obeys the redirect of a router."""
    return any(is_obeyed(offer) for way in (result.there, result.reply) if way is not None for offer in way.offers)


def _sendable_port(traffic: TrafficClass) -> int | None:
    """A port of the class that programs can use, 0 where there are no ports, None if there is no such port.

    Port 0 is none, and on the UDP port of the tunnel the node's own kernel listens.
    """
    if not traffic.ports:
        return 0
    taken = {0, VXLAN_PORT} if traffic.protocol == UDP else {0}
    candidates = (port for first, last in traffic.ports for port in range(first, min(last, first + len(taken)) + 1))
    return next((port for port in candidates if port not in taken), None)


def is_sendable(traffic: TrafficClass) -> bool:
    """Return whether the lab has packets of the class."""
    return traffic.protocol in NAMES and _sendable_port(traffic) is not None
