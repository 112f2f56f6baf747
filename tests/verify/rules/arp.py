"""ARP: who answers, and who stands in."""

from collections.abc import Mapping

from netwright.verify.values.outcome import Outcome
from tests.verify.kernel.world import Box, Route
from tests.verify.rules.boxes import AWAY, CLIENT, OK, SERVER, STRANGER, RuleCase, case, client, router, server

_TO_SERVER_DIRECTLY = client(routes=(Route(to="10.2.0.0/24", dev="e0"),))
ARP: Mapping[str, RuleCase] = {
    "nobody_answers_from_another_segment": case(
        Outcome.ARP_UNANSWERED,
        client(routes=(Route(to="10.2.0.0/24", via="10.2.0.10", dev="e0", onlink=True),)),
        source=None,
    ),
    "a_proxy_answers": case(OK, _TO_SERVER_DIRECTLY, router("n0.proxy_arp = 1")),
    "a_proxy_answers_by_all": case(OK, _TO_SERVER_DIRECTLY, router("all.proxy_arp = 1")),
    "a_proxy_must_forward": case(
        Outcome.ARP_UNANSWERED, _TO_SERVER_DIRECTLY, router("n0.proxy_arp = 1", "n0.forwarding = 0"), source=None
    ),
    "a_proxy_needs_a_route": case(
        Outcome.ARP_UNANSWERED,
        client(routes=(Route(to="0.0.0.0/0", dev="e0"),)),
        router("n0.proxy_arp = 1"),
        source=None,
        pair=(CLIENT, "10.9.0.1"),
    ),
    "a_proxy_is_silent_for_its_own_side": case(OK, router("n0.proxy_arp = 1"), STRANGER, pair=(CLIENT, "10.1.0.77")),
    "a_private_vlan_proxy_answers_for_its_own_side": case(
        Outcome.ARP_UNANSWERED, router("n0.proxy_arp_pvlan = 1"), source=None, pair=(CLIENT, "10.1.0.99")
    ),
    "a_proxy_is_silent_within_one_medium": case(
        Outcome.ARP_UNANSWERED,
        _TO_SERVER_DIRECTLY,
        router("n0.proxy_arp = 1", "n0.medium_id = 3", "n1.medium_id = 3"),
        source=None,
    ),
    "a_proxy_needs_a_sender_that_passes": case(
        Outcome.ARP_UNANSWERED,
        _TO_SERVER_DIRECTLY,
        router("n0.proxy_arp = 1", "n0.rp_filter = 1", routes=(AWAY,)),
        source=None,
    ),
    "behind_a_proxy_a_wrong_gateway_is_invisible": case(
        OK,
        client(routes=(Route(to="10.2.0.0/24", via="10.2.0.99", dev="e0", onlink=True),)),
        router("n0.proxy_arp = 1"),
    ),
    "own_addresses_are_answered_on_any_card": case(
        OK,
        client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),)),
        router("n0.proxy_arp = 0"),
    ),
    "arp_ignore_stops_that": case(
        Outcome.ARP_UNANSWERED,
        client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),)),
        router("all.arp_ignore = 1"),
        source=None,
    ),
    "arp_ignore_of_one_card_stops_that": case(
        Outcome.ARP_UNANSWERED,
        client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),)),
        router("n0.arp_ignore = 1"),
        source=None,
    ),
    "arp_ignore_of_another_card_does_not": case(
        OK,
        client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),)),
        router("n1.arp_ignore = 1"),
    ),
    "arp_ignore_of_all_cards_beats_a_lower_one": case(
        Outcome.ARP_UNANSWERED,
        client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),)),
        router("all.arp_ignore = 1", "n0.arp_ignore = 0"),
        source=None,
    ),
    "arp_ignore_2_answers_neighbours": case(OK, router("all.arp_ignore = 2")),
    "arp_ignore_2_answers_them_for_an_address_alone": case(
        OK,
        server(cards={"e0": ("s2", ("10.2.0.10/24", "10.2.0.99/32"))}, sysctls=("net.ipv4.conf.all.arp_ignore = 2",)),
        pair=(CLIENT, "10.2.0.99"),
    ),
    "arp_ignore_2_answers_no_other_network": case(
        Outcome.ARP_UNANSWERED,
        server(
            cards={"e0": ("s2", ("10.2.0.10/29",))},
            routes=(Route(to="0.0.0.0/0", via="10.2.0.1", dev="e0", onlink=True),),
            sysctls=("net.ipv4.conf.all.arp_ignore = 2",),
        ),
        source=None,
    ),
    "an_arp_ignore_that_means_nothing_answers": case(
        OK,
        client(routes=(Route(to="10.2.0.0/24", via="10.2.0.1", dev="e0", onlink=True),)),
        router("all.arp_ignore = 4"),
    ),
    "two_responders_are_nondeterministic": case(
        Outcome.UNKNOWN,
        _TO_SERVER_DIRECTLY,
        router("n0.proxy_arp = 1"),
        Box(name="other", cards={"e0": ("s1", ("10.2.0.10/32",))}),
        source=None,
    ),
    "arp_announce_hides_another_cards_address": case(
        OK,
        client(
            cards={"e0": ("s1", ("10.1.0.10/24",)), "e1": ("s3", ("10.3.0.10/24",))},
            sysctls=("net.ipv4.conf.all.arp_announce = 2",),
        ),
        router("n0.rp_filter = 1"),
    ),
    "arp_announce_of_one_card_hides_another_cards_address": case(
        Outcome.RPF_DROP,
        client(
            cards={"e0": ("s1", ("10.1.0.10/24",)), "e1": ("s3", ("10.3.0.10/24",))},
            sysctls=("net.ipv4.conf.e0.arp_announce = 2",),
        ),
        router("n0.rp_filter = 1"),
        source=None,
        pair=("10.3.0.10", SERVER),
    ),
    "arp_asks_with_the_packets_source": case(
        Outcome.ARP_UNANSWERED,
        client(cards={"e0": ("s1", ("10.1.0.10/24",)), "e1": ("s3", ("10.3.0.10/24",))}),
        router("n0.rp_filter = 1"),
        source=None,
        pair=("10.3.0.10", SERVER),
    ),
}
