"""Model against kernel: what the verifier predicts for each pair, and where the kernel does something else."""

from collections.abc import Mapping

from msgspec import Struct

from netwright.verify.forwarding.conversation import Result, first_packet, recall, worst
from netwright.verify.forwarding.memory import Memory
from netwright.verify.network_model.network import Network, Place
from netwright.verify.values.addresses import format_ip
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import ICMP, TCP, UDP
from tests.verify.kernel.lab import Observed, Seen, build, observe
from tests.verify.kernel.world import World, ip_number, model_of


class Prediction(Struct, frozen=True, kw_only=True):
    """Prediction of the verifier for one pair, of several ways by next hops of routes each; None stands for UNKNOWN,
    which is compared with nothing. `results` are those that fail, if any way does."""

    pings: tuple[Seen | None, ...]
    udp: tuple[Seen | None, ...]
    tcp_sources: tuple[str | None, ...]
    tcp_known: bool
    results: Mapping[str, Result]


class Disagreement(Struct, frozen=True, kw_only=True):
    """A pair for which the kernel did something else."""

    pair: tuple[str, str]
    predicted: Prediction
    observed: Observed

    def __str__(self) -> str:
        lines = [f"{self.pair[0]} -> {self.pair[1]}: kernel {self.observed}"]
        for over, result in self.predicted.results.items():
            lines.append(f"  model, {over}: {result.outcome} at {result.end.machine.name}: {result.end.cause}")
            there, back = result.decisions
            lines += [f"    -> {decision.node}: {decision.text}" for decision in there]
            lines += [f"    <- {decision.node}: {decision.text}" for decision in back]
        return "\n".join(lines)


def predict(world: World, network: Network, memory: Memory, pair: tuple[str, str]) -> Prediction:
    """The verifier's word."""
    source, destination = (ip_number(ip) for ip in pair)
    # Two boxes may have one address; the sender is the first.
    place = Place(kind="machine", machine=network.machines[world.box_of(pair[0]).name])
    icmp, tcp, udp = (
        recall(network, memory, first_packet(protocol, source, destination, 8080), place, nat_allowed=True)
        for protocol in (ICMP, TCP, UDP)
    )
    return Prediction(
        pings=tuple(map(_seen, icmp)),
        udp=tuple(map(_seen, udp)),
        tcp_sources=tuple(map(_caller, tcp)),
        tcp_known=all(one.outcome is not Outcome.UNKNOWN for one in tcp),
        results={"icmp": worst(icmp), "tcp": worst(tcp), "udp": worst(udp)},
    )


def _caller(result: Result) -> str | None:
    return format_ip(result.seen_source) if result.outcome is Outcome.ACCEPTED and result.seen_source else None


def _seen(result: Result) -> Seen | None:
    # A lost answer leaves open where the request arrived; the receiver is that of the first packet's end.
    if result.outcome is Outcome.UNKNOWN:
        return None
    return Seen(
        at=result.receiver,
        source=format_ip(result.seen_source) if result.seen_source is not None else None,
        answered=result.outcome is Outcome.ACCEPTED,
    )


def _agrees(predicted: Prediction, observed: Observed) -> bool:
    if _rests_on_hearsay(predicted) and (observed.ping.answered or observed.udp.answered):
        return True
    return (
        (None in predicted.pings or observed.ping in predicted.pings)
        and (None in predicted.udp or observed.udp in predicted.udp)
        and (not predicted.tcp_known or observed.tcp_source in predicted.tcp_sources)
    )


def _rests_on_hearsay(predicted: Prediction) -> bool:
    """Return whether an answer found no neighbour that answers ARP.

    The kernel takes the address of whoever asked it before, for some seconds: until it asks back and hears nothing.
    """
    return any(result.outcome is Outcome.ARP_UNANSWERED and result.back for result in predicted.results.values())


def disagreements(world: World) -> tuple[Disagreement, ...]:
    """The pairs on which model and kernel differ, each tried once more alone: neighbours that one conversation has
    made known must not help another."""
    network, memory = model_of(world), Memory()
    predictions = [predict(world, network, memory, pair) for pair in world.pairs]
    with build(world) as spaces:
        observed = observe(spaces, world, world.pairs, lambda number, one: _agrees(predictions[number], one))
    suspects = [number for number, one in enumerate(observed) if not _agrees(predictions[number], one)]
    return tuple(
        Disagreement(pair=world.pairs[number], predicted=predictions[number], observed=alone)
        for number in suspects
        if not _agrees(predictions[number], alone := _observe_alone(world, world.pairs[number], predictions[number]))
    )


def _observe_alone(world: World, pair: tuple[str, str], predicted: Prediction) -> Observed:
    with build(world) as spaces:
        return observe(spaces, world, [pair], lambda _, one: _agrees(predicted, one))[0]
