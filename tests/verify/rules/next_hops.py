"""Routes with several next hops, of which the kernel takes one for each pair of addresses."""

from collections.abc import Mapping

from msgspec.structs import replace

from netwright.verify.values.outcome import Outcome
from tests.verify.kernel.world import Box, Route
from tests.verify.rules.boxes import CLIENT, FORWARD, NAT, OK, STRANGER, RuleCase, case, client, nft, router, server

_SECOND = router(name="second", cards={"n0": ("s1", ("10.1.0.2/24",)), "n1": ("s2", ("10.2.0.2/24",))})
_STATEFUL = nft([f"{FORWARD} policy drop;", "ct state established,related accept", "ct state new accept"])
_MASQUERADE = nft([f"{NAT} policy accept;", 'oifname "n1" masquerade']) + nft(
    [f"{FORWARD} policy drop;", "ct state invalid drop", "accept"], name="filter"
)
_SECOND_MASQUERADES = replace(_SECOND, nft=_MASQUERADE)


def _by(*gateways: str) -> Box:
    hops = tuple((gateway, "e0") for gateway in gateways)
    return client(routes=(Route(to="10.2.0.0/24", dev="e0", next_hops=hops),))


NEXT_HOPS: Mapping[str, RuleCase] = {
    "several_next_hops_work": case(OK, _SECOND, _by("10.1.0.1", "10.1.0.2")),
    "each_next_hop_has_to_work": case(Outcome.FORWARDING_OFF, STRANGER, _by("10.1.0.1", "10.1.0.77"), source=None),
    "a_dead_next_hop_is_taken_all_the_same": case(Outcome.ARP_UNANSWERED, _by("10.1.0.1", "10.1.0.99"), source=None),
    "a_next_hop_that_is_refused_takes_the_route_with_it": case(
        Outcome.NO_ROUTE, _by("10.1.0.1", "10.99.0.1"), source=None
    ),
    "an_own_address_among_several_next_hops_has_the_target_itself_asked": case(
        Outcome.ARP_UNANSWERED, _by("10.1.0.1", CLIENT), source=None
    ),
    "a_stateful_router_sees_half_of_what_goes_by_another_next_hop": case(
        Outcome.CT_INVALID, _SECOND, router(nft=_STATEFUL), _by("10.1.0.1", "10.1.0.2")
    ),
    "packets_of_a_conversation_keep_to_one_next_hop": case(
        OK,
        _SECOND_MASQUERADES,
        router(nft=_MASQUERADE),
        _by("10.1.0.1", "10.1.0.2"),
        source="10.2.0.1",
        over="tcp",
    ),
    "strict_takes_what_comes_by_any_next_hop": case(
        Outcome.FORWARDING_OFF,
        server(cards={"e0": ("s2", ("10.2.0.10/24", "10.9.0.7/32"))}, sysctls=("net.ipv4.conf.e0.arp_announce = 2",)),
        router(
            "n1.rp_filter = 1",
            routes=(Route(to="10.9.0.0/24", dev="n0", next_hops=(("10.2.0.10", "n1"), ("10.1.0.10", "n0"))),),
        ),
        source="10.9.0.7",
        pair=("10.9.0.7", CLIENT),
    ),
}
