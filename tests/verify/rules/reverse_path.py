"""The reverse path filter."""

from collections.abc import Mapping

from netwright.verify.values.outcome import Outcome
from tests.verify.kernel.world import Route
from tests.verify.rules.boxes import AWAY, CLIENT, RuleCase, case, router, server

# Asks by ARP with its first address, so that what is dropped is the packet.
_TWO_ADDRESSES = server(
    cards={"e0": ("s2", ("10.2.0.10/24", "10.9.0.7/32"))}, sysctls=("net.ipv4.conf.e0.arp_announce = 2",)
)
REVERSE_PATH: Mapping[str, RuleCase] = {
    "strict_drops_what_comes_by_another_way": case(
        Outcome.RPF_DROP,
        _TWO_ADDRESSES,
        router("n1.rp_filter = 1", routes=(Route(to="10.9.0.0/24", dev="n0"),)),
        source=None,
        pair=("10.9.0.7", CLIENT),
    ),
    "all_counts_for_every_card": case(
        Outcome.RPF_DROP,
        _TWO_ADDRESSES,
        router("all.rp_filter = 1", routes=(Route(to="10.9.0.0/24", dev="n0"),)),
        source=None,
        pair=("10.9.0.7", CLIENT),
    ),
    "loose_takes_any_route": case(
        Outcome.ARP_UNANSWERED,
        _TWO_ADDRESSES,
        router("n1.rp_filter = 2", routes=(Route(to="10.9.0.0/24", dev="n0"),)),
        source="10.9.0.7",
        pair=("10.9.0.7", CLIENT),
    ),
    "loose_drops_without_a_route": case(
        Outcome.RPF_DROP, _TWO_ADDRESSES, router("n1.rp_filter = 2"), source=None, pair=("10.9.0.7", CLIENT)
    ),
    "loose_drops_what_a_blackhole_takes": case(
        Outcome.RPF_DROP,
        _TWO_ADDRESSES,
        router("n1.rp_filter = 2", routes=(Route(to="10.9.0.0/24", kind="blackhole"),)),
        source=None,
        pair=("10.9.0.7", CLIENT),
    ),
    "a_source_of_its_own_is_dropped": case(
        Outcome.RPF_DROP, server(cards={"e0": ("s2", ("10.2.0.10/24", "10.1.0.10/32"))}), source=None
    ),
    "accept_local_takes_a_source_of_its_own": case(
        Outcome.NAT_APPLIED,
        server(cards={"e0": ("s2", ("10.2.0.10/24", "10.1.0.10/32"))}, sysctls=("net.ipv4.conf.e0.accept_local = 1",)),
    ),
    "arp_is_silenced_too": case(Outcome.ARP_UNANSWERED, router("n0.rp_filter = 1", routes=(AWAY,)), source=None),
}
