"""Leases that the rules of a libvirt host keep from its guests: dnsmasq does not hear them, or can't answer.

dnsmasq has an ordinary UDP socket, so that the host's rules see what it gets and sends (2.90, ran). Rules of the
guest's own keep no lease from it: systemd-networkd and NetworkManager ask by raw sockets, of which nftables sees
nothing. A renewal is ordinary UDP, but when that is lost they ask by a raw socket again before the lease ends (252 and
1.42, ran with leases of two minutes).
"""

from collections.abc import Iterator

from msgspec import Struct

from netwright.verify.network_model.chains import BaseChain, Passage, Verdict, run_chains
from netwright.verify.network_model.machine import Machine
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.facts import LibvirtNetwork, Origin
from netwright.verify.values.nftables import Point
from netwright.verify.values.outcome import Outcome
from netwright.verify.values.packets import UDP, Packet

_SERVER, _CLIENT = 67, 68
_NO_ADDRESS, _EVERYONE = AddressNumber(0), AddressNumber(0xFFFFFFFF)


class LeaseRefusal(Struct, frozen=True, kw_only=True):
    """Why a host's rules keep leases from the guests of a network, or may."""

    outcome: Outcome
    cause: str
    origin: Origin


def refuse_lease(host: Machine, network: LibvirtNetwork, ip: AddressNumber) -> LeaseRefusal | None:
    """Return why libvirt's server on the host can't lease the address, None if the host's rules let it.

    The kernel takes the question of a machine without an address whatever rp_filter is (Linux, ip_route_input_slow).
    """
    bridge, own = network.bridge.name, network.bridge.addresses[0].ip
    question = Packet(UDP, _NO_ADDRESS, _CLIENT, _EVERYONE, _SERVER)
    offer = Packet(UDP, own, _SERVER, ip, _CLIENT)
    ways: tuple[tuple[Point, Packet, str], ...] = (
        ("prerouting", question, f"their question (udp/{_SERVER} by {bridge})"),
        ("input", question, f"their question (udp/{_SERVER} by {bridge})"),
        ("output", offer, f"its answer (udp/{_CLIENT} by {bridge})"),
        ("postrouting", offer, f"its answer (udp/{_CLIENT} by {bridge})"),
    )
    refusals = ((_refuse(host, point, packet, bridge), what) for point, packet, what in ways)
    return next((_describe(network, what, refusal) for refusal, what in refusals if refusal is not None), None)


def _refuse(host: Machine, point: Point, packet: Packet, bridge: str | None) -> Verdict | None:
    """Return the verdict that ends the packet's way at a hook: it opens a connection, as an answer to a broadcast does.

    The rules of firewalld don't count: it lets the bridges of libvirt's, which puts them into a zone of their own.
    """
    incoming = bridge if point in ("prerouting", "input") else None
    passage = Passage(
        packet=packet,
        incoming=incoming,
        outgoing=None if incoming else bridge,
        state="invalid",
        unwanted=True,
        own=host.owns,
    )
    for chains, judged in _chains(host, point):
        if judged and not passage.judged and host.firewall.tracks:
            passage.judged, passage.state = True, "untracked" if passage.untracked else "new"
        verdict = run_chains(chains, passage)
        if verdict is not None:
            return verdict
    return None


def _chains(host: Machine, point: Point) -> Iterator[tuple[list[BaseChain], bool]]:
    """The hook's chains that filter, in order; those before connection tracking come without it."""
    stage = host.firewall.stage(point)
    if stage is not None:
        yield stage.raw, False
        yield stage.early, True
        yield stage.late, True


def _describe(network: LibvirtNetwork, what: str, verdict: Verdict) -> LeaseRefusal:
    rule, where = verdict.rule, f"chain {verdict.base}"
    origin = rule.origin if rule is not None else verdict.base.chain.origin
    lost = f"libvirt leases no address to guests of {network.name}: {what}"
    if verdict.kind == "unknown":
        said = f"meets the rule `{rule.text if rule is not None else ''}` in {where}, which is not known"
        return LeaseRefusal(outcome=Outcome.UNKNOWN, cause=f"{lost} {said}", origin=origin)
    by = f"`{rule.text}` in" if rule is not None else "the policy of"
    return LeaseRefusal(outcome=Outcome.FILTERED, cause=f"{lost} is dropped by {by} {where}", origin=origin)
